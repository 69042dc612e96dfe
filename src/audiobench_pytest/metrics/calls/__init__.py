"""Calls of tools: `metric.py` counts them, `compared.py` compares arguments, `judged.py` has a judge read those."""

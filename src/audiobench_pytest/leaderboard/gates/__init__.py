"""Limits: the file they stand in, and the verdict of each on the numbers of a cell.

`file.py` and `verdicts.py` are the ways in.
"""

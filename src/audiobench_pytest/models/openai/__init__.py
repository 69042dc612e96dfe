"""Models and judges behind an OpenAI-compatible server: connection, slots, what goes over the wire.

`adapter.py` and `chat.py` are the ways in.
"""

"""Models behind OpenAI's realtime protocol: what is said over a websocket, in both dialects, and what comes back.

`adapter.py` is the way in.
"""

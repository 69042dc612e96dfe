"""Any server that is asked over HTTP, whichever protocol it speaks: many questions in flight, slots, patience, keys.

`adapter.py` is what adapters of a protocol start from; `connection.py` asks and is the way in for others.
"""

"""Test sets on a hub.

Files listed, rows read, encoded sounds stored, once; `load.py` is the way in, the rest serves it.
"""

"""Named boards over many cells: which they show, how they average, rank and how sure the ranks are.

`fill.py` is the way in.
"""

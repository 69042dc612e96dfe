"""A class of the user's as a model: `reading.py` makes an entry of it, `adapter.py` asks it.

What such a class has to have is said in `adapter.py`.
"""

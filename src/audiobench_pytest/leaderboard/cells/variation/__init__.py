"""What differs when one thing is asked more than once: a clip again, a clip several times, in several prompts.

Each module says what it makes of a cell's answers; `reduce.py` above calls them.
"""

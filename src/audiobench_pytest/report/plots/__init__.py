"""Pictures of a run for papers, through matplotlib: drawn from the leaderboard that the run wrote, computed anew never.

`drawing.py` is the way in: a function per kind gives a figure, and one writes it.
"""

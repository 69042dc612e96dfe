"""Result files of others become a run of ours: `layouts.py` reads, `matching.py` finds the samples, `making.py` writes.

A layout is a function from a file's lines to rows; what a file lacks comes from a data set or a file of references.
"""

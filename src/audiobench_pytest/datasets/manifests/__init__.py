"""Test sets as JSON lines: `read.py` is the way in; each dialect is a file that knows one layout and nothing else."""

"""Recognisers behind their vendors' own protocols, each in a module; adapter.py is the way in."""

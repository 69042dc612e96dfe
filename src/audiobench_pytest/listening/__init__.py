"""Listening tests of spoken answers: a blinded folder to listen in, and the ratings that come back from it.

`folder.py` is the way out, `returned.py` the way back in.
"""

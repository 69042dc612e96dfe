"""Codecs that need no weights, as models: a recording in, what is left of it out; `base.py` says what a codec is."""

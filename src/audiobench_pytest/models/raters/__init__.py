"""Scorers of sounds, as models whose samples are answers; `base.py` says what a rater is and guards each of them."""

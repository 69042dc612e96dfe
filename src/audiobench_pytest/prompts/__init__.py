"""Template and sample to prompt: `profiles.py` picks the words by who is asked what, `render.py` fills them in."""

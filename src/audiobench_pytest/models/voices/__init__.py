"""Engines that say a text aloud: espeak-ng by pip alone, `speaking_child.py` is the process that it speaks in."""

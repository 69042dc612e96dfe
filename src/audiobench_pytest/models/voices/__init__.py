"""Engines that say a text aloud: espeak-ng by pip alone, `speaking_child.py` is the process that it speaks in.

`seeded.py` is what those through transformers share: `neural.py` (in voices of their own), `coded.py` (those that write
the codes of a codec, in a voice that they are handed), `seamless.py`. `moshi.py` answers what it hears.
"""

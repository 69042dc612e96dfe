"""Classes that run in the environments of the catalogue's isolated models; nothing else of ours is there.

A catalogue entry names one as `bundled/audio_chat.py:KimiAudio`.
"""

"""Whisper checkpoints through CTranslate2, the engine of faster-whisper: converted once, then run without torch."""

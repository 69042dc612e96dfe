"""Checkpoints run in this process by torch and transformers, which are imported inside `load()` only."""

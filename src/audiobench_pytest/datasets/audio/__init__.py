"""Encoded sound in files to decoded sound in memory.

Callers use `datasets.read_audio`; containers and the WAV reader serve it.
"""

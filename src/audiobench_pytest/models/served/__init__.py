"""Servers that the harness starts itself: one program per way, watched, restarted once, ended with the run.

`adapter` is the way in; `guard` is the process that stands between us and a server, so that none is left over.
"""

"""What an error rate counts, tried edit by edit: `edits.py` for any language, `suite.py` for each by itself.

Behind `audiobench check recipe` and the table of docs/scoring.md.
"""

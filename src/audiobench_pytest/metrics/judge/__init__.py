"""Scores that a language model gives: the prompt it is shown, the reply that is read, the values that follow.

Asks nobody.
"""

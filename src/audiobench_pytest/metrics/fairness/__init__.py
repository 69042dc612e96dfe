"""Text steps of our own default recipes from their second version on: what never counts, and what always does.

Free are case, punctuation, invisible characters, the kind of an apostrophe, annotations, the script of a digit; never
free are a word, a sign, a percent, a currency. A step that has produced scores is never changed: a better one has
another name.
"""

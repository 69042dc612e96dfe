"""Scores from counts of n-grams: BLEU, chrF, caption metrics."""

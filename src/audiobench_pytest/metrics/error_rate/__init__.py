"""Word and character error rates: units compared by alignment, errors counted, rates of their sums."""

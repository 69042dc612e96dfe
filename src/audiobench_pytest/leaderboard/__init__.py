"""From numbers to cell results, intervals and gates."""

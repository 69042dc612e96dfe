"""Text steps, error rates and recipes."""

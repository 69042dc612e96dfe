"""Commands that hand runs to others, and make runs of what others hand us."""

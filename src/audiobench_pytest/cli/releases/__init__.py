"""Commands about releases: what they are compared with, how they differ, which limits fit, their errors, pictures."""

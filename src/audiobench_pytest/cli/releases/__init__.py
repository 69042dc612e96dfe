"""Commands about releases: what they are compared with, how they differ, which limits fit, what their errors are."""

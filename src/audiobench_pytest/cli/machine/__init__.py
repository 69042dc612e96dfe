"""Commands about this machine: what is fetched onto it ahead of runs, and what works on it."""

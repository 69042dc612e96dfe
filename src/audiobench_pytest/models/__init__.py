"""Model adapters, a file per family."""

"""Keys, the cache and the run directory: the only code that touches them."""

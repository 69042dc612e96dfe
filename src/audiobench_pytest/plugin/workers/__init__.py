"""Who does the work: xdist workers, Ray actors, the share of the GPUs each gets."""

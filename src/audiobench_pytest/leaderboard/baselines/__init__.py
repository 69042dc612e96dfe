"""What a cell is compared with: another run, a lock file, and whether the two may be compared at all."""

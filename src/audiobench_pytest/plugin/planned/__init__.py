"""What would run and what it lacks, told before anything does, and the cells of the plan of what does run."""

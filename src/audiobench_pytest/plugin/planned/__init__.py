"""What would run and what it lacks, told before anything does; `start` alone asks here."""

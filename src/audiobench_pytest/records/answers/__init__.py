"""What models answered and what scoring found, by key, for ever: cache, its columns, compaction, sharing, scores."""

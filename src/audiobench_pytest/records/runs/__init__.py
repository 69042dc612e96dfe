"""One run on disk: its plan, its results line by line, and how runs and parts of runs are read again."""

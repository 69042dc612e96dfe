"""What a run says, written for others; every module starts from `frames.read_run`, none reads a run's files."""

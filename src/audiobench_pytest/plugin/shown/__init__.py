"""What people and CI see of a run beside its files: progress, gates as test cases, the summary of a CI job."""

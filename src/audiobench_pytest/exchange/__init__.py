"""Runs in the layouts of others: `exports/` writes ours as theirs, `imports/` makes a run of theirs; no pytest."""

"""Models asked about sounds that other models answered with: `stages.py` is the way in, for `runner.scoring.stages`."""

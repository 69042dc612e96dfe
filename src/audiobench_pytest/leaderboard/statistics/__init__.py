"""Intervals, paired comparison, permutation: arrays in, numbers out. Nothing here knows a cell, a run or a gate."""

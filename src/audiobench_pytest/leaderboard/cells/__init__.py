"""The numbers of one cell: sums to values, slices, speed, repeats. Nothing here knows a limit or another cell."""

"""Measures cost and speed; each figure is a ratio to a baseline of the same run. Started by `make bench`."""

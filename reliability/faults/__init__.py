"""Breaks things while traffic runs: `make faults`."""

"""The calls that cannot be avoided, and nothing else."""

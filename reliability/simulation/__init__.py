"""A business played through the real domain code, in memory: `make simulate`."""

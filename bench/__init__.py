"""Measurements of speed and cost; `make bench` runs them. Nothing here fails a build: machines differ."""

"""What the product costs and how fast it is, each figure a ratio to a baseline of the same run: `make bench`."""

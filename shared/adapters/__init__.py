"""One module per outside world: each is the only one that touches it."""

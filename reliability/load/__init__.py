"""Mixed traffic on the local stack for as long as asked: `make load`."""

"""What the product survives: faults, load and simulated business, with the invariants checked at the end."""

"""Only the calls that cannot be avoided."""

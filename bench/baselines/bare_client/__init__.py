"""A stand-alone program: nothing imports this package."""

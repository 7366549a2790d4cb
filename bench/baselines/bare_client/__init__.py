"""A program of its own: nothing imports it from here."""

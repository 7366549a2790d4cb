"""The measurements, by subject. Each module's `measure(lab)` yields rows."""

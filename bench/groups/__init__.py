"""The measurements, by subject. Each module's `measure` yields rows; its docstring says what they mean."""

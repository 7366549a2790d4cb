"""Times that several rules share, in seconds."""

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400

YEAR_10000_S = 253_402_300_800
"""The first UTC second that no datetime can hold."""

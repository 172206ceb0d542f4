"""cospaced bridges room calendars to Cisco Meeting Server."""

__version__ = "0.1.0"

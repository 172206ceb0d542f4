"""Adapters that read room calendars; each implements CalendarSource."""

"""Adapters that keep state; each implements Store."""

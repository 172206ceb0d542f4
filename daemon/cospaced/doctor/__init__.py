"""Looks at everything an administrator must set up, and says what to do; changes nothing.

Each check is a small module of its own (`examination.py` lists them): what it looks at is taken
from a `Site`, what it finds is a `Finding`. A new one, such as a check of one kind of calendar, is
one file, and its name in that list.
"""

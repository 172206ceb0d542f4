"""Whether the caldav library is installed, without loading it, and how it is installed."""

from importlib.util import find_spec


INSTALL = "pip install 'cospaced[caldav]' && pip install --no-deps 'caldav>=3.6,<4'"
"""By itself, for among what caldav names is niquests; see host/urllib3_shadow.py."""
_NEEDED = ("caldav", "lxml", "icalendar_searcher", "yaml")


def missing() -> str:
    """Return the sentence that says what is missing and how to install it; empty: nothing."""
    absent = [name for name in _NEEDED if find_spec(name) is None]
    if not absent:
        return ""
    return f"the caldav library is not installed (no {', '.join(absent)}): {INSTALL}"

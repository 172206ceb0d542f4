"""Time zones by the names that Windows gives them."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON


KNOWN = WINDOWS_TO_OLSON
"""Windows name to IANA name."""


def zone(name: str) -> tzinfo:
    """Return the zone of a Windows or IANA name; ValueError where nobody knows it."""
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: write 'W. Europe Standard Time'") from error

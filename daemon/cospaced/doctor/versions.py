"""What cospaced runs on, for a report of a fault."""

import platform
import sqlite3
import ssl
import sys
from collections.abc import Sequence
from importlib import metadata

from cospaced import __version__
from cospaced.doctor.base import Area, Check, Finding, note
from cospaced.doctor.site import Site


_LIBRARIES = (
    "aiohttp",
    "caldav",
    "click",
    "defusedxml",
    "exchangelib",
    "httpx",
    "httpx-aiohttp",
    "icalendar",
    "pydantic",
    "python-dateutil",
    "recurring-ical-events",
    "sdnotify",
    "structlog",
    "tzdata",
    "urllib3",
)


async def look(site: Site) -> Sequence[Finding]:
    """List releases; what is not installed is left out."""
    return await site.aside("versions", lambda: [_system(), _libraries()])


def _system() -> Finding:
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    python = f"Python {platform.python_version()} ({sys.prefix})"
    below = f"SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}"
    return note(f"cospaced {__version__}, {python}, {below}, {machine}", subject="system")


def _libraries() -> Finding:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return note(", ".join(found), subject="libraries")


CHECK = Check(slug="versions", title="Versions", area=Area.SOFTWARE, look=look)

"""Time zones by name: what the file says, and what the machine is set to."""

import zoneinfo
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from cospaced.configuration.values import closest, quoted


def zone(text: str) -> str:
    """Read an IANA name, or nothing; ValueError suggests what was probably meant."""
    if not text or is_known(text):
        return text
    meant = _of_windows(text) or closest(text, sorted(zoneinfo.available_timezones()))
    remedy = meant or "a name such as Europe/Berlin, see timedatectl list-timezones"
    raise ValueError(f"{quoted(text)} is no time zone of the IANA database (write {remedy})")


def is_known(name: str) -> bool:
    """Whether a name is a zone of the IANA database."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def machine_zone(environment: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Return the machine's zone by TZ, /etc/timezone or /etc/localtime; None where none says."""
    candidates = (
        environment.get("TZ", "").removeprefix(":"),
        _first_line(root / "etc/timezone"),
        _behind_zoneinfo(root / "etc/localtime"),
    )
    return next((name for name in candidates if name and is_known(name)), None)


def _of_windows(text: str) -> str | None:
    # icalendar carries the table, and is slow to import where nobody asks for it.
    table: dict[str, str] = import_module("icalendar.timezone.windows_to_olson").WINDOWS_TO_OLSON
    return table.get(text)


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _behind_zoneinfo(link: Path) -> str:
    try:
        return str(link.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""

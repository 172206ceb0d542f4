"""The time zone database: known to this machine, and not years old."""

import re
import zoneinfo
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Site


_OLD = 2
"""Years; rules change several times in each."""


async def look(site: Site) -> Sequence[Finding]:
    """Look the configured zone up, and the release of the rules that count."""
    return await site.aside("time_zones", lambda: [_judged(site)])


def _judged(site: Site) -> Finding:
    zone = site.settings.daemon.time_zone
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        remedy = "mend [daemon] time_zone, or apt install tzdata"
        return error("is not known on this machine", remedy, f"zone {zone}")
    release = release_in(zoneinfo.TZPATH)
    if not release:
        return note("its rules' release cannot be told", "apt install tzdata", f"zone {zone}")
    if site.clock.now().year - int(release[:4]) >= _OLD:
        seen = f"its rules are of {release}: clocks that changed since are wrong by an hour"
        return warning(seen, "apt install --only-upgrade tzdata", f"zone {zone}")
    return ok(f"rules of {release}", f"zone {zone}")


def release_in(folders: Sequence[str]) -> str:
    """Return the release (`2025b`) of the first database there is, as zoneinfo would choose."""
    for folder in folders:
        path = Path(folder)
        if not (path / "UTC").exists():
            continue
        for name, pattern in (("tzdata.zi", r"# version (\d{4}\w*)"), ("+VERSION", r"(\d{4}\w*)")):
            file = path / name
            if file.is_file():
                with file.open(encoding="utf-8") as lines:
                    found = re.match(pattern, lines.readline())
                if found:
                    return found[1]
        return ""
    try:
        major, _, minor = metadata.version("tzdata").partition(".")
    except metadata.PackageNotFoundError:
        return ""
    return f"{major}{chr(ord('a') + int(minor) - 1)}" if minor.isdigit() else major


CHECK = Check(slug="time_zones", title="Time zones", area=Area.MACHINE, look=look)

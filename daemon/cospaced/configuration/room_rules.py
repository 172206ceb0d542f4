"""Rules for rooms: each has one calendar of its own, and endpoints that are not the pool's."""

import os.path
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from cospaced.configuration.addresses import web_url
from cospaced.configuration.checking import Part, source_type
from cospaced.configuration.findings import Findings
from cospaced.configuration.values import closest, quoted
from cospaced.settings import SourceType


_PLACES = ("path", "url", "mailbox")
_FITTING = {
    SourceType.ICAL: ("path", "url"),
    SourceType.CALDAV: ("url",),
    SourceType.EXCHANGE: ("mailbox",),
    SourceType.GRAPH: ("mailbox",),
}
_KINDS = {
    "path": "ical calendars",
    "url": "ical and caldav calendars",
    "mailbox": "exchange and graph calendars",
}
_LOWEST_USUAL_BANDWIDTH = 64_000


def joined_url(room: Part, calendar: Part | None) -> str:
    """Return a room's URL, joined to its calendar's; ValueError tells what is wrong."""
    url = str(room.value("url") or "")
    if not url or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
        return web_url(url) if url else ""
    base = str(calendar.value("url") or "") if calendar else ""
    if not base:
        raise ValueError(
            "is relative, and the calendar has no url (write https://host/path, or give the "
            "calendar a url)"
        )
    return web_url(urljoin(base if base.endswith("/") else f"{base}/", url))


def rooms(
    parts: Sequence[Part], calendars: Mapping[str, Part], pool: Part | None, findings: Findings
) -> None:
    """Tell everything that is wrong with rooms beyond their single keys."""
    taken: dict[Any, Part] = {}
    for part in parts:
        _calendar(part, calendars, findings)
        _place(part, calendars.get(part.value("calendar") or ""), taken, findings)
        _endpoints(part, pool, findings)
        _bandwidth(part, findings)


def counts(
    parts: Sequence[Part], calendars: Mapping[str, Part], min_rooms: int, findings: Findings
) -> None:
    """Warn of what is allowed and yet leads to no booking."""
    used = {part.value("calendar") for part in parts}
    for name, calendar in calendars.items():
        if name not in used:
            findings.warn(
                f"{calendar.section.file}:{calendar.section.line}: [calendar:{name}] has no room "
                f"(write a [room:NAME] with calendar = {name})"
            )
    if not parts:
        findings.warn(
            f"{findings.files[0]}: there is no [room:NAME], so there is nothing to do (write one "
            "for each room, here or in files that [daemon] include names)"
        )
        return
    equipped = sum(1 for part in parts if part.value("endpoints"))
    if equipped < min_rooms and not any(part.value("always") for part in parts):
        findings.warn(
            f"{findings.files[0]}: {equipped} of {len(parts)} rooms have an endpoint, and "
            f"[conferences] min_rooms = {min_rooms}: no event can become a booking (give rooms "
            "endpoints, or lower min_rooms)"
        )


def _calendar(part: Part, calendars: Mapping[str, Part], findings: Findings) -> None:
    name = part.value("calendar")
    if not name or name in calendars:
        return
    meant = closest(name, calendars)
    remedy = f"write {meant}" if meant else f"write a section [calendar:{name}]"
    if calendars and not meant:
        remedy = f"the calendars are {', '.join(calendars)}"
    findings.key(part.section, "calendar", f"there is no calendar {quoted(name)} ({remedy})")


def _place(part: Part, calendar: Part | None, taken: dict[Any, Part], findings: Findings) -> None:
    """Look at where the room's own calendar lies: in one place, fitting, and nobody else's."""
    if not part.sure(*_PLACES):
        return
    given = [key for key in _PLACES if part.value(key)]
    source = source_type(calendar.section) if calendar else None
    fitting = _FITTING[source] if source else _PLACES
    for key in given:
        if key not in fitting and source:
            findings.key(
                part.section,
                key,
                f"is for {_KINDS[key]}; a room of a calendar of type {source} takes {_or(fitting)} "
                f"(write {fitting[0]} = … in its place)",
            )
    if not given:
        findings.section(
            part.section, f"does not say where its calendar lies (write {_or(fitting)} = …)"
        )
    elif len(given) > 1:
        findings.key(
            part.section, given[1], f"stands beside {given[0]} (keep the one that is meant)"
        )
    elif given[0] in fitting:
        _own(part, given[0], calendar, taken, findings)


def _own(
    part: Part, key: str, calendar: Part | None, taken: dict[Any, Part], findings: Findings
) -> None:
    if key == "url" and (calendar is None or not calendar.sure("url")):
        return
    try:
        place = joined_url(part, calendar) if key == "url" else part.value(key)
    except ValueError as error:
        findings.key(part.section, key, str(error))
        return
    mark = os.path.realpath(place) if isinstance(place, Path) else place.casefold()
    first = taken.setdefault((key, mark), part)
    if first is not part:
        where = f"{first.section.file}:{first.section.line}"
        findings.key(
            part.section,
            key,
            f"is the calendar of [{first.section.title}] too, see {where} (give each room its own)",
        )


def _endpoints(part: Part, pool: Part | None, findings: Findings) -> None:
    seen = set()
    for endpoint in part.value("endpoints"):
        bare = re.sub(r"\A[Ss][Ii][Pp][Ss]?:", "", endpoint).partition(";")[0].casefold()
        if bare in seen:
            findings.key(
                part.section, "endpoints", f"names {quoted(endpoint)} twice (write it once)"
            )
        seen.add(bare)
        if pool is not None and _in_pool(bare, pool):
            findings.key(
                part.section,
                "endpoints",
                f"{quoted(endpoint)} is a number of the pool, so cospaced would dial itself "
                "(write the video system's own URI)",
            )


def _in_pool(bare: str, pool: Part) -> bool:
    base, quantity = pool.value("numeric_id_base"), pool.value("numeric_id_quantity")
    domain = pool.value("domain")
    user, _, host = bare.partition("@")
    if base is None or quantity is None or domain is None or not re.fullmatch("[0-9]{1,15}", user):
        return False
    inside: bool = host.partition(":")[0] == domain and base <= int(user) < base + quantity
    return inside


def _bandwidth(part: Part, findings: Findings) -> None:
    bandwidth = part.value("bandwidth")
    if bandwidth is not None and bandwidth < _LOWEST_USUAL_BANDWIDTH:
        findings.warn(
            f"{part.section.file}: [{part.section.title}] bandwidth = {bandwidth} is in bits per "
            "second and less than a voice takes (write 4000000 for 4 Mbit/s)"
        )


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)

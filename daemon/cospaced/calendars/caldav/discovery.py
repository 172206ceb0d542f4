"""From a room's url to its calendar: the collection itself, or the one that a user has.

RFC 4791, section 6.2.1; RFC 5397; RFC 6638, section 9.2. The login's own principal is asked only
where the url names nobody: what it leads to is the calendar of whoever logs in, and one service
account mostly reads many rooms.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cospaced.calendars.caldav import quirks
from cospaced.calendars.caldav.client import Answer, Client
from cospaced.calendars.caldav.multistatus import CALDAV, CTAG, DAV, Resource
from cospaced.errors import CalendarError


_TYPE = f"{DAV}resourcetype"
_NAME = f"{DAV}displayname"
_TOKEN = f"{DAV}sync-token"
_REPORTS = f"{DAV}supported-report-set"
_COMPONENTS = f"{CALDAV}supported-calendar-component-set"
_HOME = f"{CALDAV}calendar-home-set"
_INBOX = f"{CALDAV}schedule-inbox-URL"
_DEFAULT = f"{CALDAV}schedule-default-calendar-URL"
_SELF = f"{DAV}current-user-principal"
_ABOUT = (_TYPE, _NAME, _COMPONENTS, _REPORTS, _TOKEN, CTAG)
_WHOSE = (_HOME, _INBOX, _SELF)
_NOBODYS = ("", "/.well-known/caldav")
_MOST_TOLD = 20
_MOST_HOMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A calendar, and what its server can tell of changes."""

    url: str
    token: str = ""
    """Its sync-token; empty where it cannot be asked for changes."""
    ctag: str = ""
    at: datetime | None = None
    """The server's clock when it said so."""


async def find(client: Client, url: str, base: str) -> Collection:
    """Return the calendar that a room's url means; `base` is the url of the room's `[calendar:]`.

    Raises CalendarError, `not_found` where there is none or more than one.
    """
    answer = await client.properties(url, (*_ABOUT, *_WHOSE))
    start = _of(answer)
    if _is_calendar(start):
        if not _holds_events(start):
            path = urlsplit(url).path
            text = f"{client.host}: {path} holds no events, only {', '.join(_kinds(start))}"
            raise CalendarError("not_a_calendar", f"{text}: mend the room's url")
        return _collection(answer, start)
    whose = start
    homes = await _homes(client, answer.url, start)
    if not _calendars(homes) and start.href_of(_SELF) and _names_nobody(url, base):
        who = quirks.absolute(answer.url, start.href_of(_SELF))
        whose = _of(await client.properties(who, (_TYPE, *_WHOSE)))
        homes = await _homes(client, who, whose)
    found = _calendars(homes)
    if len(found) > 1 and whose.href_of(_INBOX):
        found = await _default(client, homes[0].url, whose, found) or found
    if len(found) == 1:
        return _collection(*found[0])
    raise CalendarError("not_found", _told(client.host, urlsplit(url).path, found, homes))


async def _homes(client: Client, url: str, whose: Resource) -> list[Answer]:
    """Ask for what is in a principal's homes, or in the collection itself."""
    there = [quirks.absolute(url, home) for home in whose.hrefs_of(_HOME)[:_MOST_HOMES]]
    return [await client.properties(one, _ABOUT, depth=1) for one in there or [url]]


Found = tuple[Answer, Resource]
"""A calendar and the answer that told of it."""


def _calendars(homes: Iterable[Answer]) -> list[Found]:
    """Return the calendars that hold events, each once."""
    found = {
        one.key: (home, one)
        for home in homes
        for one in (home.found.resources if home.found else ())
        if _is_calendar(one) and _holds_events(one)
    }
    return list(found.values())


async def _default(client: Client, url: str, whose: Resource, found: list[Found]) -> list[Found]:
    """Return that of several calendars into which invitations go, if the server says so."""
    inbox = quirks.absolute(url, whose.href_of(_INBOX))
    try:
        told = _of(await client.properties(inbox, (_DEFAULT,))).href_of(_DEFAULT)
    except CalendarError as error:
        # A service account may read a room's calendars, and mostly not its inbox.
        if error.shared or error.kind not in ("login", "not_found"):
            raise
        return []
    if not told:
        return []
    wanted = quirks.key(inbox, told).rstrip("/")
    return [(home, one) for home, one in found if one.key.rstrip("/") == wanted]


def _of(answer: Answer) -> Resource:
    """Return the resource that was asked for; raises CalendarError(`not_found`)."""
    resources = answer.found.resources if answer.found else ()
    key = quirks.key(answer.url, answer.url).rstrip("/")
    found = next((one for one in resources if one.key.rstrip("/") == key), None)
    found = found or next(iter(resources), None)
    if found is None or found.gone:
        where = urlsplit(answer.url)
        raise CalendarError("not_found", f"{where.netloc} has no {where.path}: mend the room's url")
    return found


def _collection(answer: Answer, resource: Resource) -> Collection:
    reports = resource.names(_REPORTS)
    can_tell = not reports or f"{DAV}sync-collection" in reports
    return Collection(
        url=quirks.absolute(answer.url, resource.href),
        token=resource.text(_TOKEN) if can_tell else "",
        ctag=resource.text(CTAG),
        at=answer.at,
    )


def _is_calendar(resource: Resource) -> bool:
    return f"{CALDAV}calendar" in resource.names(_TYPE)


def _kinds(resource: Resource) -> tuple[str, ...]:
    return resource.named(_COMPONENTS)


def _holds_events(resource: Resource) -> bool:
    """Whether events may stand in a calendar: where it does not say, they may."""
    return not _kinds(resource) or "VEVENT" in _kinds(resource)


def _names_nobody(url: str, base: str) -> bool:
    path = urlsplit(url).path.rstrip("/")
    return path in _NOBODYS or path == urlsplit(base).path.rstrip("/")


def _told(host: str, path: str, found: list[Found], homes: list[Answer]) -> str:
    if found:
        names = ", ".join(_shown(one) for _, one in found[:_MOST_TOLD])
        return f"{host}: {path} has several calendars; write one as the room's url: {names}"
    others = (one for home in homes if home.found for one in home.found.resources)
    seen = [one.key for one in others if one.key.rstrip("/") != path.rstrip("/")][:_MOST_TOLD]
    held = f" (it holds {', '.join(seen)})" if seen else ""
    return f"{host}: {path} is no calendar and has none{held}: mend the room's url"


def _shown(calendar: Resource) -> str:
    name = calendar.text(_NAME)
    return f"{calendar.key} ({name})" if name else calendar.key

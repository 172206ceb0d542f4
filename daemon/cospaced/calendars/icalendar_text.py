"""From the bytes of a calendar to its events and time zones, as unfolded text; pure.

This is where a calendar is trusted or not: it must begin as one, and every BEGIN must have its
END, so that a cut download is never taken for a shorter calendar. Nothing is interpreted here:
events are grouped by UID, so that later one bad group costs only itself, and lines that decide
nothing are dropped (descriptions, alarms, other attendees), so that what is kept is small.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from cospaced.calendars.properties import name_of, parse
from cospaced.calendars.quirks import broken_encoding, other_video, outlook_uid
from cospaced.domain.calendar import EventProblem
from cospaced.errors import CalendarError


_KEPT = frozenset({
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
    "SEQUENCE", "DTSTAMP", "STATUS", "TRANSP", "CLASS", "SUMMARY", "ORGANIZER",
    "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-ALLDAYEVENT", other_video.MARK,
})  # fmt: skip
MISSING_BEGIN, MISSING_END = "BEGIN:VEVENT is missing", "END:VEVENT is missing"
OF_THE_TEXT = (MISSING_BEGIN, MISSING_END)
"""The problems that do not survive in the reduced text."""

_NAMELESS = ("DTSTART", "RECURRENCE-ID", "SUMMARY", "ORGANIZER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one VCALENDAR says for all its events: its own time zones, nobody else's."""

    zones: dict[str, tuple[str, ...]]
    """The lines of each VTIMEZONE, from BEGIN to END, by TZID."""
    default_zone: str = ""
    """X-WR-TIMEZONE: the zone of its floating times."""
    method: str = ""

    def zone_digests(self) -> dict[str, str]:
        """Return for each TZID what changes when anything about its zone changes."""
        return {tzid: _digest(lines).hex() for tzid, lines in self.zones.items()}

    def digest(self, event: "EventText", zones: Mapping[str, str]) -> bytes:
        """Return what changes when anything about an event changes, its time zones included.

        `zones` are the scope's `zone_digests`, made once for all its events: a VTIMEZONE may be
        longer than all else that is kept of an event.
        """
        text = "\n".join(event.lines)
        named = text.replace("\\", "")
        used = [
            digest for tzid, digest in zones.items() if tzid == self.default_zone or tzid in named
        ]
        return _digest([text, self.default_zone, self.method, *sorted(used)])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventText:
    """The kept lines of one VEVENT and the index of the scope it stands in."""

    lines: tuple[str, ...]
    scope: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarText:
    """A whole calendar file: one scope for each VCALENDAR, events by normalised UID."""

    scopes: tuple[Scope, ...]
    groups: dict[str, tuple[EventText, ...]]
    problems: tuple[EventProblem, ...] = ()

    def digests(self) -> dict[str, bytes]:
        """Return for each UID what changes when anything about its events changes."""
        zones = [scope.zone_digests() for scope in self.scopes]

        def digest(event: EventText) -> bytes:
            return self.scopes[event.scope].digest(event, zones[event.scope])

        return {uid: b"".join(sorted(map(digest, events))) for uid, events in self.groups.items()}

    def reduced(self) -> bytes:
        """Return the calendar as text without what was dropped; reading it again gives the same."""
        lines: list[str] = []
        events: list[list[EventText]] = [[] for _ in self.scopes]
        for group in self.groups.values():
            for event in group:
                events[event.scope].append(event)
        for scope, own in zip(self.scopes, events, strict=True):
            lines.append("BEGIN:VCALENDAR")
            if scope.default_zone:
                lines.append(f"X-WR-TIMEZONE:{scope.default_zone}")
            if scope.method:
                lines.append(f"METHOD:{scope.method}")
            for zone in scope.zones.values():
                lines += zone
            for event in own:
                lines += ("BEGIN:VEVENT", *event.lines, "END:VEVENT")
            lines.append("END:VCALENDAR")
        return "\n".join(lines).encode()


def read(data: bytes, address: str = "") -> CalendarText:
    """Read a calendar file.

    `address` is the room's own mail address: its ATTENDEE lines are kept, besides those of rooms
    and resources. Raises CalendarError (`not_a_calendar`, `truncated`).
    """
    reader = _Reader(address.lower())
    text = broken_encoding.decode(data)
    if not text.strip():
        raise CalendarError("not_a_calendar", "it is empty where a calendar should be")
    if broken_encoding.has_hole(data):
        raise CalendarError("truncated", "a part in the middle is missing: there are NUL bytes")
    for number, line in enumerate(text.split("\n")):
        if line:
            reader.line(line, number)
    return reader.finish()


def _digest(lines: list[str] | tuple[str, ...]) -> bytes:
    return blake2b("\n".join(lines).encode(), digest_size=16).digest()


@dataclass(slots=True)
class _Reader:
    """Walks the lines once; `_stack` holds the components that are open."""

    address: str
    _stack: list[str] = field(default_factory=list)
    _scopes: list[Scope] = field(default_factory=list)
    _groups: dict[str, list[EventText]] = field(default_factory=dict)
    _problems: list[EventProblem] = field(default_factory=list)
    _event: list[str] = field(default_factory=list)
    _zone: list[str] = field(default_factory=list)
    _stray_uid: str = ""
    """A UID between the components: that of an event whose BEGIN is missing."""
    _default_zone: str = ""
    _method: str = ""

    def line(self, line: str, number: int) -> None:
        name = name_of(line)
        if name == "BEGIN":
            self._begin(line[6:].strip().upper())
        elif not self._stack:
            if number == 0 or not self._scopes:
                raise CalendarError(
                    "not_a_calendar",
                    f"it begins with {line[:40]!r} instead of BEGIN:VCALENDAR",
                )
        elif name == "END":
            self._end(line[4:].strip().upper())
        elif self._stack[-1] == "VEVENT":
            self._event.append(line)
        elif "VTIMEZONE" in self._stack:
            self._zone.append(line)
        elif self._stack == ["VCALENDAR"]:
            self._heading(name, line)

    def finish(self) -> CalendarText:
        if self._stack:
            raise CalendarError(
                "truncated",
                f"it ends in the middle of {self._stack[-1]}: the end of the file is missing",
            )
        return CalendarText(
            scopes=tuple(self._scopes),
            groups={uid: tuple(events) for uid, events in self._groups.items()},
            problems=tuple(self._problems),
        )

    def _begin(self, component: str) -> None:
        self._stray_uid = ""
        if component == "VCALENDAR":
            if self._stack:
                raise CalendarError("truncated", "a calendar in it begins before the last ended")
            self._scopes.append(Scope(zones={}))
            self._default_zone = self._method = ""
        elif not self._stack:
            raise CalendarError("not_a_calendar", f"it holds a {component} outside any VCALENDAR")
        elif component == "VEVENT":
            self._abandon()
            del self._stack[1:]
            self._event = []
        elif component == "VTIMEZONE":
            self._zone = ["BEGIN:VTIMEZONE"]
        elif "VTIMEZONE" in self._stack:
            self._zone.append(f"BEGIN:{component}")
        self._stack.append(component)

    def _end(self, component: str) -> None:
        if component not in self._stack:
            if component == "VEVENT":
                self._problems.append(EventProblem(uid=self._stray_uid, text=MISSING_BEGIN))
            return
        if component != self._stack[-1] and component != "VEVENT":
            self._abandon()
        while self._stack.pop() != component:
            pass
        if component == "VEVENT":
            self._keep_event()
        elif component == "VTIMEZONE":
            self._keep_zone()
        elif self._stack[-1:] == ["VTIMEZONE"]:
            self._zone.append(f"END:{component}")
        elif component == "VCALENDAR":
            self._scopes[-1] = Scope(
                zones=self._scopes[-1].zones,
                default_zone=self._default_zone,
                method=self._method,
            )

    def _abandon(self) -> None:
        """Tell of an event that is open where it cannot be."""
        if "VEVENT" in self._stack:
            uid = next((_uid(x) for x in self._event if name_of(x) == "UID"), "")
            self._problems.append(EventProblem(uid=uid, text=MISSING_END))

    def _heading(self, name: str, line: str) -> None:
        if name == "X-WR-TIMEZONE":
            self._default_zone = parse(line).text
        elif name == "METHOD":
            self._method = parse(line).value.upper()
        elif name == "UID":
            self._stray_uid = _uid(line)

    def _keep_zone(self) -> None:
        self._zone.append("END:VTIMEZONE")
        tzid = next((parse(x).text for x in self._zone if name_of(x) == "TZID"), "")
        self._scopes[-1].zones.setdefault(tzid, tuple(self._zone))

    def _keep_event(self) -> None:
        kept = []
        uid = ""
        for line in self._event:
            name = name_of(line)
            if name == "UID" and not uid:
                uid = _uid(line)
            if name in _KEPT or (name == "ATTENDEE" and self._is_room(line)):
                kept.append(name + line[len(name) :].rstrip())
        if other_video.found_in(self._event):
            kept.append(f"{other_video.MARK}:TRUE")
        uid = uid or _made_uid(kept)
        event = EventText(lines=tuple(kept), scope=len(self._scopes) - 1)
        self._groups.setdefault(uid, []).append(event)

    def _is_room(self, line: str) -> bool:
        low = line.lower()
        return (
            "cutype=room" in low
            or "cutype=resource" in low
            or (bool(self.address) and self.address in low)
        )


def _uid(line: str) -> str:
    return outlook_uid.normalise(parse(line).text)


def _made_uid(lines: list[str]) -> str:
    """Return a UID for an event that has none: the same in every calendar that holds it."""
    words = [re.sub(r"\s+", " ", line) for line in lines if name_of(line) in _NAMELESS]
    return f"without-uid-{_digest(words).hex()}"

"""The members of a collection as a reading keeps them: each with ETag and reduced text.

So a change costs only the members that changed: their UIDs alone are read and worked out again.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cospaced.calendars import icalendar_text
from cospaced.domain.calendar import EventProblem
from cospaced.errors import CalendarError


_FAST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member: what it was when it was last read; an empty ETag has it read again."""

    etag: str
    text: str = ""
    """Its events and their time zones; empty where it holds none."""
    uids: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    """UID and what is wrong, as far as the text itself does not show it."""


Entries = Mapping[str, Entry]
"""By the member's key."""


def read(etag: str, data: bytes, address: str, before: Entry | None = None) -> Entry:
    """Read a member's iCalendar text; one that is none, or is cut off, is a problem of its own.

    `address` is the room's own mail address, `before` what the member was when last read.
    """
    try:
        calendar = icalendar_text.read(data, address)
    except CalendarError as error:
        # It may have been cut off on its way, and be whole under the same ETag.
        return unreadable(before, f"it is not read: {error}")
    told = tuple((problem.uid, problem.text) for problem in calendar.problems)
    if not calendar.groups:
        return Entry(etag=etag, problems=told)
    text = calendar.reduced().decode()
    return Entry(etag=etag, text=text, uids=tuple(calendar.groups), problems=told)


def unreadable(before: Entry | None, reason: str) -> Entry:
    """Return the entry of a member that cannot be had: as it was before, to be read again."""
    known = before or Entry(etag="")
    return Entry(etag="", text=known.text, uids=known.uids, problems=(("", reason),))


def problems(entries: Entries) -> tuple[EventProblem, ...]:
    """Return what is wrong with members; those without a UID go by their names."""
    return tuple(
        EventProblem(uid=uid or key.rpartition("/")[2], text=text)
        for key, entry in entries.items()
        for uid, text in entry.problems
    )


def text_of(entries: Entries, uids: frozenset[str]) -> bytes:
    """Return the text of all members that hold any of these UIDs."""
    wanted = [e.text for e in entries.values() if e.text and not uids.isdisjoint(e.uids)]
    return "\n".join(wanted).encode()


def uids_of(entries: Iterable[Entry]) -> frozenset[str]:
    """Return every UID that the entries hold."""
    return frozenset(uid for entry in entries for uid in entry.uids)


def pack(entries: Entries) -> bytes:
    """Return entries as the body of a reading."""
    rows = {key: (e.etag, e.text, e.uids, e.problems) for key, e in entries.items()}
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), _FAST)


def unpack(body: bytes) -> dict[str, Entry]:
    """Return the entries of a reading's body; none where it is empty or damaged."""
    if not body:
        return {}
    try:
        rows = json.loads(zlib.decompress(body))
        return {
            key: Entry(
                etag=etag,
                text=text,
                uids=tuple(uids),
                problems=tuple((uid, told) for uid, told in told_of),
            )
            for key, (etag, text, uids, told_of) in rows.items()
        }
    except (zlib.error, ValueError, TypeError, AttributeError):
        # A damaged body costs reading everything again, and no calendar.
        return {}

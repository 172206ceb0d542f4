"""Every statement that is run on the state file; each function is part of one transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.calendar import Reading
from cospaced.domain.story import CUT, FIRST, LONGEST, shortened
from cospaced.errors import StoreConflict
from cospaced.store import codec


KEPT = (State.PLANNED, State.OPEN)
"""States of rows that are never forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A stored row that this release cannot read: `table` and key, and what is wrong."""

    table: str
    key: str
    reason: str


def bookings(connection: sqlite3.Connection) -> tuple[list[Booking], list[Unreadable]]:
    """Return every row by id, and those that cannot be read."""
    found: list[Booking] = []
    bad: list[Unreadable] = []
    for key, body in connection.execute("SELECT id, body FROM bookings ORDER BY id"):
        try:
            found.append(codec.decode_booking(body))
        except codec.Undecodable as error:
            bad.append(Unreadable(table="bookings", key=key, reason=str(error)))
    return found, bad


def readings(connection: sqlite3.Connection) -> tuple[dict[str, Reading], list[Unreadable]]:
    """Return each room's snapshot by name, and those that cannot be read."""
    found: dict[str, Reading] = {}
    bad: list[Unreadable] = []
    for room, text, body in connection.execute(
        "SELECT id, reading, body FROM readings ORDER BY id"
    ):
        try:
            found[room] = codec.decode_reading(text, body)
        except codec.Undecodable as error:
            bad.append(Unreadable(table="readings", key=room, reason=str(error)))
    return found, bad


def set_aside(connection: sqlite3.Connection, bad: Sequence[Unreadable]) -> None:
    """Move rows that cannot be read out of the way, so that they can be made anew."""
    for row in bad:
        copy, delete = _SET_ASIDE[row.table]
        connection.execute(copy, (row.reason, row.key))
        connection.execute(delete, (row.key,))


_SET_ASIDE = {
    "bookings": (
        """
        INSERT INTO set_aside (kind, key, reason, body)
        SELECT 'bookings', id, ?, body FROM bookings WHERE id = ?
        """,
        "DELETE FROM bookings WHERE id = ?",
    ),
    "readings": (
        """
        INSERT INTO set_aside (kind, key, reason, body)
        SELECT 'readings', id, ?, reading FROM readings WHERE id = ?
        """,
        "DELETE FROM readings WHERE id = ?",
    ),
}


def save(connection: sqlite3.Connection, booking: Booking, story: Sequence[StoryEntry]) -> Booking:
    """Insert (version 0) or update a row and append to its story; raises StoreConflict."""
    saved = replace(booking, version=booking.version + 1)
    row = (
        saved.version,
        str(saved.state),
        saved.number,
        codec.encode_moment(saved.start),
        codec.encode_moment(saved.ends_at),
        codec.encode_booking(saved),
        saved.id,
    )
    try:
        if booking.version:
            changed = connection.execute(_UPDATE, (*row, booking.version))
        else:
            changed = connection.execute(_INSERT, row)
    except sqlite3.IntegrityError:
        raise StoreConflict(_conflict(connection, booking)) from None
    if changed.rowcount != 1:
        raise StoreConflict(_conflict(connection, booking))
    tell(connection, story)
    return saved


_INSERT = """
    INSERT INTO bookings (version, state, number, starts, ends, body, id)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_UPDATE = """
    UPDATE bookings SET version = ?, state = ?, number = ?, starts = ?, ends = ?, body = ?
    WHERE id = ? AND version = ?
"""


def _conflict(connection: sqlite3.Connection, booking: Booking) -> str:
    """Say what stands in the way of a row."""
    stored = connection.execute(
        "SELECT version FROM bookings WHERE id = ?", (booking.id,)
    ).fetchone()
    there = stored[0] if stored else 0
    if there != booking.version:
        return version_conflict(booking, there)
    holder = connection.execute(
        "SELECT id FROM bookings WHERE number = ? AND state = 'open' AND id <> ?",
        (booking.number, booking.id),
    ).fetchone()
    return number_conflict(booking, holder[0] if holder else "another")


def version_conflict(booking: Booking, stored: int) -> str:
    """Say that a row was changed by somebody else; version 0 is no row."""
    return f"booking {booking.id} is stored with version {stored}, not {booking.version}"


def number_conflict(booking: Booking, holder: str) -> str:
    """Say that a number is held by another open booking."""
    return f"number {booking.number} is held by booking {holder}, which is open"


def tell(connection: sqlite3.Connection, story: Sequence[StoryEntry]) -> None:
    """Append lines to stories."""
    connection.executemany(
        "INSERT INTO story (booking, at, event, text) VALUES (?, ?, ?, ?)",
        [
            (line.booking, codec.encode_moment(line.at), line.event, codec.encode_text(line.text))
            for line in story
        ],
    )
    for booking in dict.fromkeys(line.booking for line in story):
        _shorten(connection, booking)


def _shorten(connection: sqlite3.Connection, booking: str) -> None:
    """Take the middle out of a story that has grown too long."""
    (count,) = connection.execute(
        "SELECT count(*) FROM story WHERE booking = ?", (booking,)
    ).fetchone()
    if count <= LONGEST:
        return
    found = connection.execute("SELECT line FROM story WHERE booking = ? ORDER BY line", (booking,))
    numbers = [number for (number,) in found]
    cut = numbers[FIRST]
    kept = frozenset(shortened(numbers, cut))
    removed = [(number,) for number in numbers if number not in kept]
    connection.executemany("DELETE FROM story WHERE line = ?", removed)
    connection.execute("UPDATE story SET event = 'decided', text = ? WHERE line = ?", (CUT, cut))


def story(connection: sqlite3.Connection, booking: str) -> tuple[StoryEntry, ...]:
    """Return a booking's story in the order in which it was told."""
    found = connection.execute(
        "SELECT at, event, text FROM story WHERE booking = ? ORDER BY line", (booking,)
    )
    return tuple(
        StoryEntry(booking=booking, at=codec.decode_moment(at), event=event, text=text)
        for at, event, text in found
    )


def save_reading(connection: sqlite3.Connection, room: str, reading: Reading | None) -> None:
    """Replace or remove a room's snapshot."""
    if reading is None:
        connection.execute("DELETE FROM readings WHERE id = ?", (room,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO readings (id, reading, body) VALUES (?, ?, ?)",
        (room, *codec.encode_reading(reading)),
    )


def fact(connection: sqlite3.Connection, key: str) -> str:
    """Return a fact; empty where there is none."""
    found = connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else ""


def save_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Replace a fact."""
    connection.execute(
        "INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (key, codec.encode_text(value))
    )


def forget(connection: sqlite3.Connection, before: datetime) -> int:
    """Remove rows neither planned nor open that ended before, with their stories; count them.

    A story that never had a row goes when its last line is as old.
    """
    moment = codec.encode_moment(before)
    ended = (moment, *map(str, KEPT))
    connection.execute(
        """
        DELETE FROM story WHERE booking IN (
            SELECT id FROM bookings WHERE ends < ? AND state NOT IN (?, ?)
        )
        """,
        ended,
    )
    removed = connection.execute(
        "DELETE FROM bookings WHERE ends < ? AND state NOT IN (?, ?)", ended
    )
    connection.execute(
        """
        DELETE FROM story WHERE booking IN (
            SELECT booking FROM story WHERE booking NOT IN (SELECT id FROM bookings)
            GROUP BY booking HAVING max(at) < ?
        )
        """,
        (moment,),
    )
    return removed.rowcount

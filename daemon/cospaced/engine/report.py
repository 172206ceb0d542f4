"""What the daemon holds, as the document that `cospaced status` shows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from heapq import nsmallest
from typing import Any

from cospaced import __version__
from cospaced.domain.booking import Booking, State
from cospaced.domain.calendar import Reading
from cospaced.domain.document import document, moment
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.trouble import trouble
from cospaced.engine.machine import Machine
from cospaced.engine.questions import dials
from cospaced.settings import Settings


NEXT = 10
"""How many due moments are shown."""


def status(
    machine: Machine, now: datetime, ahead: int | None = None, *, observing: bool = False
) -> dict[str, Any]:
    """Return bookings, slots, calendars, bridges, lateness and the next due moments.

    Bookings as `document`, with `trouble` (what keeps it from being held) and `dials`.

    `ahead`: no more planned bookings than these are told, the next ones. `observing`: nothing is
    written to CMS, so what is told as open or connected is so in the daemon's mind alone.
    """
    slots = machine.timing.slots
    usable = 0 if slots is None else len(slots.usable)
    return {
        "observing": observing,
        **_held(machine.settings, machine.ledger.every(), now, running=True, ahead=ahead),
        "slots": _slots(
            machine.settings,
            usable=usable,
            in_use=machine.ledger.count(State.OPEN),
            problem=machine.pool_problem,
        ),
        "calendars": _calendars(
            machine.settings, machine.polling.readings(), machine.polling.failing()
        ),
        "bridges": [
            {"name": name, "down_since": moment(since), "up": since is None}
            for name, since in machine.bridges.states().items()
        ],
        "late_ms": round(machine.timing.lateness.turn.total_seconds() * 1000),
        "starts": [
            {
                "at": moment(start.at),
                "booking": start.booking,
                "event": start.event,
                "late_ms": start.late_ms,
            }
            for start in machine.timing.lateness.starts
        ],
        "next": [
            {"at": moment(at), "booking": booking}
            for at, booking in machine.timing.next_due()[:NEXT]
        ],
        "store_failing_since": moment(machine.ledger.unstored_since),
    }


def stored_status(
    settings: Settings,
    rows: Iterable[Booking],
    readings: Mapping[str, Reading],
    now: datetime,
) -> dict[str, Any]:
    """Return what a state file tells while no daemon runs, in the shape of `status`.

    What only a running daemon knows is empty: bridges, lateness, due moments, usable slots (None).
    """
    rows = list(rows)
    in_use = sum(1 for row in rows if row.state is State.OPEN)
    return {
        "observing": False,
        **_held(settings, rows, now, running=False),
        "slots": _slots(settings, usable=None, in_use=in_use, problem=""),
        "calendars": _calendars(settings, readings, {}),
        "bridges": [],
        "late_ms": None,
        "starts": [],
        "next": [],
        "store_failing_since": None,
    }


def status_line(machine: Machine, *, observing: bool = False) -> str:
    """Return one ASCII line for `systemctl status`."""
    ledger = machine.ledger
    running, planned = ledger.count(State.OPEN), ledger.count(State.PLANNED)
    refused = ledger.count(State.REFUSED)
    failing = len(machine.polling.failing())
    down = [name for name, since in machine.bridges.states().items() if since is not None]
    parts = ["only observing"] if observing else []
    parts.append(f"{running} open, {planned} planned")
    if refused:
        parts.append(f"{refused} refused")
    if failing:
        parts.append(f"{failing} rooms unreadable")
    if down:
        parts.append(f"{len(down)} Call Bridges down")
    if machine.pool_problem:
        parts.append("pool not settled")
    return "; ".join(parts)


def _held(
    settings: Settings,
    rows: Iterable[Booking],
    now: datetime,
    *,
    running: bool,
    ahead: int | None = None,
) -> dict[str, Any]:
    held = [row for row in rows if row.state not in FINISHED]
    counts = {
        state.value: sum(1 for row in held if row.state is state)
        for state in (State.OPEN, State.PLANNED, State.REFUSED)
    }
    if ahead is not None:
        planned = nsmallest(ahead, (r for r in held if r.state is State.PLANNED), key=_by_start)
        held = [row for row in held if row.state is not State.PLANNED] + planned
    held.sort(key=_by_start)
    return {
        "version": __version__,
        "running": running,
        "counts": counts,
        "bookings": [
            document(row, settings) | {"trouble": trouble(row, now), "dials": dials(row, now)}
            for row in held
        ],
    }


def _by_start(row: Booking) -> tuple[datetime, str]:
    return (row.start, row.id)


def _slots(settings: Settings, *, usable: int | None, in_use: int, problem: str) -> dict[str, Any]:
    numbers = settings.pool.numbers
    return {
        "first": str(numbers.start),
        "last": str(numbers.stop - 1),
        "usable": usable,
        "in_use": in_use,
        "problem": problem,
    }


def _calendars(
    settings: Settings,
    readings: Mapping[str, Reading],
    failing: Mapping[str, tuple[datetime, str]],
) -> list[dict[str, Any]]:
    found = []
    for room in settings.rooms:
        since, reason = failing.get(room.name, (None, ""))
        reading = readings.get(room.name)
        found.append(
            {
                "room": room.name,
                "calendar": room.calendar,
                "read_at": None if reading is None else moment(reading.read_at),
                "events": 0 if reading is None else len(reading.occurrences),
                "failing_since": moment(since),
                "reason": reason,
            }
        )
    return found

"""What the daemon holds, as the document that `cospaced status` shows."""

from typing import Any

from cospaced import __version__
from cospaced.domain.booking import DialState, State
from cospaced.domain.document import document, moment
from cospaced.domain.lifecycle import FINISHED
from cospaced.engine.machine import Machine


NEXT = 10
"""How many due moments are shown."""


def status(machine: Machine) -> dict[str, Any]:
    """Return bookings, slots, calendars, bridges, lateness and the next due moments."""
    rows = [row for row in machine.ledger.all() if row.state not in FINISHED]
    rows.sort(key=lambda row: (row.start, row.id))
    return {
        "version": __version__,
        "bookings": [
            document(row, machine.settings) | {"dials": _dials(row.dials)} for row in rows
        ],
        "slots": _slots(machine),
        "calendars": _calendars(machine),
        "bridges": [
            {"name": name, "down_since": moment(since), "up": since is None}
            for name, since in machine.bridges.states().items()
        ],
        "late_ms": round(machine.timing.latest_late.total_seconds() * 1000),
        "next": [
            {"at": moment(at), "booking": booking}
            for at, booking in machine.timing.next_due()[:NEXT]
        ],
        "store_failing_since": moment(machine.ledger.unstored_since),
    }


def status_line(machine: Machine) -> str:
    """Return one ASCII line for `systemctl status`."""
    ledger = machine.ledger
    running, planned = ledger.count(State.OPEN), ledger.count(State.PLANNED)
    refused = ledger.count(State.REFUSED)
    failing = len(machine.polling.failing())
    down = [name for name, since in machine.bridges.states().items() if since is not None]
    parts = [f"{running} open, {planned} planned"]
    if refused:
        parts.append(f"{refused} refused")
    if failing:
        parts.append(f"{failing} rooms unreadable")
    if down:
        parts.append(f"{len(down)} Call Bridges down")
    if machine.pool_problem:
        parts.append("pool not settled")
    return "; ".join(parts)


def _dials(dials: Any) -> list[dict[str, Any]]:
    return [
        {
            "room": dial.target.room,
            "endpoint": dial.target.endpoint,
            "state": dial.state.value,
            "attempt": dial.attempt,
            "reason": dial.reason,
        }
        for dial in dials
        if dial.state is not DialState.DROPPED
    ]


def _slots(machine: Machine) -> dict[str, Any]:
    slots = machine.timing.slots
    numbers = machine.settings.pool.numbers
    in_use = machine.ledger.count(State.OPEN)
    return {
        "first": str(numbers.start),
        "last": str(numbers.stop - 1),
        "usable": 0 if slots is None else len(slots.usable),
        "in_use": in_use,
        "problem": machine.pool_problem,
    }


def _calendars(machine: Machine) -> list[dict[str, Any]]:
    failing = machine.polling.failing()
    readings = machine.polling.readings()
    found = []
    for room in machine.settings.rooms:
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

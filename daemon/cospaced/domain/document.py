"""A booking as JSON shows it: the shape that scripts rely on."""

from datetime import UTC, datetime
from typing import Any

from cospaced.domain.booking import Booking
from cospaced.domain.display import PRIVATE_TITLE, hidden, organizer
from cospaced.settings import Settings


def moment(at: datetime | None) -> str | None:
    """Return a moment as `2026-11-23T09:00:00Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(booking: Booking, settings: Settings) -> dict[str, Any]:
    """Return one booking for `agenda --json` and `status --json`.

    Keys: id, uid, recurrence_id, title, organizer, start, end, rooms, private, numeric_id, uri,
    state, reason. Title and organizer of private bookings are replaced.
    """
    terms = settings.conferences
    number = None if booking.number is None else str(booking.number)
    return {
        "id": booking.id,
        "uid": booking.uid,
        "recurrence_id": booking.recurrence_id,
        "title": PRIVATE_TITLE if hidden(booking.private, terms) else booking.title,
        "organizer": organizer(booking, terms),
        "start": moment(booking.start),
        "end": moment(booking.ends_at),
        "rooms": list(booking.rooms),
        "private": booking.private,
        "numeric_id": number,
        "uri": None if number is None else f"{number}@{settings.pool.domain}",
        "state": booking.state.value,
        "reason": booking.reason,
    }

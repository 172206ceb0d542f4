"""Who goes on with a running conference whose event is another one now.

A series is split or edited, a single event becomes a series, an organizer deletes an event and
sends it anew: what runs gets another UID or recurrence id, and people must not notice. Calendars
show the two halves of such a change in any order and room by room, so that a new event which may
continue what runs is kept waiting before a second space is opened for it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cospaced.domain.booking import Booking, State
from cospaced.domain.calendar import Answer, Copy
from cospaced.domain.confirm import CONFIRM_AFTER
from cospaced.domain.fold import Wanted
from cospaced.domain.timespan import Timespan


PATIENCE = timedelta(seconds=90)
"""How long the halves of one change may lie apart: a poll, one that confirms it, and some air."""

Event = Wanted | Booking
"""What is asked of either: identity, organizer, rooms, start and end."""

UNOPENED = (State.PLANNED, State.REFUSED, State.CANCELLED)
"""States in which an event has had no conference of its own."""


def continues(row: Booking, event: Event, now: datetime) -> bool:
    """Whether an event may be what an open booking has become.

    It is of the same organizer (an unknown one agrees under the same UID alone), has a room in
    common, overlaps the booking and covers now, early join included.
    """
    if row.state is not State.OPEN or row.closing or row.ended_by_people:
        return False
    if row.organizer != event.organizer or not (row.organizer or row.uid == event.uid):
        return False
    opens = event.start - row.terms.early_join
    overlaps = Timespan(row.start, max(row.start, row.ends_at)).overlaps(
        Timespan(event.start, event.end)
    )
    return bool(_common(row, event)) and opens <= now < event.end and overlaps


def forsaken(row: Booking, own: Wanted | None, now: datetime) -> bool:
    """Whether an open booking's own event, as the calendars hold it now, has left it.

    `own` is what the rules by which it opened make of that event today.
    """
    if row.detached or own is None:
        return True
    return own.start != row.start and own.start - row.terms.early_join > now


def is_new(row: Booking, claimant: Booking | None) -> bool:
    """Whether an event appeared after a booking opened and has no conference of its own.

    What was booked before may have told its number to people, and keeps it.
    """
    if claimant is None:
        return True
    known_by = row.opened_at or row.created_at
    return claimant.state in UNOPENED and claimant.created_at >= known_by


def heir(row: Booking, events: Iterable[Wanted], now: datetime) -> Wanted | None:
    """Return the event that goes on with a forsaken booking, None where there is none."""
    found = [event for event in events if continues(row, event, now)]
    return max(found, key=lambda event: _closeness(row, event), default=None)


def forebear(event: Event, rows: Iterable[Booking], now: datetime) -> Booking | None:
    """Return the open booking that an event may be continuing, None where there is none."""
    found = [row for row in rows if continues(row, event, now)]
    return max(found, key=lambda row: _closeness(row, event), default=None)


def kept_waiting(claimant: Booking, rows: Iterable[Booking], now: datetime) -> Booking | None:
    """Return the open booking for which a planned one does not open yet, None: it may.

    For a while any new event that may be continuing a conference waits to see whether that loses
    its own; one whose rooms are all in the conference waits as long as it lasts. One that has lost
    its own already is what the event goes on in, from now on.
    """
    found = forebear(claimant, [row for row in rows if is_new(row, claimant)], now)
    if found is None:
        return None
    young = now < claimant.created_at + PATIENCE
    waits = young or found.detached or set(claimant.rooms) <= set(found.rooms)
    return found if waits else None


def patience(copy: Copy) -> timedelta:
    """Return how long a room's copy that counts no more may be a flicker.

    A refusal is believed when it stands at the next look; what else takes a copy out (it is shown
    as free, or tentative while the room answers) often lasts for one reading only.
    """
    refused = copy.occurrence.cancelled or copy.occurrence.answer is Answer.DECLINED
    return CONFIRM_AFTER if refused else PATIENCE


def _common(row: Booking, event: Event) -> set[str]:
    return set(row.rooms) & set(event.rooms)


def _closeness(row: Booking, event: Event) -> tuple[bool, int, datetime, str]:
    """Order the candidates: one UID, then the most rooms in common, then the latest start."""
    return (row.uid == event.uid, len(_common(row, event)), event.start, event.uid)

"""A step of the wall clock: what measures durations moves along with it.

When a conference starts and ends is the calendars' business and stays; how long ago something was
asked, seen or put off is ours, and a clock that is set must not change it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from cospaced.domain.booking import Booking, Dial
from cospaced.domain.view import View


def stepped_booking(booking: Booking, by: timedelta) -> Booking:
    """Return the row as it would be, had the clock always gone as it goes now."""
    return replace(
        booking,
        call_asked_at=_moved(booking.call_asked_at, by),
        call_seen_at=_moved(booking.call_seen_at, by),
        locked_at=_moved(booking.locked_at, by),
        cancelled_at=_moved(booking.cancelled_at, by),
        not_before=_moved(booking.not_before, by),
        dials=tuple(_stepped_dial(dial, booking.start, by) for dial in booking.dials),
    )


def _stepped_dial(dial: Dial, start: datetime, by: timedelta) -> Dial:
    return replace(
        dial,
        due=dial.due if dial.due == start else dial.due + by,
        at=_moved(dial.at, by),
        since=_moved(dial.since, by),
        not_before=_moved(dial.not_before, by),
        freed_at=_moved(dial.freed_at, by),
    )


def stepped_view(view: View, by: timedelta) -> View:
    """Return the view with the ages that its looks have."""
    return replace(
        view,
        calls_at=_moved(view.calls_at, by),
        calls_came=_moved(view.calls_came, by),
        legs_at=_moved(view.legs_at, by),
        legs_came=_moved(view.legs_came, by),
        space_at=_moved(view.space_at, by),
    )


def _moved(moment: datetime | None, by: timedelta) -> datetime | None:
    return None if moment is None else moment + by

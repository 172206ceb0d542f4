"""What keeps a booking from being held, in words for the commands.

An open booking is one that is meant to be open: whether CMS ever took its space over is told by
what CMS has confirmed, and by the last refusal.
"""

from datetime import datetime

from cospaced.domain.booking import Booking, State
from cospaced.domain.decoration import decorated
from cospaced.domain.display import space_form
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.plan import OVERDUE, opens_at


def trouble(booking: Booking, now: datetime) -> str:
    """Say what keeps a booking from being held as it should; empty where nothing does."""
    if booking.state in FINISHED:
        return ""
    if booking.state is not State.OPEN:
        return booking.reason
    if booking.closing:
        return f"it is not closed on CMS yet: {booking.reason}" if booking.reason else ""
    if booking.opened_at is None:
        return unopened(booking, now)
    if booking.form is None and booking.edited:
        return "its space is gone from CMS"
    if not booking.reason:
        return ""
    if not _told(booking):
        return f"its space is not as it should be on CMS: {booking.reason}"
    return f"its call is not started: {booking.reason}"


def _told(booking: Booking) -> bool:
    """Whether CMS has confirmed all that the space is told, but for texts that it refused."""
    form = booking.form
    if form is None:
        return False
    return form == decorated(space_form(booking), booking.refused_texts, form.name)


def undialled(booking: Booking, now: datetime) -> str:
    """Say why none of a booking's rooms is dialled, or ever was; empty where they are."""
    if booking.state not in FINISHED and not booking.closing:
        return unopened(booking, now)
    never = "its space was never opened"
    return never if booking.opened_at is None else booking.closing or booking.reason


def unopened(booking: Booking, now: datetime) -> str:
    """Say that an open booking's space was never opened on CMS; empty where it was, or may yet."""
    if booking.state is not State.OPEN or booking.opened_at is not None:
        return ""
    if booking.reason:
        return f"its space is not open on CMS: {booking.reason}"
    due = max(opens_at(booking, booking.terms), booking.created_at)
    return "its space is not open on CMS: no answer yet" if now >= due + OVERDUE else ""

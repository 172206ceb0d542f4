"""What is to be done for one booking now: (booking, its view, its surroundings, now) -> Plan.

Desired state against observed state; the difference is the plan. Carrying a plan out and planning
again at the same moment changes nothing. What was intended is in the row that the plan returns,
and is stored before anything is sent. Dialling is in `dialling`, the end in `ending`.
"""

from datetime import datetime, timedelta

from cospaced.domain import dialling, ending
from cospaced.domain.booking import Booking, Dial, State
from cospaced.domain.decoration import decorated
from cospaced.domain.display import space_form
from cospaced.domain.draft import AUDIT, FOLLOW, RETRY, Draft, Look, Mark, Plan, Surroundings
from cospaced.domain.follow import targets
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.view import View
from cospaced.domain.writes import OpenSpace
from cospaced.settings import ConferenceSettings, RoomSettings


OVERDUE = timedelta(seconds=5)
"""How long an opening may be held up before that is told: a daemon that starts looks first."""


def plan(  # noqa: PLR0913 - the values a plan is a function of, by keyword
    booking: Booking,
    view: View,
    around: Surroundings,
    *,
    now: datetime,
    terms: ConferenceSettings,
    rooms: dict[str, RoomSettings],
    busy: frozenset[Mark] = frozenset(),
) -> Plan:
    """Plan one booking.

    `terms` and `rooms` are the settings in force; an open booking keeps those it opened with.
    `busy` marks the requests and looks of this booking that are under way.
    """
    draft = Draft(booking, view, around, now, busy)
    if booking.state is State.PLANNED:
        _planned(draft, terms, rooms)
    if draft.booking.state is State.OPEN:
        _open(draft)
    return draft.done()


def opens_at(booking: Booking, terms: ConferenceSettings) -> datetime:
    """Return when its space opens."""
    return booking.start - (terms.early_join if booking.early else timedelta(0))


_MAY_GO_ON = "of its organizer is open in its rooms, and may be what it continues"


def _planned(draft: Draft, terms: ConferenceSettings, rooms: dict[str, RoomSettings]) -> None:
    booking, around = draft.booking, draft.around
    if draft.now >= booking.end and around.hold_closes:
        # What a clock that leapt says of the time is not believed at once.
        draft.wake_at(draft.now + FOLLOW)
        return
    if draft.now >= booking.end:
        reason = booking.reason or "no Call Bridge could be reached in its time"
        draft.booking = step(booking, Step.MISS, reason)
        draft.tell("booking.missed", "error", reason=draft.booking.reason)
        return
    due = opens_at(booking, terms)
    if draft.now < due:
        if booking.reason:
            # It was moved to later: what held it up does not any more.
            draft.change(reason="")
        draft.wake_at(due)
        return
    _wait_for_other(draft)
    if obstacle := _obstacle(around):
        draft.wake_at(draft.now + RETRY)
        told = draft.booking.reason == obstacle
        # One that was booked at the last minute, or just found, has not been held up yet.
        known = max(due, booking.created_at)
        if draft.now >= known + OVERDUE and not around.awaits and not told:
            draft.change(reason=obstacle)
            draft.tell("booking.waiting", "warning", reason=obstacle)
        return
    moment = _rooms_due(draft)
    dials = tuple(Dial(target=target, due=moment) for target in targets(booking.rooms, rooms))
    draft.booking = step(draft.booking, Step.OPEN)
    draft.change(terms=terms, dials=dials)


def _obstacle(around: Surroundings) -> str:
    """Say why a booking that is due cannot open; empty where it can."""
    if around.awaits:
        return f"it may be what booking {around.awaits} becomes"
    if not around.reachable:
        return "no Call Bridge answers"
    if not around.space:
        return "its number has no usable space on CMS"
    return "" if around.space_free else "the conference before on its number is not closed yet"


def _wait_for_other(draft: Draft) -> None:
    """Say once that another booking may turn out to be what this one continues."""
    other, booking = draft.around.awaits, draft.booking
    if not other and booking.reason.endswith(_MAY_GO_ON):
        draft.change(reason="", held_until=draft.now)
    if not other or booking.reason:
        return
    reason = f"booking {other} {_MAY_GO_ON}"
    draft.change(reason=reason)
    draft.tell("booking.waits", reason=reason)


def _rooms_due(draft: Draft) -> datetime:
    """Return from when its rooms are due: not before the conference ended that held them."""
    start, held_until = draft.booking.start, draft.booking.held_until
    return max(start, held_until or start)


def _open(draft: Draft) -> None:
    if ending.close(draft):
        return
    _keep_open(draft)
    dialling.dial(draft)
    ending.warn_or_extend(draft)
    _audit(draft)


def _keep_open(draft: Draft) -> None:
    """Tell the space what it should be, where what CMS confirmed differs."""
    booking = draft.booking
    form = decorated(space_form(booking), booking.refused_texts, draft.around.closed_name)
    if booking.form == form or draft.under_way(("open",)):
        return
    if booking.not_before is not None and draft.now < booking.not_before:
        draft.wake_at(booking.not_before)
        return
    if draft.around.space:
        draft.send(("open",), OpenSpace(space=draft.around.space, form=form))


def _audit(draft: Draft) -> None:
    """Let everything come round within `AUDIT`, each booking at a moment of its own."""
    view, booking = draft.view, draft.booking
    if booking.form is None:
        return
    # Bookings that opened in the same second must not be looked at in the same second for ever.
    spread = int(booking.id[:4], 16) % 20
    age = AUDIT - timedelta(seconds=1 + spread)
    begun = booking.opened_at or draft.now
    for what, seen_at in ((Look.CALLS, view.calls_at), (Look.SPACE, view.space_at)):
        _look_after(draft, what, (seen_at or begun) + age)
    if view.calls:
        _look_after(draft, Look.LEGS, (view.legs_at or begun) + age)


def _look_after(draft: Draft, what: Look, moment: datetime) -> None:
    if draft.now >= moment:
        draft.look(what, audit=True)
    else:
        draft.wake_at(moment)

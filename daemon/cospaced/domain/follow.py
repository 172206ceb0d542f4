"""How a booking follows its event: (row, what the calendars want, now) -> row.

Pure, and without a word of slots: where the outcome needs a number, the engine finds one. An open
booking keeps its number, passcode and secret whatever happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cospaced.domain.booking import Booking, Dial, DialState, State, Target
from cospaced.domain.draft import CANCELLED
from cospaced.domain.fold import Wanted
from cospaced.domain.lifecycle import Step, step
from cospaced.settings import RoomSettings


CALLED_OFF = "its event was moved to later"
"""Why an endpoint that was to be called for an open booking is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The row after the event's change, what was decided, and whether a new row must begin.

    `again`: the row goes on (or stays) without its event, which becomes a new booking.
    """

    booking: Booking
    told: str = ""
    again: bool = False


def follow(
    booking: Booking,
    wanted: Wanted | None,
    *,
    now: datetime,
    rooms: Mapping[str, RoomSettings],
    series_goes_on: bool,
) -> Followed:
    """Let a row follow its event.

    `wanted` None: no calendar holds it any more (confirmed). `series_goes_on`: other occurrences
    of its UID are still there, so that this one alone was cancelled.
    """
    match booking.state:
        case State.PLANNED | State.REFUSED:
            return _planned(booking, wanted)
        case State.CANCELLED | State.MISSED:
            return _revived(booking, wanted, now)
        case State.CLOSED:
            return _closed(booking, wanted, now)
        case State.OPEN:
            if booking.detached or booking.closing:
                return _closed(booking, wanted, now)
            if wanted is None:
                return _vanished(booking, now, series_goes_on=series_goes_on)
            return _open(booking, wanted, now=now, rooms=rooms)


def inherited(
    booking: Booking,
    wanted: Wanted,
    generation: int,
    *,
    now: datetime,
    rooms: Mapping[str, RoomSettings],
) -> Followed:
    """Let an open row go on for another event (see `inheritance`).

    Id, number, passcode, secret, call and legs stay; identity and description change. `generation`
    is above that of any row which the event had.
    """
    followed = _open(renamed(booking, wanted, generation), wanted, now=now, rooms=rooms)
    same = (booking.uid, booking.recurrence_id) == (wanted.uid, wanted.recurrence_id)
    parts = (_BACK if same else _GOES_ON, followed.told)
    return Followed(booking=followed.booking, told=", ".join(part for part in parts if part))


_BACK = "its event is back: it goes on"
_GOES_ON = "its event is another one now, of the same organizer: it goes on"


def renamed(booking: Booking, wanted: Wanted, generation: int) -> Booking:
    """Return the row with the identity of another event, and attached to it."""
    dials = tuple(
        replace(d, state=DialState.DUE, reason="") if d.reason == CALLED_OFF else d
        for d in booking.dials
    )
    return replace(
        booking,
        uid=wanted.uid,
        recurrence_id=wanted.recurrence_id,
        generation=generation,
        detached=False,
        dials=dials,
    )


def described(booking: Booking, wanted: Wanted) -> Booking:
    """Return the row with everything the calendars say of it."""
    return replace(
        booking,
        organizer=wanted.organizer,
        organizer_name=wanted.organizer_name,
        title=wanted.title,
        private=wanted.private,
        start=wanted.start,
        end=wanted.end,
        rooms=wanted.rooms,
    )


def targets(names: tuple[str, ...], rooms: Mapping[str, RoomSettings]) -> tuple[Target, ...]:
    """Return what is dialled for these rooms, in their order; an endpoint of two rooms once."""
    found: dict[str, Target] = {}
    for name in names:
        room = rooms.get(name)
        if room is None or not room.dial:
            continue
        for endpoint in room.endpoints:
            found.setdefault(
                endpoint,
                Target(
                    endpoint=endpoint,
                    room=name,
                    dtmf=room.dtmf,
                    bandwidth=room.bandwidth,
                    call_bridge_group=room.call_bridge_group,
                ),
            )
    return tuple(found.values())


def _planned(booking: Booking, wanted: Wanted | None) -> Followed:
    if wanted is None:
        gone = step(booking, Step.CANCEL, "no calendar holds it any more")
        return Followed(booking=gone, told="cancelled: no calendar holds it any more")
    after = described(booking, wanted)
    return Followed(booking=after, told=_difference(booking, after))


def _revived(booking: Booking, wanted: Wanted | None, now: datetime) -> Followed:
    if wanted is None or wanted.end <= now:
        return Followed(booking=booking)
    if booking.state is State.MISSED and wanted.end == booking.end:
        return Followed(booking=booking)
    back = described(step(booking, Step.REVIVE), wanted)
    # The number is looked for again: the window may have been given away meanwhile.
    return Followed(booking=back, told="back in the calendars")


def _closed(booking: Booking, wanted: Wanted | None, now: datetime) -> Followed:
    """Leave a row that has run; its event, moved to later, is a booking of its own."""
    if wanted is None or wanted.end <= now:
        return Followed(booking=booking)
    if booking.cancelled_at is not None:
        return Followed(booking=booking, told="its event is back", again=True)
    if wanted.start < booking.ends_at:
        return Followed(booking=booking)
    return Followed(booking=booking, told="its event was moved to later", again=True)


def _vanished(booking: Booking, now: datetime, *, series_goes_on: bool) -> Followed:
    if booking.cancelled_at is not None:
        return Followed(booking=booking)
    if booking.recurrence_id and not series_goes_on:
        runs_on = replace(booking, detached=True)
        return Followed(booking=runs_on, told="its series is gone: it runs on to its end")
    ended = replace(booking, cancelled_at=now)
    return Followed(booking=ended, told="cancelled while open: closes after a warning")


def _open(
    booking: Booking,
    wanted: Wanted,
    *,
    now: datetime,
    rooms: Mapping[str, RoomSettings],
) -> Followed:
    if wanted.start != booking.start and wanted.start - booking.terms.early_join > now:
        # Who is in it may stay; nobody is called for what is to be later.
        runs_on = replace(
            booking, detached=True, dials=tuple(_called_off(d) for d in booking.dials)
        )
        return Followed(booking=runs_on, told="its event was moved to later", again=True)
    warned = tuple(w for w in booking.warned if w != CANCELLED)
    after = replace(described(booking, wanted), cancelled_at=None, warned=warned)
    if wanted.end != booking.end:
        # A new end has its warnings before it again, and ends any extension of the old one.
        # The space is told the same once more, as TMS does, unless an operator's edit stands.
        form = booking.form if booking.edited else None
        after = replace(after, warned=(), extended_to=None, extensions=0, form=form)
    if wanted.rooms != booking.rooms:
        after = replace(after, dials=_dials(after, booking.rooms, now, rooms))
    if wanted.start != booking.start:
        after = replace(after, dials=tuple(_postponed(d, wanted.start, now) for d in after.dials))
    return Followed(booking=after, told=_difference(booking, after))


def _dials(
    booking: Booking, before: tuple[str, ...], now: datetime, rooms: Mapping[str, RoomSettings]
) -> tuple[Dial, ...]:
    """Keep the dials there are and add those of rooms that joined; `plan` drops those that left.

    The rooms that were there `before` keep the settings that the booking opened with.
    """
    known = {d.target.endpoint: d for d in booking.dials}
    joined = tuple(room for room in booking.rooms if room not in before)
    wanted = {t.endpoint: t for t in targets(joined, rooms)}
    due = max(now, booking.start)
    kept = [
        replace(_recalled(d, due), target=wanted[e])
        if d.state is DialState.DROPPED and e in wanted
        else d
        for e, d in known.items()
    ]
    added = [Dial(target=t, due=due) for e, t in wanted.items() if e not in known]
    return (*kept, *added)


def _recalled(dial: Dial, due: datetime) -> Dial:
    """Return the dial of a room that left and is back, to be called as if for the first time."""
    return replace(
        dial, state=DialState.DUE, due=due, base=dial.attempt, not_before=None, leg="", reason=""
    )


def _postponed(dial: Dial, start: datetime, now: datetime) -> Dial:
    """Let who was not called yet be due at a new start; where that has passed, not before now.

    It is the edit that makes him due, so that he is not too late to ring.
    """
    if dial.state is not DialState.DUE or dial.attempt:
        return dial
    return replace(dial, due=max(start, min(dial.due, now)))


def _called_off(dial: Dial) -> Dial:
    if dial.state is not DialState.DUE:
        return dial
    return replace(dial, state=DialState.GAVE_UP, reason=CALLED_OFF)


def _difference(before: Booking, after: Booking) -> str:
    """Say in words what changed, without titles (they may be private)."""
    parts: list[str] = []
    if (before.start, before.end) != (after.start, after.end):
        parts.append(f"now {after.start:%Y-%m-%dT%H:%M:%S}Z to {after.end:%Y-%m-%dT%H:%M:%S}Z")
    if before.title != after.title:
        parts.append("new title")
    if before.organizer != after.organizer:
        parts.append("another organizer")
    if before.private != after.private:
        parts.append("now private" if after.private else "not private any more")
    added = [r for r in after.rooms if r not in before.rooms]
    removed = [r for r in before.rooms if r not in after.rooms]
    parts += [f"room {r} added" for r in added] + [f"room {r} removed" for r in removed]
    return ", ".join(parts)

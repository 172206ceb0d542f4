"""Spaces found open on CMS that no row speaks for: after the state was lost, or an edit by hand.

The space says whose it is (cdrTag = booking id) and carries the passcode and secret that people
were given, so these are taken from it and not derived anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cospaced.domain.booking import Booking, Dial, SpaceForm, State
from cospaced.domain.display import organizer, space_form
from cospaced.domain.draft import SETTLING
from cospaced.domain.follow import targets
from cospaced.domain.identity import booking_id, is_booking_id, normal_endpoint
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.seen import SeenLeg, SeenSpace
from cospaced.settings import ConferenceSettings, RoomSettings


ADOPTABLE = (State.PLANNED, State.REFUSED)


def adopted(  # noqa: PLR0913 - by keyword
    booking: Booking,
    space: SeenSpace,
    number: int,
    *,
    now: datetime,
    terms: ConferenceSettings,
    rooms: Mapping[str, RoomSettings],
    timeout: timedelta,
) -> Booking:
    """Return the row as open on the space that carries its id.

    Nobody is dialled before a request that a lost daemon sent can no longer take effect.
    """
    settled = now + timeout + SETTLING
    dials = tuple(
        Dial(target=target, due=booking.start, not_before=settled)
        for target in targets(booking.rooms, rooms)
    )
    return replace(
        step(booking, Step.ADOPT),
        number=number,
        passcode=space.passcode,
        secret=space.secret,
        terms=terms,
        form=_form(space),
        opened_at=now,
        adopted_at=now,
        dials=dials,
    )


def overtaken(booking: Booking, space: SeenSpace) -> bool:
    """Whether a row that holds a slot is out of date: the space carries another booking's id.

    So it is after a state file was brought back from a backup. What an operator wrote into the
    space does not count, nor does a row of ours that says so.
    """
    return not booking.edited and space.cdr_tag != booking.id and is_booking_id(space.cdr_tag)


def may_continue(row: Booking, space: SeenSpace, now: datetime) -> bool:
    """Whether a booking may be what a space goes on as, whose own booking no calendar knows.

    The space says who organized it (meetingScheduler); where that is hidden, nothing is assumed.
    """
    scheduler = organizer(row, row.terms)
    opens = row.start - row.terms.early_join
    same = bool(scheduler) and scheduler == space.scheduler
    return same and row.state in ADOPTABLE and opens <= now < row.end


def heir_of_space(
    rows: Iterable[Booking], legs: Iterable[SeenLeg], rooms: Mapping[str, RoomSettings]
) -> Booking | None:
    """Return the booking that has the most endpoints in a space's call; None where none has any."""
    inside = {normal_endpoint(leg.remote_party) for leg in legs}

    def shared(row: Booking) -> int:
        theirs = {normal_endpoint(target.endpoint) for target in targets(row.rooms, rooms)}
        return len(theirs & inside)

    found = max(rows, key=lambda row: (shared(row), row.id), default=None)
    return found if found is not None and shared(found) else None


def renewed(after: Booking, space: SeenSpace) -> Booking:
    """Return an adopted row under the id that its space carries: ids outlive their events."""
    return replace(after, id=space.cdr_tag, generation=after.generation + 1, version=0)


def orphan(
    space: SeenSpace, number: int, *, now: datetime, terms: ConferenceSettings, taken: bool
) -> Booking:
    """Return a row for an open space whose event nobody knows: over, but people are warned first.

    `taken`: a row with the id that the space carries exists already and is finished.
    """
    uid = f"orphan:{space.id}"
    fresh = booking_id(uid, now.isoformat())
    row = Booking(
        id=fresh if taken or not space.cdr_tag else space.cdr_tag,
        uid=uid,
        recurrence_id=now.isoformat(),
        title=space.name,
        start=now,
        end=now,
        state=State.OPEN,
        number=number,
        passcode=space.passcode,
        secret=space.secret,
        terms=terms,
        opened_at=now,
        adopted_at=now,
        edited=True,
        detached=True,
        created_at=now,
    )
    # It is told nothing before it is closed: least of all to open, where it is locked already.
    return replace(row, form=space_form(row))


def _form(space: SeenSpace) -> SpaceForm:
    return SpaceForm(
        name=space.name,
        passcode=space.passcode,
        secret=space.secret,
        cdr_tag=space.cdr_tag,
        scheduler=space.scheduler,
    )

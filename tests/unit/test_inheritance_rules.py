"""Which event goes on with an open booking, which one waits, and what counts as gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.adoption import heir_of_space, may_continue
from cospaced.domain.booking import Booking, State
from cospaced.domain.calendar import Answer, Busy, Copy, Doubt, Occurrence
from cospaced.domain.confirm import CONFIRM_AFTER, judge
from cospaced.domain.fold import Wanted
from cospaced.domain.inheritance import (
    PATIENCE,
    continues,
    forebear,
    forsaken,
    heir,
    is_new,
    kept_waiting,
    patience,
)
from cospaced.domain.seen import LegState, SeenLeg, SeenSpace
from cospaced.settings import RoomSettings


NOW = datetime(2026, 11, 23, 9, 10, tzinfo=UTC)
START = NOW - timedelta(minutes=10)
END = START + timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
ADA = "ada@x.org"


def _row(**keys: Any) -> Booking:
    keys = {"id": "b", "state": State.OPEN, "opened_at": START - 5 * MINUTE} | keys
    row = {"uid": "old", "organizer": ADA, "rooms": ("aula", "boardroom"), "start": START}
    return Booking(**(row | {"end": END, "created_at": START - 60 * MINUTE} | keys))


def _event(**keys: Any) -> Wanted:
    event = {"uid": "new", "recurrence_id": "", "organizer": ADA, "organizer_name": ""}
    event |= {"title": "T", "private": False, "start": START, "end": END}
    return Wanted(**(event | {"rooms": ("aula", "cellar")} | keys))


@pytest.mark.parametrize(
    ("event", "row", "expected"),
    [
        ({}, {}, True),
        ({"organizer": "bob@x.org"}, {}, False),
        ({"organizer": ""}, {"organizer": ""}, False),
        ({"organizer": "", "uid": "old"}, {"organizer": ""}, True),
        ({"rooms": ("cellar",)}, {}, False),
        ({"start": NOW + 4 * MINUTE}, {}, True),
        ({"start": NOW + 6 * MINUTE}, {}, False),
        ({"end": NOW}, {}, False),
        # Back to back: the early join of the next is not what runs.
        ({"start": NOW + MINUTE, "end": END}, {"end": NOW + MINUTE}, False),
        ({}, {"state": State.PLANNED}, False),
        ({}, {"closing": "its end has come"}, False),
        ({}, {"ended_by_people": True}, False),
    ],
)
def test_what_an_open_booking_may_go_on_as(
    event: dict[str, Any], row: dict[str, Any], expected: bool
) -> None:
    assert continues(_row(**row), _event(**event), NOW) is expected


@pytest.mark.parametrize(
    ("own", "row", "expected"),
    [
        (None, {}, True),
        ({}, {}, False),
        ({"start": NOW + 4 * MINUTE}, {}, False),
        ({"start": NOW + 60 * MINUTE, "end": NOW + 90 * MINUTE}, {}, True),
        ({}, {"detached": True}, True),
    ],
)
def test_when_its_own_event_has_left_it(
    own: dict[str, Any] | None, row: dict[str, Any], expected: bool
) -> None:
    event = None if own is None else _event(uid="old", **own)
    assert forsaken(_row(**row), event, NOW) is expected


def test_the_heir_has_its_uid_or_else_the_most_of_its_rooms() -> None:
    one, two = _event(uid="1"), _event(uid="2", rooms=("aula", "boardroom"))
    same = _event(uid="old", recurrence_id="r", rooms=("aula",))
    assert heir(_row(), [one, two], NOW) is two
    assert heir(_row(), [one, two, same], NOW) is same
    assert heir(_row(), [_event(organizer="")], NOW) is None


def test_the_forebear_is_the_row_with_the_most_rooms_in_common() -> None:
    less = _row(id="less", rooms=("aula",))
    most = _row(id="most", rooms=("aula", "cellar"))
    assert forebear(_event(), [less, most], NOW) is most


@pytest.mark.parametrize(
    ("claimant", "new"),
    [
        (None, True),
        ({"state": State.PLANNED, "created_at": NOW}, True),
        ({"state": State.REFUSED, "created_at": NOW}, True),
        ({"state": State.PLANNED}, False),
        ({"state": State.OPEN, "created_at": NOW}, False),
    ],
)
def test_what_was_booked_before_it_opened_keeps_its_own(
    claimant: dict[str, Any] | None, new: bool
) -> None:
    assert is_new(_row(), None if claimant is None else _row(**claimant)) is new


@pytest.mark.parametrize(
    ("rooms", "age", "waits"),
    [
        (("aula", "cellar"), PATIENCE - MINUTE, True),
        (("aula", "cellar"), PATIENCE, False),
        (("aula", "boardroom"), PATIENCE, True),
        (("aula",), 5 * MINUTE, True),
    ],
)
def test_who_waits_for_an_open_booking(rooms: tuple[str, ...], age: timedelta, waits: bool) -> None:
    claimant = _row(id="c", uid="new", state=State.PLANNED, rooms=rooms, created_at=NOW - age)
    found = kept_waiting(claimant, [_row()], NOW)
    assert (found is not None) is waits
    assert kept_waiting(claimant, [_row(detached=True)], NOW) is not None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cancelled": True}, CONFIRM_AFTER),
        ({"answer": Answer.DECLINED}, CONFIRM_AFTER),
        ({"busy": Busy.FREE}, PATIENCE),
        ({"busy": Busy.TENTATIVE}, PATIENCE),
    ],
)
def test_a_refusal_is_believed_sooner_than_what_may_flicker(
    change: dict[str, Any], expected: timedelta
) -> None:
    event = Occurrence(uid="u", start=START, end=END, **change)
    assert patience(Copy(room="aula", source="c", occurrence=event, seen_at=NOW)) == expected


KNOWN = tuple(f"old{n}" for n in range(4))


def _days(*uids: str, later: timedelta = timedelta(0), organizer: str = ADA) -> Any:
    """Make an event for each UID, one a day."""
    return tuple(
        _occurrence(uid, START + timedelta(days=n) + later, organizer) for n, uid in enumerate(uids)
    )


def test_events_in_whose_place_others_of_the_organizer_stand_are_no_mass_loss() -> None:
    old = _days(*KNOWN)
    fresh = (*_days("new0", "new1", later=MINUTE), *old[2:])
    first = judge(old, fresh, Doubt(), NOW)
    assert not first.doubt.dangerous
    assert first.again_after == CONFIRM_AFTER
    second = judge(first.occurrences, fresh, first.doubt, NOW + CONFIRM_AFTER)
    assert second.occurrences == fresh


@pytest.mark.parametrize(
    "other", [{"organizer": "bob@x.org"}, {"later": timedelta(hours=1)}], ids=str
)
def test_events_of_others_or_at_another_time_leave_a_mass_loss_what_it_is(
    other: dict[str, Any],
) -> None:
    old = _days(*KNOWN)
    fresh = (*_days("new0", "new1", **other), *old[2:])
    first = judge(old, fresh, Doubt(), NOW)
    assert first.doubt.dangerous
    second = judge(first.occurrences, fresh, first.doubt, NOW + CONFIRM_AFTER)
    assert set(old) <= set(second.occurrences)


def test_one_replaced_among_many_lost_is_believed_alone() -> None:
    old, fresh = _days(*KNOWN), _days("new0")
    first = judge(old, fresh, Doubt(), NOW)
    assert first.doubt.dangerous
    assert first.again_after == CONFIRM_AFTER
    second = judge(first.occurrences, fresh, first.doubt, NOW + CONFIRM_AFTER)
    assert set(second.occurrences) == {*old[1:], *fresh}


def _occurrence(uid: str, start: datetime, organizer: str = ADA) -> Occurrence:
    end = start + timedelta(minutes=30)
    key = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    return Occurrence(uid=uid, recurrence_id=key, start=start, end=end, organizer=organizer)


SPACE = SeenSpace(id="s", name="T", cdr_tag="lost", scheduler=ADA, non_member_access=True)
ROOMS = {n: RoomSettings(name=n, calendar="c", endpoints=(f"{n}@x.org",)) for n in ("aula", "b")}


@pytest.mark.parametrize(
    ("row", "scheduler", "expected"),
    [
        ({}, ADA, True),
        ({}, "bob@x.org", False),
        ({}, "", False),
        ({"organizer": ""}, "", False),
        ({"private": True}, ADA, False),
        ({"start": NOW + 6 * MINUTE}, ADA, False),
        ({"end": NOW}, ADA, False),
        ({"state": State.OPEN}, ADA, False),
    ],
)
def test_who_may_go_on_in_a_space_that_nobody_knows(
    row: dict[str, Any], scheduler: str, expected: bool
) -> None:
    claimant = _row(**({"state": State.PLANNED} | row))
    assert may_continue(claimant, replace(SPACE, scheduler=scheduler), NOW) is expected


def test_the_heir_of_a_space_has_endpoints_in_its_call() -> None:
    inside = _leg("sip:Aula@x.org")
    rows = [_row(id="1", rooms=("b",)), _row(id="2", rooms=("aula",))]
    found = heir_of_space(rows, [inside], ROOMS)
    assert found is not None
    assert found.id == "2"
    assert heir_of_space(rows, [_leg("guest@x.org")], ROOMS) is None
    assert heir_of_space([], [inside], ROOMS) is None


def _leg(party: str) -> SeenLeg:
    return SeenLeg(bridge="c", id="l", call="k", remote_party=party, state=LegState.CONNECTED)

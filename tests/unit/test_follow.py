"""How a booking follows its event, by state and change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.booking import Booking, Dial, DialState, SpaceForm, State, Target
from cospaced.domain.draft import CANCELLED
from cospaced.domain.fold import Wanted
from cospaced.domain.follow import Followed, follow, targets
from cospaced.settings import RoomSettings


NOW = datetime(2026, 11, 23, 9, 10, tzinfo=UTC)
START = NOW - timedelta(minutes=10)
END = START + timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
ROOMS = {
    name: RoomSettings(name=name, calendar="c", endpoints=(f"{name}@x.org",))
    for name in ("aula", "boardroom", "cellar")
}
FORM = SpaceForm(name="T", passcode="", secret="s", cdr_tag="b", scheduler="")


def _dial(room: str, state: DialState = DialState.CONNECTED, attempt: int = 1) -> Dial:
    target = Target(endpoint=f"{room}@x.org", room=room)
    return Dial(target=target, state=state, attempt=attempt, due=START)


def _row(state: State = State.OPEN, **keys: Any) -> Booking:
    keys = {
        "start": START,
        "end": END,
        "rooms": ("aula", "boardroom"),
        "title": "T",
        "form": FORM,
        "dials": (_dial("aula"), _dial("boardroom")),
    } | keys
    return Booking(id="b", uid="u", state=state, created_at=START, number=8001, **keys)


def _wanted(**keys: Any) -> Wanted:
    keys = {"start": START, "end": END, "rooms": ("aula", "boardroom"), "title": "T"} | keys
    return Wanted(uid="u", recurrence_id="", organizer="", organizer_name="", private=False, **keys)


def _follow(row: Booking, wanted: Wanted | None, *, goes_on: bool = False) -> Followed:
    return follow(row, wanted, now=NOW, rooms=ROOMS, series_goes_on=goes_on)


@pytest.mark.parametrize("state", list(State), ids=str)
def test_an_event_that_did_not_change_changes_nothing(state: State) -> None:
    row = _row(state)
    assert _follow(row, _wanted()).booking in (row, replace(row, state=State.PLANNED))


@pytest.mark.parametrize(
    ("state", "after"),
    [("planned", "cancelled"), ("refused", "cancelled"), ("open", "open"), ("closed", "closed"),
     ("cancelled", "cancelled"), ("missed", "missed")],
)  # fmt: skip
def test_an_event_that_no_calendar_holds_any_more(state: str, after: str) -> None:
    followed = _follow(_row(State(state)), None)
    assert followed.booking.state == after
    assert not followed.again


def test_an_open_single_event_that_vanished_is_cancelled_with_notice() -> None:
    gone = _follow(_row(), None).booking
    assert gone.cancelled_at == NOW
    assert _follow(gone, None).booking == gone


def test_an_occurrence_that_vanished_alone_is_cancelled_and_one_of_a_gone_series_runs_on() -> None:
    row = _row(recurrence_id="2026-11-23T09:00:00Z")
    assert _follow(row, None, goes_on=True).booking.cancelled_at == NOW
    assert _follow(row, None, goes_on=False).booking.detached


def test_an_open_event_that_is_back_is_cancelled_no_more_and_may_be_warned_anew() -> None:
    row = _row(cancelled_at=NOW - 30 * timedelta(seconds=1), warned=(300, CANCELLED))
    back = _follow(row, _wanted()).booking
    assert back.cancelled_at is None
    assert back.warned == (300,)


def test_an_event_that_is_back_after_its_conference_was_closed_as_cancelled_begins_again() -> None:
    assert _follow(_row(State.CLOSED, cancelled_at=NOW - 5 * MINUTE), _wanted()).again
    assert not _follow(_row(State.CLOSED), _wanted()).again


@pytest.mark.parametrize("edited", [False, True])
def test_a_new_end_has_its_warnings_before_it_and_is_told_to_the_space(edited: bool) -> None:
    row = _row(warned=(300, 60), extended_to=END + MINUTE, extensions=1, edited=edited)
    after = _follow(row, _wanted(end=END + 15 * MINUTE)).booking
    assert (after.warned, after.extended_to, after.extensions) == ((), None, 0)
    assert after.form == (FORM if edited else None)


def test_a_room_that_joined_is_due_now_and_the_others_stay_as_they_are() -> None:
    after = _follow(_row(), _wanted(rooms=("aula", "boardroom", "cellar"))).booking
    assert after.dials[:2] == _row().dials
    assert (after.dials[2].target.room, after.dials[2].due) == ("cellar", NOW)


def test_a_room_that_joins_leaves_changed_settings_of_the_others_alone() -> None:
    changed = ROOMS | {"aula": replace(ROOMS["aula"], endpoints=("other@x.org",))}
    after = follow(
        _row(),
        _wanted(rooms=("aula", "boardroom", "cellar")),
        now=NOW,
        rooms=changed,
        series_goes_on=False,
    ).booking
    assert [d.target.endpoint for d in after.dials] == [
        "aula@x.org",
        "boardroom@x.org",
        "cellar@x.org",
    ]


def test_a_room_that_left_and_joins_again_is_called_again_as_often_as_one_that_is_new() -> None:
    gone = replace(_dial("boardroom", DialState.DROPPED, 3), leg="gone", not_before=END)
    left = _row(rooms=("aula",), dials=(_dial("aula"), gone))
    after = _follow(left, _wanted()).booking
    assert [d.state for d in after.dials] == [DialState.CONNECTED, DialState.DUE]
    again = after.dials[1]
    assert (again.due, again.base, again.leg, again.not_before) == (NOW, 3, "", None)


@pytest.mark.parametrize("minutes", [-30, -5, 2])
def test_a_room_that_joins_as_the_start_moves_is_due_no_sooner_than_it_joined(minutes: int) -> None:
    start = START + timedelta(minutes=minutes)
    after = _follow(_row(), _wanted(start=start, rooms=("aula", "boardroom", "cellar"))).booking
    assert after.dials[2].due == max(start, NOW)


@pytest.mark.parametrize("minutes", [-30, -5, 2])
def test_whoever_waits_for_the_start_is_due_when_it_has_moved_to_before_now(minutes: int) -> None:
    waiting = replace(_dial("aula", DialState.DUE, 0), due=START + 15 * MINUTE)
    row = _row(start=START + 15 * MINUTE, dials=(waiting,))
    start = START + timedelta(minutes=minutes)
    after = _follow(row, _wanted(start=start)).booking
    assert after.dials[0].due == max(start, NOW)


@pytest.mark.parametrize(
    ("minutes", "detached"), [(-5, False), (2, False), (14, False), (16, True), (60, True)]
)
def test_a_start_moved_past_the_early_join_becomes_a_new_booking(
    minutes: int, detached: bool
) -> None:
    shift = timedelta(minutes=minutes)
    followed = _follow(_row(), _wanted(start=START + shift, end=END + shift))
    assert (followed.booking.detached, followed.again) == (detached, detached)
    assert (followed.booking.start == START) is detached


def test_whoever_waits_to_be_called_is_not_when_the_event_moved_away() -> None:
    row = _row(dials=(_dial("aula"), _dial("boardroom", DialState.DUE, 0)))
    hour = timedelta(hours=1)
    moved = _follow(row, _wanted(start=START + hour, end=END + hour)).booking
    assert [d.state for d in moved.dials] == [DialState.CONNECTED, DialState.GAVE_UP]


def test_a_closing_or_detached_row_follows_nothing() -> None:
    for row in (_row(closing="its end has come"), _row(detached=True)):
        assert _follow(row, _wanted(end=END + MINUTE)).booking == row
        assert _follow(row, None).booking == row


def test_a_missed_booking_is_revived_by_a_new_end_alone() -> None:
    row = _row(State.MISSED)
    assert _follow(row, _wanted()).booking == row
    assert _follow(row, _wanted(end=END + MINUTE)).booking.state is State.PLANNED


def test_two_rooms_with_one_endpoint_are_one_target_and_rooms_without_dial_are_none() -> None:
    rooms = {
        "a": RoomSettings(name="a", calendar="c", endpoints=("x@x.org", "y@x.org")),
        "b": RoomSettings(name="b", calendar="c", endpoints=("x@x.org",)),
        "c": RoomSettings(name="c", calendar="c", endpoints=("z@x.org",), dial=False),
    }
    found = targets(("a", "b", "c", "unknown"), rooms)
    assert [(t.endpoint, t.room) for t in found] == [("x@x.org", "a"), ("y@x.org", "a")]

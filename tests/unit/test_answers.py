"""What answers to writes make of a booking: done, refused, unknown and sent, never sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.answers import Folded, settle
from cospaced.domain.booking import Booking, Dial, DialState, SpaceForm, State, Target
from cospaced.domain.draft import Send, Surroundings
from cospaced.domain.seen import SeenCall
from cospaced.domain.view import View
from cospaced.domain.writes import (
    CloseSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    OpenSpace,
    Outcome,
    Result,
    ShowMessage,
    StartCall,
    Write,
)


START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOW = START + timedelta(seconds=20)
SECOND = timedelta(seconds=1)
AULA = "aula@x.org"
CALL = SeenCall(bridge="core1", id="call", space="space")

DONE = Outcome(result=Result.DONE, id="new")
REFUSED = Outcome(result=Result.REFUSED, reason="no")
UNKNOWN = Outcome(result=Result.UNKNOWN, reason="no answer")
UNSENT = Outcome(result=Result.UNKNOWN, reason="no connection", sent=False)


def _settle(mark: tuple[str, ...], write: Write, outcome: Outcome, **keys: Any) -> Folded:
    dial = Dial(
        target=Target(endpoint=AULA, room="aula"),
        state=keys.pop("dial", DialState.INTENDED),
        attempt=1,
        due=START,
        at=START,
        leg="leg",
    )
    end = START + timedelta(minutes=30)
    row = Booking(
        id="b", uid="u", start=START, end=end, state=State.OPEN, dials=(dial,),
        **{"created_at": START, "rooms": ("aula",), **keys},
    )  # fmt: skip
    view = View(calls=(CALL,), calls_at=START, legs_at=START)
    send = Send(mark=mark, write=write, bridge="core1")
    return settle(row, view, Surroundings(space="space"), send, outcome, NOW)


def test_a_call_that_waited_for_its_turn_need_not_be_looked_into() -> None:
    asked = NOW - timedelta(seconds=8)
    made = _settle(("call",), StartCall(space="space"), DONE, call_asked_at=asked).view
    assert (made.legs, made.legs_at, made.legs_came) == ((), asked, NOW)


@pytest.mark.parametrize(
    ("outcome", "state", "attempt", "wait"),
    [
        (DONE, DialState.PLACED, 1, None),
        (REFUSED, DialState.DUE, 1, 30),
        # It may have been sent just before its timeout ended: that, and the settling time.
        (UNKNOWN, DialState.DOUBT, 1, 2),
        (UNSENT, DialState.DUE, 0, 1),
    ],
)
def test_the_answer_to_a_dial(
    outcome: Outcome, state: DialState, attempt: int, wait: int | None
) -> None:
    write = DialEndpoint(call="call", endpoint=AULA, owner_id="o")
    one = _settle(("dial", AULA), write, outcome).booking.dials[0]
    assert (one.state, one.attempt) == (state, attempt)
    assert one.not_before == (None if wait is None else NOW + wait * SECOND)


def test_an_answer_to_a_dial_that_a_look_has_overtaken_changes_nothing() -> None:
    write = DialEndpoint(call="call", endpoint=AULA, owner_id="o")
    for outcome in (DONE, REFUSED, UNKNOWN, UNSENT):
        folded = _settle(("dial", AULA), write, outcome, dial=DialState.CONNECTED)
        assert folded.booking.dials[0].state is DialState.CONNECTED


@pytest.mark.parametrize(
    ("created_at", "opened", "dialled"),
    [
        (START - timedelta(days=1), 320_000, 20_000),
        (START - timedelta(minutes=2), 140_000, 20_000),
        (START + 15 * SECOND, 5_000, 5_000),
        (NOW + SECOND, 0, 0),
    ],
    ids=["yesterday", "just before", "when it had begun", "by another clock"],
)
def test_lateness_is_told_from_when_the_booking_was_known(
    created_at: datetime, opened: int, dialled: int
) -> None:
    form = SpaceForm(name="n", passcode="", secret="s", cdr_tag="b", scheduler="")
    writes: dict[tuple[str, ...], Write] = {
        ("open",): OpenSpace(space="space", form=form),
        ("dial", AULA): DialEndpoint(call="call", endpoint=AULA, owner_id="o"),
    }
    late = [
        _settle(mark, write, DONE, created_at=created_at).told[0].keys["late_ms"]
        for mark, write in writes.items()
    ]
    assert late == [opened, dialled]


@pytest.mark.parametrize(
    ("outcome", "asked_at", "known"),
    [
        (DONE, None, True),
        (Outcome(result=Result.DONE), NOW - 10 * SECOND, False),
        (UNKNOWN, NOW - 10 * SECOND, False),
        (UNSENT, None, False),
        (REFUSED, None, False),
    ],
    ids=["done", "done without an id", "unknown", "unsent", "refused"],
)
def test_the_answer_to_the_call(outcome: Outcome, asked_at: datetime | None, known: bool) -> None:
    folded = _settle(("call",), StartCall(space="space"), outcome, call_asked_at=START)
    assert folded.booking.call_asked_at == asked_at
    assert (folded.booking.call_seen_at is not None) is known
    assert (folded.view.calls[0].id == "new") is known


@pytest.mark.parametrize(
    ("outcome", "locked"),
    [
        (DONE, True),
        (Outcome(result=Result.REFUSED, reason="coSpaceDoesNotExist"), True),
        (REFUSED, False),
        (UNKNOWN, False),
        (UNSENT, False),
    ],
)
def test_the_answer_to_a_close(outcome: Outcome, locked: bool) -> None:
    row = _settle(("close",), CloseSpace(space="space", name="n"), outcome).booking
    assert (row.locked_at is not None) is locked
    assert (row.not_before is None) is locked


@pytest.mark.parametrize("outcome", [DONE, REFUSED, UNKNOWN, UNSENT], ids=str)
def test_the_end_of_a_call_is_believed_by_a_look_alone(outcome: Outcome) -> None:
    folded = _settle(("end", "call"), EndCall(call="call"), outcome)
    assert folded.view.calls == ()
    assert folded.view.calls_at is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(DONE, DialState.DROPPED), (REFUSED, DialState.CONNECTED), (UNKNOWN, DialState.CONNECTED)],
)
def test_a_leg_that_was_dropped_is_dropped_once(outcome: Outcome, state: DialState) -> None:
    folded = _settle(
        ("drop", AULA), DropLeg(leg="leg"), outcome, dial=DialState.CONNECTED, rooms=()
    )
    assert folded.booking.dials[0].state is state


def test_a_room_that_came_back_while_it_was_hung_up_on_is_called_again() -> None:
    folded = _settle(("drop", AULA), DropLeg(leg="leg"), DONE, dial=DialState.CONNECTED)
    (dial,) = folded.booking.dials
    assert (dial.state, dial.due, dial.leg, dial.base) == (DialState.DUE, NOW, "", 1)


def test_the_late_answer_of_a_hanging_up_does_not_concern_the_leg_that_came_after_it() -> None:
    folded = _settle(("drop", AULA), DropLeg(leg="before"), DONE, dial=DialState.CONNECTED)
    assert folded.booking.dials[0].state is DialState.CONNECTED


@pytest.mark.parametrize(
    ("outcome", "warned"),
    [(DONE, (300, 60)), (REFUSED, (300, 60)), (UNKNOWN, (300,)), (UNSENT, (300,))],
)
def test_a_warning_that_nobody_may_have_read_was_not_shown(
    outcome: Outcome, warned: tuple[int, ...]
) -> None:
    write = ShowMessage(call="call", text="t")
    assert (
        _settle(("warn", "60", "call"), write, outcome, warned=(300, 60)).booking.warned == warned
    )


def test_an_answer_that_nobody_waits_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="no answer is expected"):
        _settle(("nonsense",), StartCall(space="space"), DONE)

"""What is planned for one booking, by what is known and what time it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.booking import Booking, Dial, DialState, State, Target
from cospaced.domain.display import space_form
from cospaced.domain.draft import Elsewhere, Look, Plan, Surroundings
from cospaced.domain.plan import plan
from cospaced.domain.seen import LegState, SeenCall, SeenLeg
from cospaced.domain.view import View
from cospaced.settings import ConferenceSettings, RoomSettings


START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
SECOND = timedelta(seconds=1)
TERMS = ConferenceSettings()
ROOMS = {
    name: RoomSettings(name=name, calendar="c", endpoints=(f"{name}@x.org",))
    for name in ("aula", "boardroom")
}
AROUND = Surroundings(space="space", reachable=("core1", "core2"), closed_name="cospaced_8001")
CALL = SeenCall(bridge="core1", id="call", space="space")


def _dial(room: str, state: DialState = DialState.CONNECTED, **keys: Any) -> Dial:
    keys = {"attempt": 1, "since": START, "at": START, "bridge": "core1", "due": START} | keys
    target = Target(endpoint=f"{room}@x.org", room=room)
    return Dial(target=target, state=state, leg=f"leg-{room}", **keys)


def _row(state: State = State.OPEN, **keys: Any) -> Booking:
    dials = (_dial("aula"), _dial("boardroom"))
    keys = {"dials": dials, "start": START, "end": END, "rooms": ("aula", "boardroom")} | keys
    row = Booking(id="0b", uid="u", state=state, created_at=START, number=8001, title="T", **keys)
    return replace(row, form=space_form(row)) if state is State.OPEN else row


def _leg(room: str, state: LegState = LegState.CONNECTED, bridge: str = "core1") -> SeenLeg:
    party = f"{room}@x.org"
    return SeenLeg(bridge=bridge, id=f"leg-{room}", call="call", remote_party=party, state=state)


def _view(now: datetime, *legs: SeenLeg, **keys: Any) -> View:
    keys = {"calls": (CALL,), "calls_at": now, "legs_at": now, "space_at": now} | keys
    return View(legs=legs, **keys)


def _plan(row: Booking, view: View, now: datetime, busy: Any = (), **around: Any) -> Plan:
    surroundings = replace(AROUND, **around)
    return plan(row, view, surroundings, now=now, terms=TERMS, rooms=ROOMS, busy=frozenset(busy))


def _sent(planned: Plan) -> list[str]:
    return [" ".join(send.mark) for send in planned.sends]


def test_in_steady_state_nothing_is_wanted_and_planning_wakes_later() -> None:
    now = START + timedelta(minutes=10)
    planned = _plan(_row(), _view(now, _leg("aula"), _leg("boardroom")), now)
    assert (planned.sends, planned.looks, planned.told) == ((), (), ())
    assert planned.booking == _row()
    assert planned.wake is not None
    assert planned.wake > now + 30 * SECOND


@pytest.mark.parametrize(
    ("seconds", "around", "opens"),
    [
        (-301, {}, False),
        (-300, {}, True),
        (-300, {"space": ""}, False),
        (-300, {"space_free": False}, False),
        (-300, {"reachable": ()}, False),
        (1700, {}, True),
    ],
)
def test_when_a_planned_booking_opens(seconds: int, around: dict[str, Any], opens: bool) -> None:
    row = _row(State.PLANNED, dials=())
    planned = _plan(row, View(), START + seconds * SECOND, **around)
    assert (planned.booking.state is State.OPEN) is opens
    assert ("open" in _sent(planned)) is opens
    assert len(planned.booking.dials) == (2 if opens else 0)


def test_what_a_booking_waits_for_is_told_once_and_forgotten_when_it_opens_or_is_later() -> None:
    now = START - 300 * SECOND
    waiting = _plan(_row(State.PLANNED, dials=()), View(), now, awaits="0a")
    assert [one.event for one in waiting.told] == ["booking.waits"]
    assert "booking 0a" in waiting.booking.reason
    again = _plan(waiting.booking, View(), now + 10 * SECOND, awaits="0a")
    assert (again.told, again.booking) == ((), waiting.booking)
    opened = _plan(waiting.booking, View(), now + 10 * SECOND)
    assert (opened.booking.state, opened.booking.reason) == (State.OPEN, "")
    later = replace(waiting.booking, start=START + timedelta(hours=1), end=END + timedelta(hours=1))
    assert _plan(later, View(), now + 10 * SECOND).booking.reason == ""


def test_what_keeps_a_booking_from_opening_is_told_when_it_lasts() -> None:
    row = _row(
        State.PLANNED, dials=()
    )  # it became known at its start, five minutes after it was due
    assert _plan(row, View(), START, space="").told == ()
    held_up = _plan(row, View(), START + 5 * SECOND, space="")
    assert [one.event for one in held_up.told] == ["booking.waiting"]
    known = replace(row, created_at=START - timedelta(days=1))
    assert [one.event for one in _plan(known, View(), START, space="").told] == ["booking.waiting"]


@pytest.mark.parametrize("stepped", [False, True])
def test_a_booking_whose_time_passed_is_missed_unless_the_clock_just_leapt(stepped: bool) -> None:
    planned = _plan(_row(State.PLANNED), View(), END, hold_closes=stepped)
    assert planned.booking.state is (State.PLANNED if stepped else State.MISSED)


def test_a_refused_booking_wants_nothing_and_is_not_woken() -> None:
    assert _plan(_row(State.REFUSED), View(), END + SECOND).wake is None


_DUE = {"state": DialState.DUE, "attempt": 0, "at": None}


@pytest.mark.parametrize(
    ("view", "sent", "looked"),
    [
        ({"calls_at": None}, [], [Look.CALLS]),
        ({"calls_at": START - 6 * SECOND}, [], [Look.CALLS]),
        ({"calls": (), "legs_at": None}, ["call"], []),
        ({"legs_at": None}, [], [Look.LEGS]),
        ({"legs_at": START - 6 * SECOND}, [], [Look.LEGS]),
        ({"blind_legs": ("core1",)}, [], [Look.LEGS]),
        ({"blind_legs": ("core2",)}, ["dial aula@x.org", "dial boardroom@x.org"], []),
        ({}, ["dial aula@x.org", "dial boardroom@x.org"], []),
    ],
)
def test_nobody_is_called_before_fresh_looks_show_who_is_in_it(
    view: dict[str, Any], sent: list[str], looked: list[Look]
) -> None:
    row = _row(dials=(_dial("aula", **_DUE), _dial("boardroom", **_DUE)))
    planned = _plan(row, _view(START, **view), START)
    assert _sent(planned) == sent
    assert [look.look for look in planned.looks if not look.audit] == looked


@pytest.mark.parametrize(
    ("starting", "ahead"),
    [(1, 0.52), (50, 1.5), (75, 2.0), (250, 2.0)],
)
def test_the_call_is_looked_into_just_before_and_sooner_where_many_start_at_once(
    starting: int, ahead: float
) -> None:
    row = _row(dials=(_dial("aula", DialState.DUE, attempt=0),))
    moment = START - timedelta(seconds=ahead)
    soon = _plan(row, _view(moment - SECOND), moment - SECOND, starting=starting)
    assert (soon.looks, soon.wake) == ((), moment)
    seen = _view(moment - SECOND)
    assert [one.look for one in _plan(row, seen, moment, starting=starting).looks] == [Look.CALLS]
    seen = replace(seen, calls_at=moment)
    assert [one.look for one in _plan(row, seen, moment, starting=starting).looks] == [Look.LEGS]
    seen = replace(seen, legs_at=moment)
    assert not _plan(row, seen, moment, starting=starting).looks
    assert _sent(_plan(row, seen, START, starting=starting)) == ["dial aula@x.org"]


def test_a_look_that_waited_for_its_turn_is_as_old_as_its_answer() -> None:
    row = _row(dials=(_dial("aula", DialState.DUE, attempt=0),))
    now = START + 20 * SECOND
    waited = _view(START, calls_came=now - SECOND, legs_came=now - SECOND)
    assert _sent(_plan(row, waited, now)) == ["dial aula@x.org"]
    # It began too early to show who dialled in just before the start.
    early = replace(waited, calls_at=START - SECOND)
    assert [look.look for look in _plan(row, early, now).looks] == [Look.CALLS]
    # Who is in a call tells of it, too, though it was looked for long ago.
    looked_into = replace(waited, calls_came=START + SECOND, legs_at=START + 2 * SECOND)
    assert _sent(_plan(row, looked_into, now)) == ["dial aula@x.org"]
    old = replace(looked_into, legs_came=START + 3 * SECOND)
    assert [look.look for look in _plan(row, old, now).looks] == [Look.CALLS]


def test_who_is_in_the_call_in_any_spelling_is_not_called() -> None:
    row = _row(dials=(_dial("aula", **_DUE), _dial("boardroom", **_DUE)))
    leg = replace(_leg("aula"), remote_party="SIP:Aula@X.org;x=1", incoming=True)
    planned = _plan(row, _view(START, leg), START)
    assert _sent(planned) == ["dial boardroom@x.org"]
    assert planned.booking.dials[0].state is DialState.CONNECTED


@pytest.mark.parametrize(
    ("there", "sent"),
    [
        ({"ending": True, "alone": False}, ["free aula@x.org"]),
        ({"ending": False, "alone": True}, ["free aula@x.org"]),
        ({"ending": False, "alone": False}, []),
        ({"ending": True, "alone": False, "leg": ""}, []),
    ],
)
def test_an_endpoint_in_another_conference_stays_there_unless_that_ends_or_it_is_alone(
    there: dict[str, Any], sent: list[str]
) -> None:
    row = _row(dials=(_dial("aula", **_DUE),))
    other = Elsewhere(**{"booking": "other", "leg": "leg", "bridge": "core1"} | there)
    planned = _plan(row, _view(START), START, elsewhere={"aula@x.org": other})
    assert _sent(planned) == sent
    assert planned.booking.dials[0].state is DialState.DUE


@pytest.mark.parametrize(
    ("asked", "looked", "blind", "again"),
    [
        (0, 11.9, (), False),
        (0, 12, (), True),
        (0, 12, ("core1",), False),
        (0, 12, ("core2",), True),
    ],
)
def test_a_doubt_is_settled_by_a_look_that_began_after_the_request_could_still_take_effect(
    asked: float, looked: float, blind: tuple[str, ...], again: bool
) -> None:
    at = START + asked * SECOND
    row = _row(dials=(_dial("aula", DialState.DOUBT, at=at), _dial("boardroom")))
    now = START + 12 * SECOND
    view = _view(now, _leg("boardroom"), legs_at=START + looked * SECOND, blind_legs=blind)
    planned = _plan(row, view, now)
    one = planned.booking.dials[0]
    assert (one.state, one.attempt) == ((DialState.DUE, 0) if again else (DialState.DOUBT, 1))


@pytest.mark.parametrize(
    ("late", "stepped", "gives_up"), [(600, False, False), (601, False, True), (601, True, False)]
)
def test_later_than_dial_late_after_the_start_no_room_rings_any_more(
    late: int, stepped: bool, gives_up: bool
) -> None:
    now = START + late * SECOND
    row = _row(dials=(_dial("aula", **_DUE), _dial("boardroom")))
    planned = _plan(row, _view(now, _leg("boardroom")), now, hold_closes=stepped)
    assert (planned.booking.dials[0].state is DialState.GAVE_UP) is gives_up


@pytest.mark.parametrize(
    ("keys", "seconds", "people", "closes"),
    [
        ({"warned": (300, 60)}, 0, True, True),
        ({"warned": (300, 60)}, 120, True, False),
        ({"warned": (300,)}, 0, True, False),
        ({}, 0, True, False),
        ({}, 0, False, True),
        ({}, 3600, False, True),
        ({"warned": (300, 60)}, -1, True, False),
    ],
)
def test_the_end_closes_whom_it_warned_and_warns_whom_it_did_not(
    keys: dict[str, Any], seconds: int, people: bool, closes: bool
) -> None:
    now = END + seconds * SECOND
    view = _view(now, *((_leg("aula"), _leg("boardroom")) if people else ()))
    planned = _plan(_row(**keys), view, now)
    assert bool(planned.booking.closing) is closes
    assert ("close" in _sent(planned)) is closes
    if not closes and seconds >= 0:
        assert planned.booking.ends_at == now + timedelta(minutes=1)


def test_a_clock_that_leapt_neither_closes_nor_warns() -> None:
    for now in (END, END - 30 * SECOND):
        planned = _plan(_row(), _view(now, _leg("aula"), _leg("boardroom")), now, hold_closes=True)
        assert _sent(planned) == []


def test_a_close_waits_for_every_bridge_and_then_is_done() -> None:
    now = END + 2 * SECOND
    row = _row(closing="its end has come", locked_at=END + SECOND)
    for view, closed in (
        (_view(now, calls=()), True),
        (_view(now, calls=(), blind_calls=("core2",)), False),
        (_view(now, calls=(), calls_at=END), False),
        (_view(now), False),
    ):
        assert (_plan(row, view, now).booking.state is State.CLOSED) is closed


def test_a_room_that_left_is_hung_up_on_alone_and_once() -> None:
    now = START + timedelta(minutes=10)
    row = _row(rooms=("boardroom",))
    row = replace(row, form=space_form(row))
    view = _view(now, _leg("aula"), _leg("boardroom"))
    assert _sent(_plan(row, view, now)) == ["drop aula@x.org"]
    assert _sent(_plan(row, view, now, busy={("drop", "aula@x.org")})) == []

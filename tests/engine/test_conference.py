"""A conference's life from an .ics file to ringing rooms and back, in virtual time."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cospaced.domain.booking import DialState, State
from cospaced.settings import ConferenceSettings, ExtendMode
from cospaced.simulator.endpoints import Behaviour
from cospaced.simulator.faults import Fault
from support.site import Invitation, Site, endpoint_of
from support.virtual import VirtualClock, run_virtually


MINUTE = timedelta(minutes=1)
Story = Callable[[Site], Coroutine[Any, Any, None]]


def play(folder: Path, story: Story, **keys: Any) -> Site:
    """Tell one story on a new site and return the site."""

    async def main(clock: VirtualClock) -> Site:
        site = Site(clock, folder, **keys)
        await story(site)
        return site

    return run_virtually(main)


def booked(site: Site, *, after: float = 10, minutes: float = 30, **keys: Any) -> Invitation:
    """Invite the first two rooms in a while from now."""
    start = site.clock.now() + timedelta(minutes=after)
    invitation = Invitation("one@example.org", start, start + timedelta(minutes=minutes), **keys)
    site.invite(invitation)
    return invitation


def moved(site: Site, invitation: Invitation, **changes: Any) -> Invitation:
    """Change an invitation, as its organizer would."""
    after = replace(invitation, sequence=invitation.sequence + 1, **changes)
    site.invite(after)
    return after


def test_an_invitation_is_opened_dialled_and_closed(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 5 * MINUTE + timedelta(seconds=1))
            assert [b.state for b in site.bookings()] == [State.OPEN]
            assert not site.endpoint("aula").rings
            await site.until(one.start + timedelta(seconds=5))
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + timedelta(seconds=2))
            assert [b.state for b in site.bookings()] == [State.CLOSED]

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [1, 1]
    assert [m.text for m in site.cluster.messages] == [
        "This conference ends in 5 minutes.",
        "This conference ends in 1 minute.",
    ]


def test_opening_and_dialling_one_room_costs_three_writes_and_closing_two(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula",))
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            before = len(site.writes())
            await site.until(one.start + MINUTE)
            assert site.writes()[before:] == ["PUT coSpaces", "POST calls", "POST calls"]
            await site.until(one.end - timedelta(seconds=1))
            before = len(site.writes())
            await site.until(one.end + MINUTE)
            assert site.writes()[before:] == ["PUT coSpaces", "DELETE calls"]

    play(tmp_path, story, terms=ConferenceSettings(min_rooms=1))


def test_one_seed_run_twice_gives_the_same_log(tmp_path: Path) -> None:
    def history(folder: Path) -> str:
        folder.mkdir()

        async def story(site: Site) -> None:
            site.folder.mkdir(exist_ok=True)
            site.cluster.knobs = replace(site.cluster.knobs, busy_rate=0.05, lost_after_rate=0.02)
            booked(site)
            async with site.running():
                await site.until(site.clock.now() + timedelta(hours=1))

        site = play(folder, story, seed=7)
        requests = [(r.at, r.method, r.path, r.body, r.status) for r in site.cluster.requests]
        return repr(site.events) + repr(requests)

    first = history(tmp_path / "a")
    assert first == history(tmp_path / "b")
    assert "booking.closed" in first


def test_a_busy_room_is_called_again_and_given_up_after_three_attempts(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.endpoint("aula").behave(Behaviour.parse("busy"))
        site.endpoint("boardroom").behave(Behaviour.parse("busy"), Behaviour.parse("connect:2"))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            dials = {d.target.room: d for d in site.bookings()[0].dials}
            assert dials["aula"].state is DialState.GAVE_UP
            assert dials["aula"].attempt == 3
            assert dials["boardroom"].state is DialState.CONNECTED
            assert dials["boardroom"].attempt == 2

    site = play(tmp_path, story)
    assert len(site.endpoint("aula").invites) == 3
    gaps = [b.at - a.at for a, b in pairwise(site.endpoint("aula").invites)]
    assert all(timedelta(seconds=30) <= gap <= timedelta(seconds=35) for gap in gaps)


def test_a_room_that_hung_up_is_left_in_peace(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.cluster.scenarios.hang_up(endpoint_of("aula"))
            await site.until(one.end)

    site = play(tmp_path, story)
    assert len(site.endpoint("aula").rings) == 1
    assert site.happened("leg.left")


def test_a_room_that_dialled_in_is_not_rung(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 2 * MINUTE)
            number = str(site.bookings()[0].number)
            assert site.cluster.scenarios.dial_in(endpoint_of("aula"), number)
            await site.until(one.start + MINUTE)
            assert site.endpoint("boardroom").connected

    site = play(tmp_path, story)
    assert not site.endpoint("aula").rings
    assert len(site.endpoint("boardroom").rings) == 1


@pytest.mark.parametrize("ahead", [0.6, 1.0, 1.9, 3.1, 4.8])
@pytest.mark.parametrize("others", [True, False], ids=["into a call", "into an empty space"])
def test_a_room_that_dials_in_just_before_the_start_is_not_rung(
    tmp_path: Path, ahead: float, others: bool
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 2 * MINUTE)
            number = str(site.bookings()[0].number)
            if others:
                assert site.cluster.scenarios.dial_in("guest@example.org", number)
            await site.until(one.start - timedelta(seconds=ahead))
            assert site.cluster.scenarios.dial_in(endpoint_of("aula"), number)
            await site.until(one.start + MINUTE)
            assert site.endpoint("boardroom").connected

    site = play(tmp_path, story)
    assert [line["room"] for line in site.happened("leg.dialled")] == ["boardroom"]


@pytest.mark.parametrize("ahead", [0.6, 1.0, 2.5, 4.0])
def test_a_room_that_dials_in_just_before_it_is_called_again_is_not_rung(
    tmp_path: Path, ahead: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.scenarios.behave(endpoint_of("aula"), Behaviour.parse("busy"))
        async with site.running():
            await site.until(one.start + timedelta(seconds=5))
            row = site.bookings()[0]
            again = next(d.not_before for d in row.dials if d.target.room == "aula")
            assert again is not None
            await site.until(again - timedelta(seconds=ahead))
            assert site.cluster.scenarios.dial_in(endpoint_of("aula"), str(row.number))
            await site.until(again + MINUTE)

    site = play(tmp_path, story)
    dialled = [line for line in site.happened("leg.dialled") if line["room"] == "aula"]
    assert [line["attempt"] for line in dialled] == [1]


def test_who_dialled_in_just_before_the_start_and_hung_up_after_it_is_left_in_peace(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - timedelta(seconds=0.9))
            for room in ("aula", "boardroom"):
                number = str(site.bookings()[0].number)
                assert site.cluster.scenarios.dial_in(endpoint_of(room), number)
            await site.until(one.start + timedelta(seconds=10))
            site.cluster.scenarios.hang_up(endpoint_of("aula"))
            await site.until(one.start + 3 * MINUTE)

    site = play(tmp_path, story)
    assert not site.happened("leg.dialled")


def test_many_starts_on_a_slow_call_bridge_all_come_to_an_end(tmp_path: Path) -> None:
    """A look that waited long for its turn is as good as its answer is new."""
    rooms = tuple(f"room{n}" for n in range(60))

    async def story(site: Site) -> None:
        start = site.clock.now() + 10 * MINUTE
        for n in range(30):
            where = rooms[2 * n : 2 * n + 2]
            site.invite(Invitation(f"{n}@example.org", start, start + 30 * MINUTE, rooms=where))
        async with site.running():
            await site.until(start - timedelta(seconds=1))
            site.cluster.knobs = replace(site.cluster.knobs, latency_before=(1.5, 1.5))
            await site.until(start + MINUTE)

    site = play(tmp_path, story, rooms=rooms, quantity=40)
    assert len(site.happened("leg.dialled")) == len(rooms)


def test_a_lost_answer_to_a_dial_rings_nobody_twice(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.faults.next("POST", "calls/*/callLegs", fault=Fault.SILENT_AFTER, times=2)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            assert all(d.state is DialState.CONNECTED for d in site.bookings()[0].dials)

    site = play(tmp_path, story)
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [1, 1]


def test_a_dial_lost_before_its_effect_is_made_again_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.faults.next("POST", "calls/*/callLegs", fault=Fault.SILENT_BEFORE, times=2)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            assert [d.attempt for d in site.bookings()[0].dials] == [1, 1]

    site = play(tmp_path, story)
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [1, 1]


def test_a_lost_answer_to_the_call_starts_no_second_one(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.faults.next("POST", "calls", fault=Fault.SILENT_AFTER)
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected

    site = play(tmp_path, story)
    assert len([w for w in site.cluster.requests if w.method == "POST" and w.node == "calls"]) == 1


def test_a_later_end_keeps_the_space_open(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 10 * MINUTE)
            later = moved(site, one, end=one.end + 15 * MINUTE)
            await site.until(later.end - MINUTE)
            assert site.endpoint("aula").connected
            await site.until(later.end + timedelta(seconds=2))

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.endpoint("aula").rings) == 1


def test_an_earlier_end_warns_before_it_closes(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 15 * MINUTE)
            moved(site, one, end=site.clock.now() - timedelta(seconds=1))
            await site.until(one.start + 18 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    closed_at = next(at for at, event, _ in site.events if event == "booking.closed")
    assert closed_at - site.cluster.messages[0].at >= timedelta(seconds=55)


def test_a_room_added_is_dialled_alone_and_a_room_removed_dropped_alone(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 15 * MINUTE)
            two = moved(site, one, rooms=("aula", "boardroom", "cellar"))
            await site.eventually(lambda: site.endpoint("cellar").connected, within=75)
            moved(site, two, rooms=("aula", "cellar"))
            await site.eventually(lambda: not site.endpoint("boardroom").connected, within=90)
            assert site.endpoint("aula").connected
            assert site.endpoint("cellar").connected

    site = play(tmp_path, story)
    assert [len(site.endpoint(r).rings) for r in site.rooms] == [1, 1, 1]


def test_a_cancelled_booking_warns_for_a_minute_then_closes(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 10 * MINUTE)
            site.uninvite(one.uid)
            await site.eventually(lambda: bool(site.cluster.messages), within=80)
            assert "cancelled" in site.cluster.messages[0].text
            assert site.endpoint("aula").connected
            await site.clock.sleep(65)
            assert site.bookings()[0].state is State.CLOSED

    play(tmp_path, story).assert_all_closed()


def test_a_conference_in_use_is_extended_while_its_rooms_are_free(tmp_path: Path) -> None:
    terms = ConferenceSettings(extend_mode=ExtendMode.AUTOMATIC, extend_times=2)

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.end + 29 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + 31 * MINUTE)

    site = play(tmp_path, story, terms=terms)
    site.assert_all_closed()
    assert len(site.happened("booking.extended")) == 2


def test_back_to_back_bookings_of_a_room_ring_it_once_each(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        two = replace(one, uid="two@example.org", start=one.end, end=one.end + 30 * MINUTE)
        site.invite(two)
        async with site.running():
            await site.until(two.start + MINUTE)
            assert site.endpoint("aula").connected
            states = {b.uid: b.state for b in site.bookings()}
            assert states == {one.uid: State.CLOSED, two.uid: State.OPEN}
            assert all(d.attempt == 1 for b in site.bookings() for d in b.dials)
            await site.until(two.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.endpoint("aula").rings) == 2


def test_a_bridge_that_reboots_gets_its_conference_made_anew(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.reboot_bridge("core1", 20.0)
            await site.clock.sleep(60)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [2, 2]


def test_a_call_ended_by_people_is_not_made_again(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.operator_ends_call(str(site.bookings()[0].number))
            await site.until(one.start + 20 * MINUTE)
            assert site.bookings()[0].state is State.OPEN

    site = play(tmp_path, story)
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [1, 1]


def test_an_operators_edit_of_an_open_space_stands_and_is_told_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            number = str(site.bookings()[0].number)
            site.cluster.scenarios.operator_renames(number, "All hands")
            await site.until(one.end - MINUTE)
            assert site.cluster.scenarios.space(number).fields["name"] == "All hands"
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.happened("space.edited")) == 1


def test_a_closed_slot_that_somebody_opened_is_closed_within_a_minute_or_two(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        async with site.running():
            await site.clock.sleep(30)
            site.cluster.scenarios.operator_edits("8002", nonMemberAccess="true")
            await site.clock.sleep(120)

    play(tmp_path, story).assert_all_closed()


def test_a_booking_whose_time_passes_without_any_bridge_is_missed(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.scenarios.cut_off("core1", silent=False)
        async with site.running():
            await site.until(one.end + MINUTE)
            assert [b.state for b in site.bookings()] == [State.MISSED]

    assert play(tmp_path, story).happened("booking.missed")


def test_people_whose_end_passed_while_the_daemon_was_down_are_warned_first(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running() as doom:
            await site.until(one.start + 10 * MINUTE)
            await site.kill(doom)
        await site.until(one.end + 10 * MINUTE)
        assert site.endpoint("aula").connected
        async with site.running():
            await site.clock.sleep(30)
            assert site.endpoint("aula").connected
            assert site.cluster.messages
            await site.clock.sleep(60)

    play(tmp_path, story).assert_all_closed()


def test_a_clock_that_leaps_closes_nothing_at_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.clock.step(timedelta(hours=2))
            await site.clock.sleep(30)
            assert site.endpoint("aula").connected
            site.clock.step(-timedelta(hours=2))
            await site.clock.sleep(120)
            assert site.endpoint("aula").connected

    play(tmp_path, story)


def test_a_calendar_that_empties_at_once_cancels_nothing_for_a_quarter_of_an_hour(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=40)
        for n in range(4):
            at = one.start + timedelta(hours=2 + n)
            site.invite(Invitation(f"later{n}@example.org", at, at + 30 * MINUTE))
        async with site.running():
            await site.clock.sleep(60)
            for n in range(4):
                site.uninvite(f"later{n}@example.org")
            site.uninvite(one.uid)
            await site.clock.sleep(14 * 60)
            assert {b.state for b in site.bookings()} == {State.PLANNED}
            await site.clock.sleep(3 * 60)
            assert {b.state for b in site.bookings()} == {State.CANCELLED}

    play(tmp_path, story)


def test_a_booking_without_a_free_number_is_refused_until_one_is_free(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.invite(replace(one, uid="two@example.org", rooms=("boardroom", "cellar")))
        async with site.running():
            await site.clock.sleep(30)
            states = sorted(b.state for b in site.bookings())
            assert states == [State.PLANNED, State.REFUSED]
            planned = next(b for b in site.bookings() if b.state is State.PLANNED)
            site.uninvite(planned.uid)
            await site.clock.sleep(90)
            states = sorted(b.state for b in site.bookings())
            assert states == [State.CANCELLED, State.PLANNED]

    play(tmp_path, story, quantity=1)


@pytest.mark.parametrize("seed", range(5))
def test_two_bridges_with_random_faults_serve_an_hour(tmp_path: Path, seed: int) -> None:
    async def story(site: Site) -> None:
        site.cluster.knobs = replace(
            site.cluster.knobs, busy_rate=0.03, lost_before_rate=0.02, lost_after_rate=0.02
        )
        one = booked(site)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + 3 * MINUTE)

    site = play(tmp_path, story, seed=seed, bridges=("core1", "core2"))
    site.assert_all_closed()
    assert [len(site.endpoint(room).rings) for room in ("aula", "boardroom")] == [1, 1]

"""Call Bridges that reboot, fall silent or refuse at the worst moment."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import DialState, State
from cospaced.settings import ConferenceSettings
from cospaced.simulator.endpoints import Behaviour
from cospaced.simulator.faults import Fault
from support.site import Invitation, Site, endpoint_of
from support.stories import MINUTE, SECOND, asked, booked, cut_off_before, play, rings


MOMENTS = {"open": -300, "before": -20, "start": 0, "ringing": 1, "in between": 420, "close": 1799}


@pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 40.0], ids=lambda s: f"{s:g}s")
@pytest.mark.parametrize("moment", list(MOMENTS), ids=list(MOMENTS))
def test_a_reboot_at_any_moment_leaves_no_room_dark_and_no_space_open(
    tmp_path: Path, moment: str, seconds: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + timedelta(seconds=MOMENTS[moment]))
            site.cluster.scenarios.reboot_bridge("core1", seconds, silent=seconds > 5)
            await site.until(max(one.start, site.clock.now()) + MINUTE + timedelta(seconds=seconds))
            if moment != "close":
                assert site.endpoint("aula").connected
                assert site.endpoint("boardroom").connected
            await site.until(one.end + 3 * MINUTE)
            assert [b.state for b in site.bookings()] == [State.CLOSED]

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert all(count <= 2 for count in rings(site, "aula", "boardroom"))


@pytest.mark.parametrize("silent", [False, True], ids=["refusing", "silent"])
@pytest.mark.parametrize("moment", ["open", "before", "start", "ringing", "in between"])
def test_a_bridge_out_of_reach_for_a_while_loses_nobody_and_rings_nobody_twice(
    tmp_path: Path, moment: str, silent: bool
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + timedelta(seconds=MOMENTS[moment]))
            site.cluster.scenarios.cut_off("core1", silent=silent)
            await site.clock.sleep(90)
            site.cluster.scenarios.reconnect("core1")
            await site.clock.sleep(60)
            await site.until(max(site.clock.now(), one.start + 5 * MINUTE))
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("other", ["core1", "core2"])
@pytest.mark.parametrize("moment", [*MOMENTS])
def test_one_of_two_bridges_out_of_reach_rings_nobody_twice_and_cuts_nobody_off(
    tmp_path: Path, moment: str, other: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + timedelta(seconds=MOMENTS[moment]))
            site.cluster.scenarios.cut_off(other, silent=True)
            await site.clock.sleep(120)
            site.cluster.scenarios.reconnect(other)
            await site.until(max(site.clock.now() + 30 * SECOND, one.start + 5 * MINUTE))
            if moment != "close":
                assert site.endpoint("aula").connected
                assert site.endpoint("boardroom").connected
            await site.until(one.end + 5 * MINUTE)

    site = play(tmp_path, story, bridges=("core1", "core2"))
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_people_on_a_bridge_out_of_reach_at_the_end_are_warned_before_it_closes(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.end - 7 * MINUTE)
            site.cluster.scenarios.cut_off("core1", silent=True)
            await site.until(one.end + 20 * MINUTE)
            assert site.endpoint("aula").connected
            site.cluster.scenarios.reconnect("core1")
            back = site.clock.now()
            await site.clock.sleep(40)
            assert site.endpoint("aula").connected
            assert [m for m in site.cluster.messages if m.at >= back]
            await site.clock.sleep(60)

    play(tmp_path, story, bridges=("core1", "core2")).assert_all_closed()


def test_a_slot_whose_close_cannot_be_proven_leaves_no_later_conference_dark(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, lines=("RRULE:FREQ=HOURLY;COUNT=2",))
        async with site.running():
            await site.until(one.end - 20 * SECOND)
            (number,) = {b.number for b in site.bookings()}
            site.cluster.scenarios.cut_off("core2", silent=True)
            again = one.start + timedelta(hours=1)
            await site.until(again + MINUTE)
            assert site.endpoint("aula").connected
            assert [k["number"] for k in site.happened("booking.renumbered")] != [number]
            site.cluster.scenarios.reconnect("core2")
            await site.until(again + 32 * MINUTE)

    site = play(tmp_path, story, bridges=("core1", "core2"))
    site.assert_all_closed()
    assert site.happened("booking.renumbered")


def test_a_read_only_database_at_the_opening_delays_and_no_more(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            site.cluster.scenarios.database("read_only")
            await site.until(one.start + 30 * SECOND)
            site.cluster.scenarios.database("ok")
            await site.clock.sleep(20)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_call_made_without_a_location_is_found_and_not_made_twice(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            write = site.machine.bridges.write

            async def nameless(send: object) -> object:
                bridge, outcome = await write(send)
                if send.mark[0] == "call":
                    outcome = replace(outcome, id="")
                return bridge, outcome

            site.machine.bridges.write = nameless
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected

    site = play(tmp_path, story)
    posts = [r for r in site.cluster.requests if (r.method, r.node) == ("POST", "calls")]
    assert len(posts) == 1


def test_a_dial_that_waited_long_for_its_turn_and_got_no_answer_rings_once(
    tmp_path: Path,
) -> None:
    """The effect may come after the timeout of a request that was sent long after it was meant."""

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - MINUTE)
            write = site.machine.bridges.write

            async def queued(send: object) -> object:
                if send.mark[0] == "dial":
                    await site.clock.sleep(20)
                return await write(send)

            site.machine.bridges.write = queued
            site.cluster.faults.next(
                "POST", "calls/*/callLegs", fault=Fault.SLOW, times=2, before=2.6
            )
            await site.until(one.start + 3 * MINUTE)
            assert site.endpoint("aula").connected

    assert rings(play(tmp_path, story), "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("delay", [1.9, 2.05, 3.9], ids=lambda d: f"{d}s")
def test_answers_about_as_late_as_the_timeout_ring_nobody_twice(
    tmp_path: Path, delay: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        for node in ("calls", "calls/*/callLegs"):
            site.cluster.faults.next("POST", node, fault=Fault.SLOW, times=3, before=delay)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_lost_warning_is_shown_again(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.cluster.faults.next("PUT", "calls/*", fault=Fault.LOST_BEFORE, times=1)
        async with site.running():
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story, terms=ConferenceSettings(end_warnings=(MINUTE,)))
    site.assert_all_closed()
    assert site.cluster.messages


def test_two_conferences_of_one_endpoint_at_one_time_ring_it_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom"))
        site.invite(replace(one, uid="two@example.org", rooms=("aula", "cellar")))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            assert site.endpoint("cellar").connected
            assert site.happened("endpoint.clash")
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.endpoint("aula").invites) == 1
    assert rings(site) == [1, 1, 1]


def test_back_to_back_conferences_over_every_slot_of_a_full_pool(tmp_path: Path) -> None:
    rooms = tuple(f"room{n}" for n in range(8))

    async def story(site: Site) -> None:
        begin = site.clock.now() + 10 * MINUTE
        for turn in range(4):
            for pair in range(4):
                start = begin + turn * 15 * MINUTE
                where = (rooms[2 * pair], rooms[(2 * pair + 1 + 2 * turn) % 8])
                uid = f"t{turn}p{pair}@example.org"
                site.invite(Invitation(uid, start, start + 15 * MINUTE, rooms=where))
        async with site.running():
            for turn in range(4):
                await site.until(begin + turn * 15 * MINUTE + MINUTE)
                dark = [room for room in rooms if not site.endpoint(room).connected]
                assert not dark, f"turn {turn}: {dark}"
            await site.until(begin + 61 * MINUTE)
            assert {b.state for b in site.bookings()} == {State.CLOSED}

    site = play(tmp_path, story, rooms=rooms, quantity=4)
    site.assert_all_closed()
    assert rings(site) == [4] * 8


def test_a_conference_that_ends_while_another_bridge_hangs_keeps_no_room_from_the_next(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        two = replace(one, uid="two@example.org", start=one.end, end=one.end + 30 * MINUTE)
        site.invite(two)
        async with site.running():
            await site.until(two.start - 5 * SECOND)
            site.cluster.scenarios.cut_off("core2")
            await site.until(two.start + 10 * SECOND)
            dropped = [one for one in asked(site, two.start) if one == "DELETE callLegs/*"]
            assert len(dropped) <= 2
            late = [one["late_ms"] for one in site.happened("leg.dialled")]
            assert max(late) < 1000

    play(tmp_path, story, bridges=("core1", "core2"))


def test_who_came_early_and_left_just_before_the_start_is_called_at_the_start(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 4 * MINUTE)
            number = str(site.bookings()[0].number)
            for room in ("aula", "boardroom"):
                assert site.cluster.scenarios.dial_in(endpoint_of(room), number)
            await site.until(one.start - MINUTE)
            assert {d.state for d in site.bookings()[0].dials} == {DialState.CONNECTED}
            await site.until(one.start - 2 * SECOND)
            site.cluster.scenarios.hang_up(endpoint_of("aula"))
            await site.until(one.start + 20 * SECOND)
            assert site.endpoint("aula").connected

    assert rings(play(tmp_path, story), "aula", "boardroom") == [1, 0]


def test_a_slot_deleted_by_hand_is_made_again_before_it_is_needed(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=15)
        async with site.running():
            await site.clock.sleep(30)
            site.cluster.scenarios.operator_deletes(str(site.bookings()[0].number))
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_a_slot_deleted_by_hand_just_before_the_opening_is_made_and_opened(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 5 * MINUTE - SECOND)
            site.cluster.scenarios.operator_deletes(str(site.bookings()[0].number))
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_an_open_space_deleted_by_hand_rings_nobody_again_and_the_slot_is_made_anew(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.operator_deletes(str(site.bookings()[0].number))
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_leg_dropped_by_an_operator_is_left_in_peace(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.operator_drops(endpoint_of("aula"))
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_call_ended_by_people_while_one_of_two_bridges_is_out_of_reach_is_believed_late(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            number = str(site.bookings()[0].number)
            assert site.cluster.scenarios.dial_in("guest@example.org", number, bridge="core2")
            await site.clock.sleep(60)
            site.cluster.scenarios.cut_off("core1", silent=False)
            await site.clock.sleep(30)
            site.cluster.scenarios.hang_up("guest@example.org")
            await site.clock.sleep(120)
            assert not site.bookings()[0].ended_by_people
            assert site.endpoint("aula").connected
            site.cluster.scenarios.reconnect("core1")
            await site.clock.sleep(60)
            assert {d.state for d in site.bookings()[0].dials} == {DialState.CONNECTED}
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story, bridges=("core1", "core2"))
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_room_that_never_answers_is_called_three_times_and_no_more(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.endpoint("aula").behave(Behaviour.parse("no-answer"))
        async with site.running():
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [3, 1]
    assert not [x for x in cut_off_before(site, site.clock.now() - 2 * MINUTE) if "board" in x]


def test_a_fault_in_one_conference_stops_neither_the_others_nor_the_daemon(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.invite(replace(one, uid="two@example.org", rooms=("cellar", "den")))
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            calls, broken = site.machine.bridges.calls, site.bookings()[0]
            space = site.machine.timing.scene.space(broken)

            async def faulty(asked: str, **keys: bool) -> object:
                if asked == space:
                    raise ZeroDivisionError
                return await calls(asked, **keys)

            site.machine.bridges.calls = faulty
            await site.until(one.start + MINUTE)
            other = site.bookings()[1]
            assert all(site.endpoint(room).connected for room in other.rooms)
            site.machine.bridges.calls = calls
            await site.clock.sleep(30)
            assert all(site.endpoint(room).connected for room in broken.rooms)

    site = play(tmp_path, story, rooms=("aula", "boardroom", "cellar", "den"))
    assert site.happened("booking.fault")

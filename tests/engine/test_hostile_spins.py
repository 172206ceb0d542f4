"""Nothing is asked again and again: at walls, after the end, in quiet times."""

from dataclasses import replace
from pathlib import Path

from cospaced.domain.booking import State
from support.site import Site
from support.stories import MINUTE, SECOND, asked, booked, moved, play


def _planned(site: Site) -> list[int]:
    """Count the plans made from now on; the list has one entry, which grows."""
    count = [0]
    timing = site.machine.timing
    plan_one = timing._plan_one

    def counted(*args: object) -> None:
        count[0] += 1
        plan_one(*args)

    timing._plan_one = counted
    return count


def test_a_refused_booking_passes_its_end_in_peace(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        site.invite(replace(one, uid="two@example.org", rooms=("boardroom", "cellar")))
        async with site.running():
            await site.until(one.end + MINUTE)
            assert sorted(b.state for b in site.bookings()) == [State.CLOSED, State.REFUSED]

    play(tmp_path, story, quantity=1)


def test_a_bridge_that_cannot_be_asked_is_asked_once_a_second(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 2 * MINUTE)
            number = str(site.bookings()[0].number)
            assert site.cluster.scenarios.dial_in("guest@example.org", number)
            await site.until(one.start - 30 * SECOND)
            site.cluster.scenarios.cut_off("core1", silent=False)
            plans = _planned(site)
            since = site.clock.now()
            await site.until(one.start + MINUTE)
            assert plans[0] < 400
            assert len(asked(site, since)) < 400
            site.cluster.scenarios.reconnect("core1")
            await site.clock.sleep(10)
            assert site.endpoint("aula").connected

    play(tmp_path, story)


def test_a_leg_that_cannot_be_dropped_is_tried_once_a_second(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + MINUTE)
            site.cluster.scenarios.cut_off("core1", silent=False)
            moved(site, one, rooms=("aula", "boardroom"))
            await site.clock.sleep(90)
            plans = _planned(site)
            since = site.clock.now()
            await site.clock.sleep(60)
            assert plans[0] < 400
            assert len(asked(site, since)) < 400
            site.cluster.scenarios.reconnect("core1")
            await site.clock.sleep(20)
            assert not site.endpoint("cellar").connected
            assert site.endpoint("aula").connected

    play(tmp_path, story)


def test_a_removed_room_is_hung_up_on_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + MINUTE)
            since = site.clock.now()
            moved(site, one, rooms=("aula", "boardroom"))
            await site.until(one.start + 5 * MINUTE)
            assert asked(site, since).count("DELETE callLegs/*") == 1

    play(tmp_path, story)


def test_a_close_that_one_bridge_cannot_prove_does_not_hammer_the_others(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.end - MINUTE)
            site.cluster.scenarios.cut_off("core2", silent=True)
            await site.until(one.end + MINUTE)
            since = site.clock.now()
            await site.clock.sleep(60)
            assert site.bookings()[0].state is State.OPEN
            looks = [r for r in asked(site, since) if r == "GET calls"]
            assert len(looks) < 40
            site.cluster.scenarios.reconnect("core2")
            await site.clock.sleep(15)
            assert site.bookings()[0].state is State.CLOSED

    play(tmp_path, story, bridges=("core1", "core2"))


def test_a_conference_in_steady_state_writes_nothing_and_looks_thrice_a_minute(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            plans = _planned(site)
            since = site.clock.now()
            await site.clock.sleep(600)
            requests = asked(site, since)
            assert not [r for r in requests if not r.startswith("GET")]
            # The audits of this conference, of five closed slots, and the health of the bridge.
            assert len(requests) < 10 * (5 + 10 + 8)
            assert plans[0] < 10 * 20

    play(tmp_path, story)


def test_an_idle_daemon_asks_a_few_things_a_minute(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        async with site.running():
            await site.clock.sleep(60)
            plans = _planned(site)
            since = site.clock.now()
            await site.clock.sleep(600)
            assert len(asked(site, since)) < 10 * 20
            assert plans[0] == 0

    play(tmp_path, story)

"""A full disk, a clock that is set, a restart, a reload: the conferences go on."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import DialState, State
from cospaced.errors import StoreUnusable
from cospaced.settings import ConferenceSettings
from support.site import Invitation, Site, endpoint_of
from support.stories import MINUTE, SECOND, booked, cut_off_before, moved, play, rings


class _Disk:
    """A store that fails, or is slow, for as long as it is told."""

    def __init__(self, site: Site) -> None:
        self._inner = site.store
        self._clock = site.clock
        self.full = False
        self.slow = 0.0

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)

        async def call(*args: object, **keys: object) -> object:
            if self.slow:
                await self._clock.sleep(self.slow)
            if self.full and name.startswith(("save", "tell", "forget")):
                raise StoreUnusable("no space left on device")
            return await method(*args, **keys)

        return call


def test_a_full_disk_stops_no_conference_and_everything_is_stored_when_it_heals(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        site.store = disk = _Disk(site)
        one = booked(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            disk.full = True
            await site.until(one.start + 5 * MINUTE)
            assert site.endpoint("aula").connected
            disk.full = False
            await site.clock.sleep(5)
            (row,) = await site.store.bookings()
            assert row.state is State.OPEN
            assert {d.state for d in row.dials} == {DialState.CONNECTED}
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]
    assert len(site.happened("store.failing")) == 1
    assert len(site.happened("store.recovered")) == 1


def test_a_slow_disk_makes_late_and_nothing_worse(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.store = disk = _Disk(site)
        one = booked(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            disk.slow = 3.0
            await site.until(one.start + 30 * SECOND)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)
            disk.slow = 0.0

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("after", [-0.01, 0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.5, 2.0])
def test_a_restart_in_good_order_while_dialling_rings_nobody_twice(
    tmp_path: Path, after: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + timedelta(seconds=after))
            began = site.clock.monotonic()
        assert site.clock.monotonic() - began < 5
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("hours", [-2, 2])
@pytest.mark.parametrize("at", [-120, -2, 2, 300], ids=lambda at: f"at{at:+d}s")
def test_a_clock_that_is_wrong_for_half_a_minute_costs_nobody_the_conference(
    tmp_path: Path, hours: int, at: int
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        two = replace(one, uid="two@example.org", rooms=("cellar", "aula"))
        two.start, two.end = one.end + 15 * MINUTE, one.end + 30 * MINUTE
        site.invite(two)
        async with site.running():
            await site.until(one.start + timedelta(seconds=at))
            site.clock.step(timedelta(hours=hours))
            await site.clock.sleep(30)
            site.clock.step(-timedelta(hours=hours))
            await site.until(one.start + 7 * MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(two.start + MINUTE)
            assert site.bookings()[0].state is not State.MISSED
            await site.until(two.end + 2 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.endpoint("boardroom").rings) == 1


def test_a_clock_set_back_for_good_keeps_following_what_runs(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.clock.step(timedelta(hours=2))
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.clock.step(-timedelta(hours=2))
            site.cluster.scenarios.hang_up(endpoint_of("aula"))
            await site.clock.sleep(90)
            states = {d.target.room: d.state for d in site.bookings()[0].dials}
            assert states == {"aula": DialState.LEFT, "boardroom": DialState.CONNECTED}
            polls = site.machine.polling.polls
            await site.clock.sleep(90)
            assert site.machine.polling.polls > polls

    play(tmp_path, story)


@pytest.mark.parametrize("change", ["room removed", "endpoint changed", "room added", "terms"])
def test_a_reload_leaves_running_conferences_alone(tmp_path: Path, change: str) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            rooms, terms = list(site.settings.rooms), site.terms
            if change == "room removed":
                rooms = [room for room in rooms if room.name != "cellar"]
            elif change == "endpoint changed":
                rooms[1] = replace(rooms[1], endpoints=("other@rooms.example.org",))
            elif change == "room added":
                rooms.append(replace(rooms[0], name="den", path=site.folder / "den.ics"))
                (site.folder / "den.ics").write_bytes((site.folder / "aula.ics").read_bytes())
            else:
                terms = ConferenceSettings(early_join=MINUTE, close_after=5 * MINUTE, min_rooms=9)
            site.reload(replace(site.settings, rooms=tuple(rooms), conferences=terms))
            await site.until(one.end - 8 * MINUTE)
            moved(site, one, end=one.end + 5 * MINUTE)
            await site.until(one.end + 4 * MINUTE)
            assert all(site.endpoint(room).connected for room in site.rooms)
            await site.until(one.end + 7 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1]
    assert not site.cluster.endpoint("other@rooms.example.org").rings


@pytest.mark.parametrize("seed", range(6))
def test_the_state_lost_with_conferences_running_on_a_nearly_full_pool(
    tmp_path: Path, seed: int
) -> None:
    rooms = tuple(f"room{n}" for n in range(10))

    async def story(site: Site) -> None:
        begin = site.clock.now() + 10 * MINUTE
        for n in range(5):
            start = begin + n * 5 * MINUTE
            where = (rooms[2 * n], rooms[2 * n + 1])
            uid = f"s{n + seed * 7}@example.org"
            site.invite(Invitation(uid, start, start + 60 * MINUTE, rooms=where))
        async with site.running() as doom:
            await site.until(begin + 12 * MINUTE)
            await site.kill(doom)
        site.lose_state()
        await site.clock.sleep(2)
        async with site.running():
            await site.until(begin + 25 * MINUTE)
            dark = [room for room in rooms if not site.endpoint(room).connected]
            assert not dark
            await site.until(begin + 90 * MINUTE)

    site = play(tmp_path, story, rooms=rooms, quantity=6, seed=seed)
    site.assert_all_closed()
    assert rings(site) == [1] * 10
    begin = min(r.at for e in site.cluster.state.endpoints for r in e.rings)
    assert not cut_off_before(site, begin + 59 * MINUTE)

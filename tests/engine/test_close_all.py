"""Closing the whole pool at once, after the daemon was stopped in the middle of conferences."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from cospaced.engine.bridges import Bridges
from cospaced.engine.closing_all import ClosingAll, Found
from cospaced.engine.pool import Pool
from cospaced.engine.questions import dials
from cospaced.errors import PoolUnsettled, Unreachable
from cospaced.simulator.endpoints import Behaviour
from support.site import SITE_ID, Site, _Doom
from support.stories import MINUTE, SECOND, booked, play


@asynccontextmanager
async def closing(site: Site) -> AsyncIterator[ClosingAll]:
    bridges = Bridges(
        [site._bridge(one.name, one.address, _Doom(None)) for one in site.cluster.bridges],
        site.clock,
    )
    known = {row.id for row in await site.store.bookings()}
    pool = Pool(
        settings=site.settings.pool,
        site_id=SITE_ID,
        store=site.store,
        clock=site.clock,
        ours=known.__contains__,
    )
    await bridges.meet()
    yield ClosingAll(
        bridges=bridges,
        pool=pool,
        store=site.store,
        clock=site.clock,
        prefix=site.settings.pool.space_name_prefix,
        remembers=True,
    )
    await bridges.close()


async def stopped_in_a_conference(site: Site) -> None:
    """Run the daemon until two rooms are in a conference, then stop it; people go on."""
    one = booked(site)
    async with site.running():
        await site.until(one.start + MINUTE)
    assert site.endpoint("aula").connected


def test_everything_open_is_closed_proven_and_not_opened_again_by_a_later_start(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        before = len(site.writes())
        async with closing(site) as everything:
            found = await everything.look()
            assert len(site.writes()) == before
            assert [slot.number for slot in found.slots] == [8001]
            assert (len(found.calls), found.people, found.blind) == (1, 2, ())
            closed = await everything.close(found)
            assert closed.left == Found(slots=())
            assert await everything.look() == Found(slots=())
        assert site.writes()[before:] == ["PUT coSpaces", "DELETE calls"]
        site.assert_all_closed()
        (row,) = await site.store.bookings()
        assert (row.state, row.reason) == (State.CLOSED, "closed by close-all")
        *_, ask_lock, locked, ask_end, ended, closed = await site.store.story(row.id)
        assert ask_lock.text.startswith("lock the space: PUT /api/v1/coSpaces/")
        assert ask_end.text.startswith("end the call: DELETE /api/v1/calls/")
        assert [one.event for one in (ask_lock, locked)] == ["asked", "answered"]
        assert locked.text == "lock the space: 200 from core1"
        assert ended.text == "end the call: 200 from core1"
        assert closed.text == "closed by close-all"
        async with site.running():
            await site.clock.sleep(600)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.endpoint("aula").rings) == 1


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (5 * SECOND, "not in after 1 attempt: busy or declined"),
        (-MINUTE, "never dialled: closed by close-all"),
    ],
)
def test_no_dialling_is_promised_of_what_was_closed(
    tmp_path: Path, passed: timedelta, told: str
) -> None:
    async def story(site: Site) -> None:
        site.endpoint("aula").behave(Behaviour.parse("busy"))
        one = booked(site)
        async with site.running():
            await site.until(one.start + passed)
        async with closing(site) as everything:
            await everything.close(await everything.look())
        (row,) = await site.store.bookings()
        assert dials(row, site.clock.now())[0]["text"] == told

    play(tmp_path, story)


def test_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        neighbour = site.cluster.scenarios.make_space("Board", uri="board", callId="4711")
        member = site.cluster.scenarios.make_space("Own", uri="8003", callId="8003")
        await stopped_in_a_conference(site)
        site.cluster.scenarios.dial_in("guest@example.org", neighbour.id)
        site.cluster.scenarios.dial_in("owner@example.org", member.id)
        await site.clock.sleep(5)
        async with closing(site) as everything:
            closed = await everything.close(await everything.look())
            assert closed.left.slots == ()
        for space in (neighbour, member):
            assert len(site.cluster.scenarios.calls_of(space.id)) == 1
            assert space.open

    play(tmp_path, story)


def test_a_range_that_another_site_works_on_is_not_touched(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        stranger = "5f0c8b66-2f4e-5d7b-9a3e-aaaaaaaaaaaa"
        site.cluster.scenarios.operator_edits("cospaced_8002", name="X", callLegProfile="")
        site.cluster.scenarios.operator_edits("X", cdrTag=stranger, nonMemberAccess="true")
        before = len(site.writes())
        async with closing(site) as everything:
            with pytest.raises(PoolUnsettled):
                await everything.look()
        assert len(site.writes()) == before

    play(tmp_path, story)


def test_a_bridge_that_does_not_answer_is_told_and_its_booking_stays_open(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        site.cluster.scenarios.cut_off("core1")
        async with closing(site) as everything:
            found = await everything.look()
            assert found.blind == ("core1",)
            closed = await everything.close(found)
            assert closed.left.blind == ("core1",)
        (row,) = await site.store.bookings()
        assert row.state is State.OPEN

    play(tmp_path, story, bridges=("core1", "core2"))


def test_a_space_that_is_somebodys_by_now_is_told_and_its_booking_stays_open(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        site.cluster.scenarios.add_access_method("8001", uri="adas.own", callId="4711")
        before = len(site.writes())
        async with closing(site) as everything:
            found = await everything.look()
            assert found.slots == ()
            assert list(found.untouched) == [8001]
            assert "has access methods: it is never written" in found.untouched[8001]
            assert found.doubtful
            await everything.close(found)
        assert len(site.writes()) == before
        (row,) = await site.store.bookings()
        assert row.state is State.OPEN

    play(tmp_path, story)


def test_without_any_bridge_nothing_is_claimed(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        site.cluster.scenarios.cut_off("core1")
        async with closing(site) as everything:
            with pytest.raises(Unreachable):
                await everything.look()

    play(tmp_path, story)


def test_what_cms_refuses_is_reported_with_its_reason_and_its_call_goes_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await stopped_in_a_conference(site)
        site.cluster.scenarios.database("read_only")
        async with closing(site) as everything:
            closed = await everything.close(await everything.look())
            assert [slot.number for slot in closed.left.slots] == [8001]
            assert "not locked" in closed.reasons[8001]
        assert site.endpoint("aula").connected
        (row,) = await site.store.bookings()
        assert row.state is State.OPEN
        assert "lock the space: 503 from core1: busy" in (await site.store.story(row.id))[-1].text

    play(tmp_path, story)

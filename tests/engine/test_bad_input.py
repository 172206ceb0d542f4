"""Bad input: one clear error that names the thing and its remedy; the rest keeps working."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.domain.booking import State
from cospaced.errors import StoreUnusable
from cospaced.settings import DaemonSettings
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


MINUTE = timedelta(minutes=1)
Story = Callable[[Site], Coroutine[Any, Any, None]]


def play(folder: Path, story: Story, **keys: Any) -> Site:
    async def main(clock: VirtualClock) -> Site:
        site = Site(clock, folder, **keys)
        await story(site)
        return site

    return run_virtually(main)


def booked(site: Site, *, uid: str = "one@example.org", after: float = 10) -> Invitation:
    start = site.clock.now() + timedelta(minutes=after)
    invitation = Invitation(uid, start, start + 30 * MINUTE)
    site.invite(invitation)
    return invitation


def reasons(site: Site, event: str) -> list[str]:
    return [str(keys.get("reason", "")) for keys in site.happened(event)]


BROKEN = {
    "html": (b"<html><body>Please log in</body></html>", "not_a_calendar"),
    "truncated": (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:x\r\n", "truncated"),
    "empty": (b"", "not_a_calendar"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_calendar_that_cannot_be_read_keeps_its_bookings_and_is_told_once(
    tmp_path: Path, kind: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.clock.sleep(90)
            (site.folder / "aula.ics").write_bytes(BROKEN[kind][0])
            await site.until(one.start + 10 * MINUTE)
            assert site.endpoint("aula").connected
            site.write_calendars()
            await site.clock.sleep(70)
            assert site.bookings()[0].state is State.OPEN

    site = play(tmp_path, story)
    failed = site.happened("calendar.failed")
    assert failed[0]["kind"] == BROKEN[kind][1]
    assert len(failed) == 1
    assert failed[0]["room"] == "aula"
    assert len(site.happened("calendar.stale")) == 1
    assert len(site.happened("calendar.recovered")) == 1


def test_a_room_whose_calendar_is_unreadable_for_too_long_is_dialled_no_more(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=60)
        async with site.running():
            await site.clock.sleep(60)
            (site.folder / "aula.ics").unlink()
            await site.until(one.start + MINUTE)
            assert site.endpoint("boardroom").connected

    terms = DaemonSettings(stale_after=5 * MINUTE, stale_limit=20 * MINUTE)
    site = play(tmp_path, story, daemon=terms)
    assert not site.endpoint("aula").rings


def test_a_wrong_password_is_told_once_and_cms_is_not_hammered(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        booked(site)
        site.password = "wrong"
        async with site.running():
            await site.clock.sleep(600)

    site = play(tmp_path, story)
    told = reasons(site, "bridge.unreachable")
    assert len(told) == 1
    assert "password" in told[0]
    assert "core1" in told[0]
    assert site.cluster.requests.count() <= 30


def test_a_number_that_another_space_has_costs_only_that_number(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.cluster.scenarios.make_space("Town hall", uri="8002", callId="8002")
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
        assert site.cluster.scenarios.space("8002").fields["name"] == "Town hall"

    site = play(tmp_path, story)
    clash = site.happened("pool.clash")
    assert [keys["number"] for keys in clash] == [8002]


def test_a_range_in_which_tms_still_works_is_not_written(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.settings = replace(
            site.settings, pool=replace(site.settings.pool, adopt_prefix="TMS_Scheduled_Meeting_")
        )
        for number in range(8001, 8006):
            site.cluster.scenarios.make_space(
                f"TMS_Scheduled_Meeting_{number}",
                uri=str(number),
                callId=str(number),
                nonMemberAccess="false",
            )
        site.cluster.scenarios.operator_edits(
            "8003",
            name="A conference of TMS",
            nonMemberAccess="true",
            secret="86db1bdd-5cf7-4ea8-b88d-479195f4701a",
        )
        booked(site)
        async with site.running():
            await site.clock.sleep(20 * 60)
        assert site.writes() == []

    site = play(tmp_path, story)
    assert len(site.happened("pool.unsettled")) == 1
    assert "TMS" in reasons(site, "pool.unsettled")[0]


def test_a_full_pool_refuses_by_name_and_serves_the_rest(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        for n in range(3):
            start = one.start
            rooms = ("boardroom", "cellar")
            site.invite(Invitation(f"x{n}@example.org", start, start + 30 * MINUTE, rooms))
        async with site.running():
            await site.until(one.start + MINUTE)
            states = sorted(b.state for b in site.bookings())
            assert states == [State.OPEN, State.OPEN, State.REFUSED, State.REFUSED]

    site = play(tmp_path, story, quantity=2)
    assert all("number" in reason for reason in reasons(site, "booking.refused"))
    assert len(reasons(site, "booking.refused")) == 2


def test_a_disk_that_is_full_is_told_once_and_the_conference_is_held(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        save = site.store.save

        async def full(*_: Any, **__: Any) -> Any:
            raise StoreUnusable("state.db: the disk is full (make room)")

        async with site.running():
            await site.clock.sleep(60)
            site.store.save = full
            await site.until(one.start + 10 * MINUTE)
            assert site.endpoint("aula").connected
            site.store.save = save
            await site.until(one.end + MINUTE)
            stored = await site.store.bookings()
            assert [row.state for row in stored] == [State.CLOSED]

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert len(site.happened("store.failing")) == 1
    assert "disk is full" in reasons(site, "store.failing")[0]
    assert len(site.happened("store.recovered")) == 1

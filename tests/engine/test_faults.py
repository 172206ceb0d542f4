"""A fault of the program in one thing ends neither the others nor the daemon, and is told once."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.domain.booking import State
from cospaced.settings import ConferenceSettings
from support.site import Invitation, Site
from support.stories import MINUTE, asked, booked, moved, play


ROOMS = ("aula", "boardroom", "cellar", "den")


def broken(real: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
    """Return a function that fails where `when` says so, and else is the real one."""

    def faulty(*args: Any, **keys: Any) -> Any:
        if when(*args, **keys):
            raise ZeroDivisionError
        return real(*args, **keys)

    return faulty


def two(site: Site) -> tuple[Invitation, Invitation]:
    """Book two conferences at one time; the first one is to be met by faults."""
    one = booked(site, after=8)
    other = Invitation("two@example.org", one.start, one.end, rooms=("cellar", "den"))
    site.invite(other)
    return one, other


def is_one(row: Any, *_: Any, **__: Any) -> bool:
    return row.uid == "one@example.org"


async def lived_through(site: Site, one: Invitation, event: str, most: int) -> None:
    """Let the conferences be held; the other one is not concerned, and little is told."""
    await site.until(one.start + MINUTE)
    assert [site.endpoint(room).connected for room in ("cellar", "den")] == [True, True]
    moved(site, site._invitations["two@example.org"], title="Renamed")
    await site.until(one.end + 2 * MINUTE)
    assert 1 <= len(site.happened(event)) <= most
    other = next(row for row in site.bookings() if row.uid == "two@example.org")
    assert (other.title, other.state) == ("Renamed", State.CLOSED)


PARTS: dict[str, tuple[Callable[[Any], Any], str, Callable[..., bool], str]] = {
    "another number": (lambda m: m.timing, "_elsewhere_if_held", is_one, "booking.fault"),
    "taking up": (lambda m: m.timing, "_take_up", is_one, "booking.fault"),
    "surroundings": (lambda m: m.timing.scene, "around", is_one, "booking.fault"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_in_the_turn_of_one_booking(tmp_path: Path, part: str) -> None:
    owner, name, when, event = PARTS[part]

    async def story(site: Site) -> None:
        one, _ = two(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            found = owner(site.machine)
            setattr(found, name, broken(getattr(found, name), when))
            # It is left alone for a while each time.
            await lived_through(site, one, event, 6 * 60)

    # Without early join, it is not open yet at its start, when another number may be looked for.
    play(tmp_path, story, rooms=ROOMS, terms=ConferenceSettings(early_join=timedelta(0)))


def test_a_fault_in_finding_a_number_for_what_was_refused(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        site.invite(Invitation("3@example.org", one.start, one.end, rooms=ROOMS[:2]))
        async with site.running():
            await site.until(one.start - 7 * MINUTE)
            refused = next(row for row in site.bookings() if row.state is State.REFUSED)
            placing: Any = site.machine and site.machine.following.placing
            placing.place = broken(placing.place, lambda row, *_: row.id == refused.id)
            gone = next(row for row in site.bookings() if row.state is State.PLANNED)
            site.uninvite(gone.uid)
            await site.until(one.start + MINUTE)
            left = ("cellar", "den") if gone.uid == "one@example.org" else ROOMS[:2]
            assert all(site.endpoint(room).connected for room in left)
            assert [keys["booking"] for keys in site.happened("booking.fault")] == [refused.id]

    play(tmp_path, story, rooms=ROOMS, quantity=2)


def test_a_fault_in_storing_one_booking(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        real = site.store.save

        async def save(row: Any, entries: Any) -> Any:
            if is_one(row):
                raise ZeroDivisionError
            return await real(row, entries)

        site.store.save = save
        async with site.running():
            await lived_through(site, one, "booking.fault", 1)
            assert [len(site.endpoint(room).rings) for room in ROOMS] == [1, 1, 1, 1]

    play(tmp_path, story, rooms=ROOMS).assert_all_closed()


@pytest.mark.parametrize(
    ("part", "name", "event"),
    [
        ("bridges", "probe", "bridge.fault"),
        ("bridges", "calls", "audit.fault"),
        ("recovery", "_audit_one", "slot.fault"),
    ],
)
def test_a_fault_in_looking_after_everything(
    tmp_path: Path, part: str, name: str, event: str
) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            owner = getattr(site.machine, part)

            real = getattr(owner, name)

            async def faulty(*args: Any, **keys: Any) -> Any:
                if name == "calls" and args != ("",):
                    # Not the look at all calls: one for a booking.
                    return await real(*args, **keys)
                raise ZeroDivisionError

            setattr(owner, name, faulty)
            await lived_through(site, one, event, len(site.settings.pool.numbers))

    play(tmp_path, story, rooms=ROOMS).assert_all_closed()


def test_a_fault_in_storing_that_comes_again_later_is_told_again(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        real, fails = site.store.save, [True, False, True]

        async def save(row: Any, entries: Any) -> Any:
            if is_one(row) and (fails.pop(0) if fails else False):
                raise ZeroDivisionError
            return await real(row, entries)

        site.store.save = save
        async with site.running():
            await site.until(one.end + 2 * MINUTE)
        assert len(site.happened("booking.fault")) == 2

    play(tmp_path, story, rooms=ROOMS).assert_all_closed()


def test_a_fault_in_storing_a_calendar(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        real = site.store.save_reading

        async def save_reading(room: str, reading: Any) -> None:
            if room == "aula":
                raise ZeroDivisionError
            await real(room, reading)

        site.store.save_reading = save_reading
        async with site.running():
            await lived_through(site, one, "calendar.fault", 3)
            assert [len(site.endpoint(room).rings) for room in ROOMS] == [1, 1, 1, 1]

    play(tmp_path, story, rooms=ROOMS).assert_all_closed()


def test_a_fault_in_the_search_for_other_bridges(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.searched = True
        one, _ = two(site)
        async with site.running():
            bridges: Any = site.machine and site.machine.bridges
            real = bridges._search

            async def search(bridge: Any) -> Any:
                if site.clock.now() < one.start:
                    raise ZeroDivisionError
                return await real(bridge)

            bridges._search = search
            await lived_through(site, one, "bridge.fault", 1)
            assert bridges.reachable == ("core1", "core2")

    play(tmp_path, story, rooms=ROOMS, bridges=("core1", "core2")).assert_all_closed()


@pytest.mark.parametrize("part", ["_answered", "_saw"])
def test_a_fault_in_an_answer_or_a_look_is_no_spin(tmp_path: Path, part: str) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            carrier: Any = site.machine and site.machine.timing.carrier
            first = next(row.id for row in site.bookings() if is_one(row))
            real = getattr(carrier, part)
            setattr(carrier, part, broken(real, lambda booking, *_: booking == first))
            since = site.clock.now()
            await lived_through(site, one, "booking.fault", 1)
            seconds = (site.clock.now() - since).total_seconds()
            assert len(asked(site, since)) < 3 * seconds

    play(tmp_path, story, rooms=ROOMS)


def test_a_fault_in_tidying_does_not_keep_rows_from_being_stored(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        async with site.running():
            await site.clock.sleep(30)
            machine: Any = site.machine
            machine._tidy = broken(machine._tidy, lambda: True)
            booked(site)
            await site.clock.sleep(90)
            assert len(await site.store.bookings()) == 1
            assert len(site.happened("audit.fault")) == 1

    play(tmp_path, story)


def test_a_fault_in_a_space_that_was_found_open(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one, _ = two(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            lost = next(row.number for row in site.bookings() if is_one(row))
        site.lose_state()
        async with site.running():
            recovery: Any = site.machine and site.machine.recovery
            recovery._adopt = broken(recovery._adopt, lambda number, _: number == lost)
            await site.clock.sleep(60)
            told = [keys["number"] for keys in site.happened("slot.fault")]
            assert set(told) == {lost}
            assert len(told) < 4, "it is tried each second"
            other = next(row for row in site.bookings() if row.uid == "two@example.org")
            assert other.state is State.OPEN
            assert [len(site.endpoint(room).rings) for room in ROOMS] == [1, 1, 1, 1]

    play(tmp_path, story, rooms=ROOMS)

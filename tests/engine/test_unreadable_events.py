"""An event that is there and cannot be understood: its conference goes on as it was last read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from support.site import Invitation, Site
from support.stories import MINUTE, SECOND, booked, cut_off_before, moved, play, rings


FAULTS: dict[str, Callable[[str], str]] = {
    "it ends before it starts": lambda text: text.replace("DTEND:2026", "DTEND:2025"),
    "a rule of every second": lambda text: text.replace("SEQUENCE:0", "RRULE:FREQ=SECONDLY"),
    "no END:VEVENT": lambda text: text.replace("END:VEVENT", "BEGIN:VEVENT\nEND:VEVENT", 1),
    "no BEGIN:VEVENT": lambda text: text.replace("BEGIN:VEVENT\n", "", 1),
}


def spoil(site: Site, fault: Callable[[str], str], *rooms: str) -> None:
    """Have every event in some rooms' calendars be one that cannot be understood."""
    for room in rooms or site.rooms:
        path = site.folder / f"{room}.ics"
        path.write_text(fault(path.read_text()), newline="")


BAD = FAULTS["it ends before it starts"]


async def seen(site: Site) -> list[str]:
    (row, *_) = site.bookings()
    return [line.text for line in await site.store.story(row.id) if line.event == "seen"]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_edit_of_a_running_event_ends_nothing_and_is_told_once(
    tmp_path: Path, fault: Callable[[str], str]
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            spoil(site, fault, "aula", "boardroom")
            await site.until(one.end - 10 * MINUTE)
            assert site.endpoint("aula").connected
            told = [keys for keys in site.happened("event.problem") if "goes on" in keys["reason"]]
            assert sorted(keys["room"] for keys in told) == ["aula", "boardroom"]
            assert {keys["uid"] for keys in told} == {one.uid}
            held = [text for text in await seen(site) if "cannot be understood now" in text]
            assert [text.partition(" ")[0] for text in held] == ["aula", "boardroom"]
            assert not any("gone from the calendar" in text for text in await seen(site))
            moved(site, one, end=one.end + 15 * MINUTE)
            await site.until(one.end + 10 * MINUTE)
            assert site.endpoint("aula").connected
            assert "cannot be understood" not in (await seen(site))[-1]
            await site.until(one.end + 16 * MINUTE)

    site = play(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_what_goes_on_as_last_read_is_not_newer_than_the_other_rooms_after_a_restart(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            spoil(site, BAD, "boardroom")
            await site.until(one.start + 8 * MINUTE)
            # Whoever wrote this bumps neither SEQUENCE nor DTSTAMP.
            site.invite(replace(one, end=one.end + 30 * MINUTE))
            spoil(site, BAD, "boardroom")
            await site.until(one.start + 12 * MINUTE)
        async with site.running():
            await site.until(one.end + 20 * MINUTE)
            assert [row.rooms for row in site.bookings()] == [("aula", "boardroom")]
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + 31 * MINUTE)

    site = play(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_a_room_whose_calendar_lies_elsewhere_by_now_is_not_believed_to_have_lost_it(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            spoil(site, BAD)
            await site.until(one.start + 10 * MINUTE)
            rooms = []
            for room in site.settings.rooms:
                there = site.folder / f"moved-{room.name}.ics"
                there.write_bytes((site.folder / f"{room.name}.ics").read_bytes())
                rooms.append(replace(room, path=there))
            site.reload(replace(site.settings, rooms=tuple(rooms)))
            await site.until(one.end - MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_a_room_that_the_file_names_again_is_not_believed_to_have_lost_it(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            spoil(site, BAD)
            await site.until(one.start + 8 * MINUTE)
            before = site.settings
            without = tuple(room for room in before.rooms if room.name != "aula")
            site.reload(replace(before, rooms=without))
            await site.until(one.start + 12 * MINUTE)
            site.reload(before)
            await site.until(one.end - MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_one_that_is_taken_out_after_a_bad_edit_is_cancelled(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            spoil(site, BAD)
            await site.until(one.start + 10 * MINUTE)
            site.uninvite(one.uid)
            await site.until(one.start + 14 * MINUTE)
            assert [(b.state, b.reason) for b in site.bookings()] == [(State.CLOSED, "cancelled")]
            assert "aula: gone from the calendar" in await seen(site)

    play(tmp_path, story)


@pytest.mark.parametrize("down", [False, True], ids=["while it ran", "while it was down"])
def test_a_planned_one_is_held_too_and_over_a_restart(tmp_path: Path, down: bool) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=30)
        async with site.running():
            await site.clock.sleep(90)
            if not down:
                spoil(site, BAD)
                await site.clock.sleep(90)
        if down:
            spoil(site, BAD)
        before = len(await seen(site))
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            assert len(await seen(site)) == before + 2 * down
            site.uninvite(one.uid)
            await site.until(one.start + 4 * MINUTE)
            assert [b.state for b in site.bookings()] == [State.CLOSED]

    play(tmp_path, story)


def test_a_bad_override_leaves_the_rest_of_its_series_to_its_organizer(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        at = site.clock.now() + 10 * MINUTE
        hourly = "RRULE:FREQ=HOURLY;COUNT=4"
        one = Invitation(uid="one@example.org", start=at, end=at + 20 * MINUTE, lines=(hourly,))
        site.invite(one)
        override = replace(
            one, sequence=1, lines=(f"RECURRENCE-ID:{at:%Y%m%dT%H%M%SZ}",), end=at + 30 * MINUTE
        )
        second = f"{at + 60 * MINUTE:%Y%m%dT%H%M%SZ}"

        def write(series: Invitation, change: str) -> None:
            site.invite(series)
            for room in one.rooms:
                path = site.folder / f"{room}.ics"
                whole = path.read_text().replace("END:VCALENDAR", f"{change}END:VCALENDAR")
                path.write_text(whole, newline="")

        write(one, override.text())
        async with site.running():
            await site.until(at + MINUTE)
            without = replace(one, lines=(hourly, f"EXDATE:{second}"))
            write(without, BAD(override.text()))
            await site.until(at + 25 * MINUTE)
            # The override's own end counts, though the rule alone would have ended it.
            assert site.endpoint("aula").connected
            await site.until(at + 61 * MINUTE)
            assert not site.endpoint("aula").connected
            await site.until(at + 121 * MINUTE)
            assert site.endpoint("aula").connected

    site = play(tmp_path, story)
    assert rings(site, "aula") == [2]


def test_a_room_whose_copy_cannot_be_understood_goes_with_the_others(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=30)
        async with site.running():
            await site.clock.sleep(90)
            moved(site, one, start=one.start + 20 * MINUTE, end=one.end + 20 * MINUTE)
            spoil(site, BAD, "aula")
            await site.until(one.start + 10 * MINUTE)
            assert not site.endpoint("boardroom").connected
            await site.until(one.start + 21 * MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected

    play(tmp_path, story)


def test_a_calendar_of_which_nothing_can_be_understood_is_not_taken_for_an_empty_one(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=30)
        for n in range(4):
            booked(site, after=100 + 60 * n, uid=f"later{n}@example.org")
        async with site.running():
            await site.clock.sleep(90)
            spoil(site, BAD)
            await site.until(one.start + 2 * MINUTE)
            assert site.endpoint("aula").connected
            assert not cut_off_before(site, one.end)
            assert not site.happened("calendar.emptied")
            assert len(site.happened("event.problem")) == 10
            site.write_calendars()
            await site.until(one.end + MINUTE + SECOND)
            assert not site.happened("calendar.refilled")
            assert [b.state for b in site.bookings()].count(State.PLANNED) == 4

    play(tmp_path, story)

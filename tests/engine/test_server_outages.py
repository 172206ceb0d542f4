"""A server that is away is one error, however many rooms it has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cospaced.calendars.ical_source import IcalSource
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource
from cospaced.settings import DaemonSettings, RoomSettings
from support.site import Site
from support.stories import MINUTE, booked, play_on
from support.virtual import InlineOffload


ROOMS = tuple(f"room{n}" for n in range(12))
AWAY = CalendarError("unreachable", "nobody answers there")
SLOW = CalendarError("timeout", "no answer within 30 s")
MISSING = CalendarError("not_found", "there is no such calendar")
LOGIN = CalendarError("login", "the server says no", shared=True)
Fault = Callable[[str], CalendarError | None]


@dataclass
class Failing:
    """A source that fails for some rooms."""

    inner: IcalSource
    fault: Fault = lambda _room: None

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        if (error := self.fault(room.name)) is not None:
            raise error
        return await self.inner.poll(replace(room, url=""), previous, window)

    async def close(self) -> None:
        await self.inner.close()


class FailingSite(Site):
    """Calendars on two servers: the last room has one of its own."""

    failing: Failing

    def room(self, name: str) -> RoomSettings:
        host = "two" if name == self.rooms[-1] else "one"
        return replace(super().room(name), url=f"https://{host}.example.org/{name}.ics")

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        self.failing = Failing(self.source(offload))
        return {"files": self.failing}

    def levels(self, event: str, *, room: str = "") -> dict[str, int]:
        """Count the records of an event by their level."""
        found = [k["level"] for k in self.happened(event) if not room or k["room"] == room]
        return {level: found.count(level) for level in set(found)}


def plays(folder: Path, story: Callable[[FailingSite], object], **keys: object) -> FailingSite:
    return play_on(FailingSite, folder, story, rooms=ROOMS, **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [AWAY, SLOW], ids=lambda error: error.kind)
def test_a_server_that_is_away_is_one_error_at_each_stage_and_one_line_when_it_is_back(
    tmp_path: Path, error: CalendarError
) -> None:
    async def story(site: FailingSite) -> None:
        booked(site, after=600, rooms=ROOMS[:2])
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda room: None if room == ROOMS[-1] else error
            await site.clock.sleep(45 * 60)
            for event in ("calendar.failed", "calendar.stale", "calendar.mute"):
                assert site.levels(event) == {"error": 1, "info": 10}, event
                (loud,) = [k for k in site.happened(event) if k["level"] == "error"]
                assert loud["count"] == 10
                assert {k["room"] for k in site.happened(event)} == set(ROOMS[:-1])
            assert not site.happened("calendar.recovered")
            site.failing.fault = lambda _: None
            await site.clock.sleep(90)
            assert site.levels("calendar.recovered") == {"info": 11}
            (back,) = site.happened("calendar.all_recovered")
            assert (back["calendar"], back["count"]) == ("files", 11)
            assert 44 * 60 < back["seconds"] < 47 * 60
            # The next time is told as the first was.
            site.failing.fault = lambda room: None if room == ROOMS[-1] else error
            await site.clock.sleep(90)
            assert site.levels("calendar.failed") == {"error": 2, "info": 20}

    plays(tmp_path, story, daemon=DaemonSettings(stale_limit=30 * MINUTE))


def test_a_room_that_has_its_server_for_itself_is_told_as_ever(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda room: AWAY if room == ROOMS[-1] else None
            await site.clock.sleep(20 * 60)
            site.failing.fault = lambda _: None
            await site.clock.sleep(90)
            for event in ("calendar.failed", "calendar.stale"):
                (told,) = site.happened(event)
                assert told["level"] == "error"
                assert "count" not in told
            assert site.levels("calendar.recovered") == {"info": 1}
            assert not site.happened("calendar.all_recovered")

    plays(tmp_path, story)


def test_what_is_wrong_with_rooms_by_themselves_is_an_error_of_each(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda _: MISSING
            await site.clock.sleep(17 * 60)
            assert site.levels("calendar.failed") == {"error": 12}
            assert site.levels("calendar.stale") == {"error": 12}

    plays(tmp_path, story)


def test_rooms_that_fail_one_after_the_other_while_others_are_read_are_errors_again(
    tmp_path: Path,
) -> None:
    async def story(site: FailingSite) -> None:
        bad = {ROOMS[0]}
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda room: SLOW if room in bad else None
            await site.clock.sleep(120)
            bad.add(ROOMS[1])
            await site.clock.sleep(15 * 60)
            assert site.levels("calendar.failed") == {"error": 1, "info": 1}, "not so soon"
            bad.add(ROOMS[2])
            await site.clock.sleep(120)
            assert site.levels("calendar.failed", room=ROOMS[2]) == {"error": 1}

    plays(tmp_path, story)


def test_a_room_that_was_told_as_one_of_many_and_fails_by_itself_is_an_error(
    tmp_path: Path,
) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda _: AWAY
            await site.clock.sleep(120)
            (quiet, *_) = [
                k["room"] for k in site.happened("calendar.failed") if k["level"] == "info"
            ]
            site.failing.fault = lambda room: MISSING if room == quiet else None
            await site.clock.sleep(120)
            assert site.levels("calendar.failed", room=quiet) == {"info": 1, "error": 1}
            assert len(site.happened("calendar.all_recovered")) == 1
            site.failing.fault = lambda _: None
            await site.clock.sleep(90)
            assert site.levels("calendar.recovered") == {"info": 12}
            assert len(site.happened("calendar.all_recovered")) == 1

    plays(tmp_path, story)


def test_a_login_that_is_refused_for_long_is_one_stale_error(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda _: LOGIN
            await site.clock.sleep(20 * 60)
            assert site.levels("calendar.refused") == {"error": 1}
            assert site.levels("calendar.stale") == {"error": 2, "info": 10}, "one a server"
            site.failing.fault = lambda _: None
            await site.clock.sleep(90)
            assert not site.happened("calendar.all_recovered")
            assert len(site.happened("calendar.accepted")) == 1

    plays(tmp_path, story)


def test_rooms_that_the_file_does_not_name_any_more_are_waited_for_no_longer(
    tmp_path: Path,
) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda room: None if room == ROOMS[-1] else AWAY
            await site.clock.sleep(90)
            site.settings = replace(site.settings, rooms=site.settings.rooms[2:])
            assert site.machine is not None
            site.machine.polling.reload(site.settings, {"files": site.failing})
            site.failing.fault = lambda _: None
            await site.clock.sleep(90)
            (back,) = site.happened("calendar.all_recovered")
            assert back["count"] == 9

    plays(tmp_path, story)


def test_rooms_that_fail_by_themselves_after_an_outage_have_not_recovered(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda _: AWAY
            await site.clock.sleep(5 * 60)
            site.failing.fault = lambda _: MISSING
            await site.clock.sleep(5 * 60)
            assert not site.happened("calendar.recovered")
            assert not site.happened("calendar.all_recovered")

    plays(tmp_path, story)


def test_one_slow_room_does_not_hide_that_its_server_goes_away(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda room: SLOW if room == ROOMS[0] else None
            await site.clock.sleep(3 * 60)
            assert site.levels("calendar.failed") == {"error": 1}
            site.failing.fault = lambda room: None if room in (ROOMS[0], ROOMS[-1]) else AWAY
            await site.clock.sleep(14 * 60)
            assert site.levels("calendar.failed") == {"error": 2, "info": 9}

    plays(tmp_path, story)


def test_a_refused_calendar_that_comes_back_into_the_file_is_told_again(tmp_path: Path) -> None:
    async def story(site: FailingSite) -> None:
        async with site.running():
            await site.clock.sleep(90)
            site.failing.fault = lambda _: LOGIN
            await site.clock.sleep(5 * 60)
            assert site.machine is not None
            site.machine.reload(replace(site.settings, rooms=(), calendars=()), {})
            await site.clock.sleep(3600)
            site.machine.reload(site.settings, {"files": site.failing})
            await site.clock.sleep(5 * 60)
            assert site.levels("calendar.refused") == {"error": 2}
            site.failing.fault = lambda _: None
            await site.clock.sleep(2 * 60)
            (told,) = site.happened("calendar.accepted")
            assert told["seconds"] < 10 * 60

    plays(tmp_path, story)

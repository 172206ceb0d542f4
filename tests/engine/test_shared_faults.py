"""What is wrong with a whole calendar is told once, and asked again when its source says."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cospaced.calendars.ical_source import IcalSource
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource
from cospaced.settings import RoomSettings
from support.site import Site
from support.stories import MINUTE, booked, play_on
from support.virtual import InlineOffload


@dataclass
class Moody:
    """A source that answers with an error where it has one."""

    inner: IcalSource
    error: CalendarError | None = None
    asked: int = 0

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return await self.inner.poll(room, previous, window)

    async def close(self) -> None:
        await self.inner.close()


class MoodySite(Site):
    moody: Moody

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        self.moody = Moody(self.source(offload))
        return {"files": self.moody}


def lines(site: Site, *events: str) -> list[tuple[str, datetime]]:
    return [(name, at) for at, name, _ in site.events if name in events]


TOLD = ("calendar.refused", "calendar.accepted", "calendar.failed", "calendar.recovered")


def test_a_login_that_is_refused_is_one_line_for_all_rooms_and_one_more_when_it_is_not(
    tmp_path: Path,
) -> None:
    async def story(site: MoodySite) -> None:
        one = booked(site, after=10)
        async with site.running():
            await site.until(one.start - 5 * MINUTE)
            site.moody.error = CalendarError("login", "the server says no", shared=True)
            await site.until(one.start + 5 * MINUTE)
            assert [name for name, _ in lines(site, *TOLD)] == ["calendar.refused"]
            (told,) = site.happened("calendar.refused")
            assert (told["calendar"], told["count"], told["reason"]) == (
                "files",
                3,
                "the server says no",
            )
            assert site.endpoint("aula").connected
            site.moody.error = None
            await site.until(one.start + 8 * MINUTE)
            assert [name for name, _ in lines(site, *TOLD)] == [
                "calendar.refused",
                "calendar.accepted",
            ]
            (well,) = site.happened("calendar.accepted")
            assert 9 * 60 < well["seconds"] < 12 * 60

    play_on(MoodySite, tmp_path, story)


def test_a_source_that_asks_for_time_is_not_asked_before(tmp_path: Path) -> None:
    async def story(site: MoodySite) -> None:
        site.daemon = replace(site.daemon, poll_interval=timedelta(seconds=30))
        booked(site, after=60)
        async with site.running():
            await site.clock.sleep(60)
            site.moody.error = CalendarError("throttled", "later", after=10 * MINUTE)
            await site.clock.sleep(90)
            asked = site.moody.asked
            await site.clock.sleep(400)
            assert site.moody.asked == asked
            site.moody.error = None
            await site.clock.sleep(300)
            assert site.moody.asked > asked
            recovered = [name for name, _ in lines(site, *TOLD)]
            assert recovered.count("calendar.failed") == recovered.count("calendar.recovered") == 3

    play_on(MoodySite, tmp_path, story)

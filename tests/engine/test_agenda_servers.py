"""A person's question to all calendars, while a server hangs: an answer in bounded time."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cospaced.calendars.time_limit import time_limit
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.timespan import Timespan
from cospaced.engine.agenda import read_rooms
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, Settings, SourceType
from support.site import Site
from support.virtual import VirtualClock, run_virtually


TIMEOUT = 30
SECOND = timedelta(seconds=1)


@dataclass
class Servers:
    """A source whose rooms are on several servers; one of them hangs from some room on."""

    clock: VirtualClock
    hangs_after: int = 0
    keeps_time: bool = True
    asked: list[str] = field(default_factory=list)
    read_at: dict[str, float] = field(default_factory=dict)

    async def poll(self, room: RoomSettings, _: Reading | None, window: Timespan) -> Reading:
        self.asked.append(room.name)
        async with time_limit(TIMEOUT if self.keeps_time else 10 * TIMEOUT):
            hangs = room.name.startswith("hung") and int(room.name[4:]) >= self.hangs_after
            await self.clock.sleep(3600 if hangs else 0.5)
        self.read_at[room.name] = self.clock.monotonic()
        start, end = window.start, window.end
        if room.name == "well7":
            start = start.replace(tzinfo=None)
        event = Occurrence(uid=room.name, start=start, end=end)
        return Reading(occurrences=(event,), covered=window, read_at=self.clock.now())

    async def close(self) -> None:
        """Nothing is held."""


def settings(clock: VirtualClock, folder: Path) -> Settings:
    """Return 300 rooms on a server that hangs, before 40 on another one of the same calendar."""

    def room(host: str, number: int) -> RoomSettings:
        name = f"{host}{number}"
        return RoomSettings(name=name, calendar="dav", url=f"https://{host}.example.org/{name}/")

    calendar = CalendarSettings(
        name="dav", type=SourceType.CALDAV, timeout=timedelta(seconds=TIMEOUT)
    )
    rooms = [room("hung", n) for n in range(300)] + [room("well", n) for n in range(40)]
    return replace(Site(clock, folder).settings, calendars=(calendar,), rooms=tuple(rooms))


@pytest.mark.parametrize("hangs_after", [0, 100], ids=["from the first on", "midway"])
@pytest.mark.parametrize("keeps_time", [True, False], ids=["timeout", "no timeout"])
def test_a_server_that_hangs_costs_its_own_rooms_few_timeouts_and_others_nothing(
    tmp_path: Path, hangs_after: int, keeps_time: bool
) -> None:
    async def main(clock: VirtualClock) -> None:
        source = Servers(clock, hangs_after, keeps_time)
        configured = settings(clock, tmp_path)
        span = Timespan(clock.now(), clock.now() + timedelta(days=1))
        began = clock.monotonic()
        with capture_logs() as logs:
            found = await read_rooms(configured, {"dav": source}, span)
        # Four rooms of a server at once: two rounds, or three where it begins to hang meanwhile.
        assert clock.monotonic() - began < 3 * TIMEOUT + 15
        assert list(found) == [room.name for room in configured.rooms]
        # What the other server holds was read at once, in ten rounds of four.
        well = [name for name in found if name.startswith("well")]
        assert max(source.read_at[name] for name in well) - began < 6
        unread = {name: e for name, e in found.items() if isinstance(e, CalendarError)}
        assert set(unread) == {"well7", *(f"hung{n}" for n in range(hangs_after, 300))}
        # Nobody is told that a room was unread in time that was not asked.
        for name, error in unread.items():
            assert (name in source.asked) is not str(error).startswith("not asked: ")
        assert "others of its server were not read in time" in str(unread["hung299"])
        assert [(line["event"], line["room"]) for line in logs] == [("calendar.fault", "well7")]

    run_virtually(main)

"""An adapter with a bug: what it makes of one calendar costs that room alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from cospaced.calendars.ical_source import IcalSource
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.timespan import Timespan
from cospaced.ports import CalendarSource
from cospaced.settings import RoomSettings
from support.site import Site
from support.stories import MINUTE, booked, play_on, rings
from support.virtual import InlineOffload


Spoil = Callable[[Reading], Reading]


@dataclass
class Buggy:
    """A source that makes something of what it read of one room that no source may."""

    inner: IcalSource
    room: str
    spoil: Spoil | None = None
    asked: int = 0

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        reading = await self.inner.poll(room, previous, window)
        if room.name != self.room:
            return reading
        self.asked += 1
        return reading if self.spoil is None else self.spoil(reading)

    async def close(self) -> None:
        await self.inner.close()


class BuggySite(Site):
    buggy: Buggy

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        self.buggy = Buggy(self.source(offload), "cellar")
        return {"files": self.buggy}


def also(reading: Reading, **keys: Any) -> Reading:
    """Return the reading with an event more, like its window in all but the keys."""
    span = {"start": reading.covered.start, "end": reading.covered.end}
    event = Occurrence(**{"uid": "strange@example.org", **span, **keys})
    return replace(reading, occurrences=(*reading.occurrences, event), unchanged=False)


def naive(reading: Reading) -> Reading:
    return also(reading, end=reading.covered.end.replace(tzinfo=None))


def turned_round(reading: Reading) -> Reading:
    return also(reading, start=reading.covered.end, end=reading.covered.start)


def of_no_recurrence(reading: Reading) -> Reading:
    return also(also(reading), recurrence_id=cast("str", None))


def with_bare_problems(reading: Reading) -> Reading:
    return replace(reading, problems=cast("Any", ("not understood",)))


class Unhashable(str):
    """Text as a careless library might hand it over."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def of_no_use_as_a_key(reading: Reading) -> Reading:
    """Past what is checked of a reading: it fails where the reading is judged."""
    return also(reading, uid=Unhashable("strange@example.org"))


@pytest.mark.parametrize(
    "spoil", [naive, turned_round, of_no_recurrence, with_bare_problems, of_no_use_as_a_key]
)
@pytest.mark.parametrize("from_the_start", [False, True], ids=["later", "from the start"])
def test_a_strange_calendar_costs_its_room_alone(
    tmp_path: Path, spoil: Spoil, from_the_start: bool
) -> None:
    async def story(site: BuggySite) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            site.buggy.spoil = spoil if from_the_start else None
            await site.until(one.start - 5 * MINUTE)
            site.buggy.spoil = spoil
            asked = site.buggy.asked
            await site.until(one.start + 5 * MINUTE)
            assert site.buggy.asked >= asked + 5
            (told,) = site.happened("calendar.fault")
            assert told["room"] == "cellar"
            assert len(site.happened("calendar.failed")) == 1
            assert not site.happened("calendar.recovered")
            # What was last read well of it still counts.
            assert site.endpoint("aula").connected
            assert site.endpoint("cellar").connected is not from_the_start
            site.buggy.spoil = None
            await site.until(one.start + 8 * MINUTE)
            assert len(site.happened("calendar.recovered")) == 1
            assert site.endpoint("cellar").connected
            await site.until(one.end + MINUTE)
        assert not site.happened("event.fault")

    site = play_on(BuggySite, tmp_path, story)
    assert rings(site) == [1, 1, 1]
    site.assert_all_closed()


def test_a_fault_that_says_something_else_each_time_is_told_once_and_another_one_too(
    tmp_path: Path,
) -> None:
    async def story(site: BuggySite) -> None:
        booked(site, after=60)
        async with site.running():
            # It says which times, and they move with the window.
            site.buggy.spoil = turned_round
            await site.clock.sleep(5 * 60)
            assert len(site.happened("calendar.fault")) == 1
            site.buggy.spoil = of_no_recurrence
            await site.clock.sleep(5 * 60)
            assert len(site.happened("calendar.fault")) == 2
            assert len(site.happened("calendar.failed")) == 1

    play_on(BuggySite, tmp_path, story)

"""What every CalendarSource must do: the same calendars give the same bookings, however written.

Each test runs on each kind of calendar in `source_writers.KINDS`, over real files, sockets, and
servers, with a clock that is set to `situations.NOW`.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.fold import Folded, Wanted, fold
from cospaced.domain.timespan import Timespan
from cospaced.engine.copies import Copies
from cospaced.errors import CalendarError
from cospaced.ports import TellingSource
from cospaced.settings import ConferenceSettings
from support.events import HOUR, MINUTE, Changed, Event, UnknownZone
from support.situations import (
    BOTH,
    NOW,
    PLAIN,
    ROOMS,
    SITUATIONS,
    WEEKLY,
    WINDOW,
    Calendars,
    Situation,
    at,
    booking,
    invited,
    series,
)
from support.source_writers import KINDS, SetClock, Writer


TERMS = ConferenceSettings(min_rooms=0)
WEEKLY_TOO = replace(WEEKLY, id="weekly@example.org")


@dataclass
class Desk:
    """Polls rooms as the daemon does, each with its last reading, and folds what they hold."""

    writers: dict[str, Writer]
    """Whose calendar each room is."""
    clock: SetClock
    copies: Copies = field(default_factory=Copies)
    readings: dict[str, Reading] = field(default_factory=dict)
    window: Timespan = WINDOW

    async def poll(self, name: str) -> Reading:
        """Poll one room."""
        writer = self.writers[name]
        room = writer.room(name)
        reading = await writer.source().poll(room, self.readings.get(name), self.window)
        self.readings[name] = replace(reading, unchanged=False)
        now = self.clock.now()
        self.copies.update(name, room.calendar, reading, now)
        return reading

    async def poll_all(self) -> None:
        """Poll every room."""
        for name in self.writers:
            await self.poll(name)

    def folded(self) -> list[Folded]:
        """Return what the copies say together; see `fold`."""
        rooms = {name: writer.room(name) for name, writer in self.writers.items()}
        keys = self.copies.keys()
        read_at = self.copies.read_at
        return [fold(self.copies.of(key), rooms, TERMS, read_at) for key in keys]

    def bookings(self) -> list[Wanted]:
        """Return the bookings within the window, by start and UID."""
        found = [one.wanted for one in self.folded() if one.wanted is not None]
        within = [w for w in found if self.window.overlaps(Timespan(w.start, w.end))]
        return sorted(within, key=lambda wanted: (wanted.start, wanted.uid))

    def skipped(self) -> list[tuple[str, str]]:
        """Return room and reason of the copies that are part of no booking."""
        return [(skip.room, skip.reason) for one in self.folded() for skip in one.skipped]

    async def write(self, calendars: Calendars) -> None:
        """Make the calendars be these: events that are not named are removed."""
        for name, events in calendars.items():
            stay = {event.id for event in events}
            for gone in sorted(self._written.get(name, set()) - stay):
                await self.writers[name].remove(name, gone)
            await self.writers[name].put(name, *events)
            self._written[name] = stay

    _written: dict[str, set[str]] = field(default_factory=dict)


Scenario = Callable[[Desk], Awaitable[None]]
Run = Callable[..., Awaitable[None]]


async def on_kinds(folder: Path, kinds: Sequence[str], scenario: Scenario) -> None:
    """Run a scenario with the rooms handed out over these kinds, in turn."""
    clock = SetClock(NOW)
    async with AsyncExitStack() as stack:
        opened = []
        for kind in kinds:
            (own := folder / kind).mkdir()
            writer = await stack.enter_async_context(KINDS[kind](own, clock))
            assert writer.lacks.keys() <= SITUATIONS.keys()
            opened.append(writer)
        await scenario(Desk(dict(zip(ROOMS, itertools.cycle(opened), strict=False)), clock))


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Return what runs a scenario on one kind of calendar."""
    return lambda scenario: on_kinds(tmp_path, [request.param], scenario)


async def _plays(desk: Desk, situation: Situation) -> None:
    for calendars in situation.then:
        await desk.write(calendars)
        await desk.poll_all()
        desk.clock.advance(MINUTE)
    assert desk.bookings() == sorted(situation.bookings, key=lambda w: (w.start, w.uid))
    assert desk.skipped() == list(situation.skipped)
    told = [p.text for reading in desk.readings.values() for p in reading.problems]
    assert len(told) == len(situation.problems)
    assert all(word in text for word, text in zip(situation.problems, told, strict=True))


@pytest.mark.parametrize("name", SITUATIONS)
async def test_a_situation_gives_its_bookings(run: Run, name: str) -> None:
    async def scenario(desk: Desk) -> None:
        why_not = desk.writers["aula"].lacks.get(name)
        if why_not:
            pytest.skip(why_not)
        await _plays(desk, SITUATIONS[name])

    await run(scenario)


async def test_an_unchanged_calendar_says_so_in_one_request(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(WEEKLY))
        first = await desk.poll("aula")
        desk.clock.advance(MINUTE)
        second = await desk.poll("aula")
        assert not first.unchanged
        assert second.unchanged
        assert second.requests == 1
        assert second.occurrences == first.occurrences
        assert second.read_at > first.read_at

    await run(scenario)


async def test_a_source_that_tells_of_changes_tells_them_by_room_until_it_is_cancelled(
    run: Run,
) -> None:
    async def scenario(desk: Desk) -> None:
        source = desk.writers["aula"].source()
        if not isinstance(source, TellingSource):
            pytest.skip("its server tells of nothing")
        rooms = [desk.writers[name].room(name) for name in ROOMS]
        told: list[str] = []
        heard = asyncio.Event()

        def on_change(names: Sequence[str]) -> None:
            told.extend(names)
            heard.set()

        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(source.watch(rooms, on_change))
            await desk.poll_all()
            # When it begins to listen is not told: a change is made until one is heard of.
            for number in itertools.count():
                await desk.write({"boardroom": (replace(PLAIN, id=f"{number}@example.org"),)})
                try:
                    async with asyncio.timeout(1):
                        await heard.wait()
                    break
                except TimeoutError:
                    assert number < 20
            watch.cancel()
        assert set(told) == {"boardroom"}

    await run(scenario)


async def test_an_empty_calendar_is_a_good_one(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        reading = await desk.poll("aula")
        assert (reading.occurrences, reading.problems) == ((), ())
        assert (await desk.poll("aula")).unchanged

    await run(scenario)


async def test_a_change_is_seen_at_the_next_poll_and_it_alone_differs(run: Run) -> None:
    other = replace(WEEKLY, id="other@example.org", title="Stand-up")

    async def scenario(desk: Desk) -> None:
        await desk.write({"aula": (PLAIN, other)})
        first = await desk.poll("aula")
        await desk.write({"aula": (replace(PLAIN, start=at("10-14 09:00"), revision=1), other)})
        second = await desk.poll("aula")
        assert not second.unchanged
        after = {o.key: o for o in second.occurrences}
        changed = {o.uid for o in first.occurrences if after[o.key] != o}
        assert changed == {PLAIN.id}
        assert after.keys() == {o.key for o in first.occurrences}

    await run(scenario)


async def test_a_new_event_is_seen_at_the_next_poll(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(WEEKLY))
        await desk.poll("aula")
        await desk.write({"aula": (WEEKLY, replace(PLAIN, id="two@example.org"))})
        await desk.poll("aula")
        assert [w.uid for w in desk.bookings()].count("two@example.org") == 1
        assert len(desk.bookings()) == 4

    await run(scenario)


async def test_a_removed_event_is_gone_and_the_others_stay(run: Run) -> None:
    other = replace(PLAIN, id="other@example.org")

    async def scenario(desk: Desk) -> None:
        await desk.write({"aula": (WEEKLY, other)})
        await desk.poll("aula")
        await desk.write({"aula": (other,)})
        reading = await desk.poll("aula")
        assert [o.uid for o in reading.occurrences] == [other.id]
        assert (await desk.poll("aula")).unchanged

    await run(scenario)


async def test_an_emptied_calendar_is_read_as_empty(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(WEEKLY))
        await desk.poll("aula")
        await desk.write({"aula": ()})
        assert (await desk.poll("aula")).occurrences == ()

    await run(scenario)


async def test_the_copy_of_a_second_room_joins_the_booking(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(BOTH, "aula"))
        await desk.poll_all()
        assert desk.bookings() == [booking("10-13 07:00")]
        await desk.write(invited(BOTH, "boardroom"))
        await desk.poll_all()
        assert desk.bookings() == [booking("10-13 07:00", rooms=("aula", "boardroom"))]

    await run(scenario)


async def test_what_overlaps_the_window_belongs_to_it_and_nothing_else(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        covered = (await desk.poll("aula")).covered
        assert covered.start <= WINDOW.start
        assert WINDOW.end <= covered.end
        first = covered.start.replace(tzinfo=None, microsecond=0)
        last = covered.end.replace(tzinfo=None, microsecond=0)
        second = timedelta(seconds=1)
        edges = {
            "ends as it begins": (first - HOUR, HOUR, False),
            "reaches into it": (first - HOUR, HOUR + 2 * second, True),
            "begins before and ends after": (first - HOUR, last - first + 2 * HOUR, True),
            "begins a second before its end": (last - second, HOUR, True),
            "begins as it ends": (last + second, HOUR, False),
            "has no length and begins in it": (first + second, timedelta(0), True),
            "has no length and begins as it ends": (last + second, timedelta(0), False),
        }
        events = (
            replace(PLAIN, id=name.replace(" ", "-"), start=start, length=length, zone="UTC")
            for name, (start, length, _) in edges.items()
        )
        await desk.write({"aula": tuple(events)})
        reading = await desk.poll("aula")
        assert reading.covered == covered
        expected = {name.replace(" ", "-") for name, (_, _, belongs) in edges.items() if belongs}
        assert {o.uid for o in reading.occurrences} == expected

    await run(scenario)


async def test_an_unchanged_calendar_shows_more_under_a_window_that_rolls_on(run: Run) -> None:
    endless = replace(
        WEEKLY,
        repeats=replace(WEEKLY.repeats, times=None),
        changed=(Changed(of=at("12-22 09:00"), title="Christmas"),),
    )

    async def scenario(desk: Desk) -> None:
        await desk.write(invited(endless))
        await desk.poll("aula")
        weeks = timedelta(weeks=8)
        desk.clock.advance(weeks)
        desk.window = Timespan(WINDOW.start + weeks, WINDOW.end + weeks)
        reading = await desk.poll("aula")
        starts = ("12-08 08:00", "12-15 08:00")
        later = ("12-29 08:00", "2027-01-05 08:00")
        assert desk.bookings() == [
            *series(*starts),
            *series("12-22 08:00", title="Christmas"),
            *series(*later),
        ]
        assert reading.covered.end >= desk.window.end
        assert (await desk.poll("aula")).unchanged

    await run(scenario)


async def test_a_window_that_moves_back_shows_what_was_then(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        early, late = (replace(PLAIN, id=f"{n}@example.org") for n in ("early", "late"))
        weeks = timedelta(weeks=8)
        await desk.write({"aula": (early, replace(late, start=late.start + weeks))})
        desk.window = Timespan(WINDOW.start + weeks, WINDOW.end + weeks)
        await desk.poll("aula")
        assert [w.uid for w in desk.bookings()] == ["late@example.org"]
        desk.window = WINDOW
        reading = await desk.poll("aula")
        assert [w.uid for w in desk.bookings()] == ["early@example.org"]
        assert reading.covered.start <= WINDOW.start

    await run(scenario)


async def test_the_reading_of_another_room_is_not_taken_for_ones_own(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(PLAIN))
        await desk.write({"boardroom": (replace(PLAIN, id="other@example.org"),)})
        await desk.poll("boardroom")
        desk.readings["aula"] = desk.readings["boardroom"]
        reading = await desk.poll("aula")
        assert [o.uid for o in reading.occurrences] == [PLAIN.id]

    await run(scenario)


async def test_a_reading_whose_stamp_was_taken_away_is_read_whole(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(WEEKLY))
        first = await desk.poll("aula")
        # As the daemon does where it keeps what the reading does not hold any more.
        gone = replace(first.occurrences[0], uid="gone@example.org")
        doubtful = replace(first, stamp="", occurrences=(*first.occurrences, gone))
        desk.readings["aula"] = doubtful
        reading = await desk.poll("aula")
        assert not reading.unchanged
        assert reading.occurrences == first.occurrences

    await run(scenario)


async def test_rooms_are_polled_at_once_and_each_gets_its_own(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        for room in ROOMS:
            await desk.write({room: (replace(PLAIN, id=f"{room}@example.org", rooms=(room,)),)})
        await asyncio.gather(*(desk.poll(room) for room in ROOMS for _ in range(4)))
        for room in ROOMS:
            held = [o.uid for o in desk.readings[room].occurrences]
            assert held == [f"{room}@example.org"]

    await run(scenario)


async def test_an_event_that_cannot_be_understood_costs_only_itself_and_is_told(run: Run) -> None:
    bad = replace(PLAIN, id="bad@example.org", zone=UnknownZone())

    async def scenario(desk: Desk) -> None:
        if why_not := desk.writers["aula"].lacks.get("an event in a zone that nobody knows"):
            pytest.skip(why_not)
        await desk.write({"aula": (PLAIN, bad, WEEKLY_TOO)})
        reading = await desk.poll("aula")
        assert {o.uid for o in reading.occurrences} == {PLAIN.id, WEEKLY_TOO.id}
        assert [p.uid for p in reading.problems] == [bad.id]
        again = await desk.poll("aula")
        assert again.unchanged
        assert again.problems == reading.problems

    await run(scenario)


async def test_a_calendar_that_cannot_be_read_is_an_error_and_recovers(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        writer = desk.writers["aula"]
        await desk.write(invited(WEEKLY))
        first = await desk.poll("aula")
        await writer.fail()
        for _ in range(2):
            with pytest.raises(CalendarError) as caught:
                await desk.poll("aula")
            assert caught.value.kind
            assert str(caught.value)
        await writer.mend()
        assert (await desk.poll("aula")).occurrences == first.occurrences
        await desk.write({"aula": (WEEKLY, replace(PLAIN, id="two@example.org"))})
        assert len((await desk.poll("aula")).occurrences) == 4

    await run(scenario)


async def test_a_reading_that_was_stored_is_taken_up_by_a_new_process(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(WEEKLY))
        first = await desk.poll("aula")
        stored = Reading(
            **{name: getattr(first, name) for name in ("occurrences", "covered", "stamp", "body")},
            problems=first.problems,
            read_at=first.read_at,
        )
        desk.readings["aula"] = stored
        again = await desk.poll("aula")
        assert (again.unchanged, again.requests) == (True, 1)

    await run(scenario)


async def test_the_copies_of_the_rooms_differ_in_nothing_that_tells_the_booking(run: Run) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(replace(BOTH, rooms=ROOMS)))
        await desk.poll_all()
        copies: dict[str, Occurrence] = {
            name: reading.occurrences[0] for name, reading in desk.readings.items()
        }
        assert copies["aula"] == copies["boardroom"] == copies["cellar"]

    await run(scenario)


PAIRS = list(itertools.permutations(KINDS, 2))


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
@pytest.mark.parametrize(
    "event",
    [
        BOTH,
        replace(BOTH, zone="UTC"),
        replace(WEEKLY, rooms=("aula", "boardroom")),
        replace(
            WEEKLY,
            rooms=("aula", "boardroom"),
            changed=(Changed(of=at("10-20 09:00"), start=at("10-21 15:00")),),
        ),
    ],
    ids=["single", "UTC", "series", "moved"],
)
async def test_one_invitation_in_calendars_of_two_kinds_is_one_booking(
    tmp_path: Path, kinds: tuple[str, str], event: Event
) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.write(invited(event, "aula"))
        await desk.poll("aula")
        alone = desk.bookings()
        await desk.write(invited(event, "boardroom"))
        await desk.poll("boardroom")
        assert desk.bookings() == [replace(one, rooms=("aula", "boardroom")) for one in alone]
        assert desk.skipped() == []

    await on_kinds(tmp_path, kinds, scenario)


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
async def test_the_days_of_a_series_are_the_same_in_calendars_of_two_kinds(
    tmp_path: Path, kinds: tuple[str, str]
) -> None:
    days = replace(
        WEEKLY,
        rooms=("aula", "boardroom"),
        start=at("10-13 00:00"),
        length=timedelta(days=1),
        all_day=True,
        changed=(Changed(of=at("10-20 00:00"), start=at("10-21 00:00")),),
    )

    async def scenario(desk: Desk) -> None:
        await desk.write(invited(days))
        await desk.poll_all()
        keys = {
            room: {(one.recurrence_id, one.start) for one in desk.readings[room].occurrences}
            for room in ("aula", "boardroom")
        }
        assert keys["aula"] == keys["boardroom"]
        assert ("2026-10-20", datetime(2026, 10, 20, 22, tzinfo=UTC)) in keys["aula"]

    await on_kinds(tmp_path, kinds, scenario)


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
async def test_without_an_organizer_the_same_id_in_another_kind_is_no_copy(
    tmp_path: Path, kinds: tuple[str, str]
) -> None:
    nobodys = replace(BOTH, organizer=None)

    async def scenario(desk: Desk) -> None:
        for writer in desk.writers.values():
            if why_not := writer.lacks.get("an event without an organizer"):
                pytest.skip(why_not)
        await desk.write(invited(nobodys))
        await desk.poll("aula")
        await desk.poll("boardroom")
        assert [one.rooms for one in desk.bookings()] == [("aula",)]
        assert desk.skipped() == [("boardroom", "its UID belongs to another organizer")]

    await on_kinds(tmp_path, kinds, scenario)

"""What a desk believes of its room's calendar where a whole daemon would take days to show it."""

from datetime import datetime, timedelta

from structlog.testing import capture_logs

from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.timespan import Timespan
from cospaced.engine.outages import Outages
from cospaced.engine.room_desk import RoomDesk
from cospaced.errors import CalendarError
from cospaced.settings import DaemonSettings, RoomSettings
from support.virtual import START


DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class HandClock:
    """A clock that stands until it is moved, and can be set."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.base = START

    def now(self) -> datetime:
        return self.base + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Calendar:
    """A desk and a calendar of one event a day."""

    def __init__(self) -> None:
        self.clock = HandClock()
        room = RoomSettings(name="aula", calendar="hq", url="http://x.example/key.ics")
        self.outages = Outages(self.clock, [room])
        self.desk = RoomDesk(room=room, clock=self.clock, outages=self.outages)

    def read(self, *days: int, covered: int = 30) -> list[int]:
        """Read events on these days over so many days; return the days that are believed."""
        reading = Reading(
            occurrences=tuple(self._event(day) for day in days),
            covered=Timespan(START - DAY, START + covered * DAY),
            read_at=self.clock.now(),
        )
        kept, _ = self.desk.judged(reading, MINUTE)
        return sorted((o.start - START).days for o in kept.occurrences)

    def restarted(self, room: RoomSettings | None = None) -> RoomDesk:
        """Return the desk of another process, of the room or one in its place."""
        return RoomDesk(
            room=room or self.desk.room,
            clock=self.clock,
            outages=self.outages,
            reading=self.desk.reading,
        )

    def fail(self, terms: DaemonSettings | None = None) -> None:
        self.desk.failed(CalendarError("timeout", "no answer"), terms or DaemonSettings())

    def _event(self, day: int) -> Occurrence:
        start = START + day * DAY + timedelta(hours=1)
        return Occurrence(uid=f"day{day}", start=start, end=start + timedelta(hours=1))


def told(records: list[dict[str, object]]) -> list[object]:
    return [record["event"] for record in records]


def test_what_lies_beyond_a_window_that_was_made_smaller_has_not_vanished() -> None:
    calendar = Calendar()
    calendar.read(1, 2, 10, 11, 12)
    with capture_logs() as records:
        assert calendar.read(1, 2, covered=5) == [1, 2]
    assert told(records) == []


def test_what_vanishes_within_the_smaller_window_is_in_doubt_as_ever() -> None:
    calendar = Calendar()
    calendar.read(1, 2, 10, 11, 12)
    assert calendar.read(1, covered=5) == [1, 2]


def test_a_calendar_that_fails_now_and_then_over_days_is_told_each_time() -> None:
    calendar = Calendar()
    with capture_logs() as records:
        for _ in range(5):
            calendar.read(1)
            calendar.fail()
            calendar.clock.passed += 2 * 3600
    assert told(records).count("calendar.failed") == 5
    assert told(records).count("calendar.recovered") == 4
    assert "calendar.flapping" not in told(records)


def test_one_that_flaps_and_then_stays_bad_is_told_as_stale_and_as_recovered() -> None:
    calendar = Calendar()
    terms = DaemonSettings(stale_after=15 * MINUTE)
    with capture_logs() as records:
        for _ in range(10):
            calendar.fail(terms)
            calendar.clock.passed += 60
            calendar.read(1)
            calendar.clock.passed += 60
        for _ in range(30):
            calendar.fail(terms)
            calendar.clock.passed += 60
        for _ in range(20):
            calendar.read(1)
            calendar.clock.passed += 60
    assert told(records) == [
        "calendar.failed",
        "calendar.recovered",
        "calendar.failed",
        "calendar.recovered",
        "calendar.flapping",
        "calendar.stale",
        "calendar.recovered",
        "calendar.steady",
    ]
    assert records[6]["seconds"] == 30 * 60
    assert records[7]["count"] == 11


def test_since_when_it_fails_follows_a_clock_that_is_set() -> None:
    calendar = Calendar()
    calendar.fail()
    calendar.clock.passed += 600
    calendar.clock.base += 3 * DAY
    assert calendar.desk.failing_for == 10 * MINUTE
    assert calendar.desk.failing_since == START + 3 * DAY


def test_a_stored_reading_of_another_place_is_not_taken_up() -> None:
    calendar = Calendar()
    calendar.read(1, 2, 3)
    other = RoomSettings(name="aula", calendar="hq", url="http://x.example/other.ics")
    assert calendar.restarted(other).reading is None
    same = calendar.restarted()
    assert same.reading == calendar.desk.reading
    assert "key" not in same.reading.standing.place, "an address may be a secret"


def test_a_reading_stored_in_the_future_has_not_failed_for_less_than_nothing() -> None:
    calendar = Calendar()
    calendar.read(1)
    calendar.fail()
    calendar.clock.base -= 5 * DAY
    again = calendar.restarted()
    assert again.failing
    assert again.failing_for == timedelta(0)

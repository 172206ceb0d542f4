"""Series in the simulated Exchange: six patterns, three ranges, clock changes, short months."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from cospaced.exchange_simulator.expansion import numbered, view
from cospaced.exchange_simulator.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Pattern,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)
from support.exchange_model import ROOM, a_model


BERLIN = ZoneInfo("Europe/Berlin")


def days(pattern: Pattern, start: date, number: int = 4) -> list[str]:
    begin = datetime(start.year, start.month, start.day, 9, tzinfo=BERLIN)
    starts = Recurrence(pattern=pattern).starts(begin)
    return [f"{one:%Y-%m-%d}" for one in islice(starts, number)]


@pytest.mark.parametrize(
    ("pattern", "start", "expected"),
    [
        (Daily(interval=3), "2026-12-30", ["2026-12-30", "2027-01-02", "2027-01-05", "2027-01-08"]),
        (
            Weekly(days="Monday Thursday", interval=2, first_day="Monday"),
            "2026-11-26",
            ["2026-11-26", "2026-12-07", "2026-12-10", "2026-12-21"],
        ),
        # The week's first day decides which Sunday belongs to the next week but one.
        (
            Weekly(days="Sunday Monday", interval=2, first_day="Sunday"),
            "2026-11-23",
            ["2026-11-23", "2026-12-06", "2026-12-07", "2026-12-20"],
        ),
        (
            Weekly(days="Sunday Monday", interval=2, first_day="Monday"),
            "2026-11-23",
            ["2026-11-23", "2026-11-29", "2026-12-07", "2026-12-13"],
        ),
        # A month without that day has its last one, where iCalendar would have none.
        (
            AbsoluteMonthly(day=31),
            "2027-01-31",
            ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"],
        ),
        (
            RelativeMonthly(days="Tuesday", index="Second"),
            "2026-11-01",
            ["2026-11-10", "2026-12-08", "2027-01-12", "2027-02-09"],
        ),
        (
            RelativeMonthly(days="Weekday", index="Last"),
            "2026-11-01",
            ["2026-11-30", "2026-12-31", "2027-01-29", "2027-02-26"],
        ),
        (
            RelativeMonthly(days="Day", index="Third", interval=6),
            "2026-11-01",
            ["2026-11-03", "2027-05-03", "2027-11-03", "2028-05-03"],
        ),
        (
            AbsoluteYearly(day=29, month="February"),
            "2026-11-26",
            ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28"],
        ),
        (
            RelativeYearly(days="WeekendDay", index="First", month="May"),
            "2026-11-26",
            ["2027-05-01", "2028-05-06", "2029-05-05", "2030-05-04"],
        ),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str | list) else "",
)
def test_a_pattern_gives_the_days_that_outlook_shows(
    pattern: Pattern, start: str, expected: list[str]
) -> None:
    assert days(pattern, date.fromisoformat(start)) == expected


def test_a_series_keeps_its_wall_time_over_a_clock_change() -> None:
    starts = Recurrence(pattern=Daily(), number=3).starts(datetime(2027, 3, 27, 9, tzinfo=BERLIN))
    assert [one.astimezone(UTC).hour for one in starts] == [8, 7, 7]


def test_a_wall_time_that_a_gap_swallows_is_shifted_by_the_gap() -> None:
    begin = datetime(2027, 3, 27, 2, 30, tzinfo=BERLIN)
    _, shifted, after = Recurrence(pattern=Daily(), number=3).starts(begin)
    assert (shifted.hour, shifted.minute) == (3, 30)
    assert after.hour == 2


def test_an_end_date_is_the_last_day_and_a_number_counts_all() -> None:
    begin = datetime(2026, 12, 1, 23, 30, tzinfo=BERLIN)
    until = Recurrence(pattern=Daily(), until=date(2026, 12, 3))
    assert [one.day for one in until.starts(begin)] == [1, 2, 3]
    assert [one.day for one in Recurrence(pattern=Daily(), number=2).starts(begin)] == [1, 2]


def test_a_view_shows_what_overlaps_it_wherever_it_was_moved_from() -> None:
    model = a_model()
    begin = model.start
    made = model.scenarios.invite(
        "anna@example.test", [ROOM], begin, recurrence=Recurrence(pattern=Daily())
    )
    moved = begin + timedelta(days=40)
    model.scenarios.change_occurrence(made, moved, start=begin + timedelta(days=2, hours=3))
    copy = model.scenarios.copy(ROOM, made)
    day = timedelta(days=1)
    shown = view(copy, begin + 2 * day, begin + 3 * day)
    assert [one.planned for one in shown] == [begin + 2 * day, moved]
    assert view(copy, moved, moved + timedelta(hours=2)) == []
    assert view(copy, begin + timedelta(minutes=59), begin + timedelta(hours=1))
    assert view(copy, begin + timedelta(hours=1), begin + timedelta(hours=2)) == []


def test_occurrences_are_numbered_with_the_deleted_ones() -> None:
    model = a_model()
    weekly = Recurrence(pattern=Daily(), number=3)
    made = model.scenarios.invite("anna@example.test", [ROOM], model.start, recurrence=weekly)
    model.scenarios.cancel_occurrence(made, model.start + timedelta(days=1))
    third = numbered(made, 3)
    assert third is not None
    assert third.astimezone(UTC) == model.start + timedelta(days=2)
    assert numbered(made, 4) is None
    assert numbered(made, 0) is None

"""How soon a calendar is polled again."""

from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.pace import pace


NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = [(NINE, NINE + 60 * MINUTE)]


@pytest.mark.parametrize(
    ("minutes", "usual", "seconds"),
    [
        (-30, 60, 60),
        (-5.5, 60, 30),
        (-5, 60, 10),
        (0, 60, 10),
        (1, 60, 60),
        (54.5, 60, 30),
        (55, 60, 10),
        (60, 60, 10),
        (61, 60, 60),
        (-4, 2, 2),
        (-30, 3600, 1500),
        (1, 3600, 3240),
        (54.95, 3600, 10),
    ],
)
def test_polls_come_quicker_before_a_start_and_an_end_however_far_apart_they_are_else(
    minutes: float, usual: float, seconds: float
) -> None:
    now, interval = NINE + minutes * MINUTE, timedelta(seconds=usual)
    assert pace(HOUR, now, interval) == timedelta(seconds=seconds)


def test_the_nearest_of_several_events_counts() -> None:
    spans = [(NINE, NINE + 60 * MINUTE), (NINE + 20 * MINUTE, NINE + 40 * MINUTE)]
    assert pace(spans, NINE + 5 * MINUTE, 60 * MINUTE) == 10 * MINUTE
    assert pace((), NINE, MINUTE) == MINUTE

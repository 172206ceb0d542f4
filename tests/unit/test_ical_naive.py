"""Random calendars mean what a naive reading of RFC 5545 says; `SOAK=1` draws far more of them."""

import os

import pytest
from hypothesis import HealthCheck, given, note, settings

from support.ical import expanded, texts
from support.naive_calendars import Sample, samples


SOAK = bool(os.environ.get("SOAK"))


@pytest.mark.timeout(3600 if SOAK else 120)
@settings(
    max_examples=10_000 if SOAK else 60,
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(samples())
def test_a_random_calendar_is_worked_out_as_the_naive_reading_says(sample: Sample):
    note("\n".join(sample.data.decode().split("END:VTIMEZONE\r\n")[-1].splitlines()))
    result = expanded(sample.data, sample.covered)
    assert texts(result) == []
    found = [(o.recurrence_id, o.start, o.end, o.title, o.cancelled) for o in result.occurrences]
    assert sorted(found) == sorted(sample.expected)

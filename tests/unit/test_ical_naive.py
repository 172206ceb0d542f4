"""Random calendars mean what a naive reading of RFC 5545 says; `SOAK=1` draws far more of them."""

import os

from hypothesis import HealthCheck, given, note, settings

from support.ical import expanded, texts
from support.naive_calendars import Sample, samples


EXAMPLES = 30_000 if os.environ.get("SOAK") else 100


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(samples())
def test_a_random_calendar_is_worked_out_as_the_naive_reading_says(sample: Sample):
    note("\n".join(sample.data.decode().split("END:VTIMEZONE\r\n")[-1].splitlines()))
    result = expanded(sample.data, sample.covered)
    assert texts(result) == []
    found = [(o.recurrence_id, o.start, o.end, o.title, o.cancelled) for o in result.occurrences]
    assert sorted(found) == sorted(sample.expected)

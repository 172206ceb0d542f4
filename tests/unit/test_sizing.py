"""How many conferences overlap at the most."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cospaced.domain.sizing import Peak, peak
from cospaced.domain.timespan import Timespan


ZERO = datetime(2026, 11, 23, tzinfo=UTC)


def span(start: int, length: int) -> Timespan:
    begin = ZERO + timedelta(hours=start)
    return Timespan(begin, begin + timedelta(hours=length))


def test_nothing_has_no_peak() -> None:
    assert peak([]) == Peak(count=0, at=None)


def test_conferences_back_to_back_do_not_overlap() -> None:
    assert peak([span(1, 1), span(0, 1), span(2, 3)]) == Peak(count=1, at=ZERO)


def test_the_first_moment_of_the_peak_is_told() -> None:
    spans = [span(0, 4), span(1, 1), span(2, 2), span(3, 1)]
    assert peak(spans) == Peak(count=3, at=ZERO + timedelta(hours=3))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=12))
def test_the_peak_is_what_counting_at_every_hour_finds(pairs: list[tuple[int, int]]) -> None:
    spans = [span(*pair) for pair in pairs]
    hours = [ZERO + timedelta(hours=hour) for hour in range(27)]
    counted = [sum(one.holds(hour) for one in spans) for hour in hours]
    assert peak(spans).count == max(counted)

"""How long a server asks not to be asked."""

from datetime import timedelta

import pytest

from cospaced.calendars.web_answers import MOST_AFTER, retry_after


SECOND = timedelta(seconds=1)
DATE = "Thu, 01 Jan 2026 09:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"retry-after": "0"}, 0 * SECOND),
        ({"retry-after": " 120 "}, 120 * SECOND),
        ({"retry-after": "9" * 5000}, MOST_AFTER),
        ({"retry-after": "Thu, 01 Jan 2026 09:02:00 GMT", "date": DATE}, 120 * SECOND),
        ({"retry-after": "Thu, 01 Jan 2026 08:00:00 GMT", "date": DATE}, 0 * SECOND),
        ({"retry-after": "Fri, 01 Jan 9999 00:00:00 GMT", "date": DATE}, MOST_AFTER),
    ],
)
def test_seconds_and_dates_are_understood_and_bounded(
    headers: dict[str, str], asked: timedelta
) -> None:
    assert retry_after(headers) == asked


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": ""},
        {"retry-after": "-5"},
        {"retry-after": "1.5"},
        {"retry-after": "²"},
        {"retry-after": "soon", "date": DATE},
        {"retry-after": DATE},
        {"retry-after": "Thu, 01 Jan 2026 09:02:00", "date": DATE},
    ],
)
def test_what_says_nothing_that_can_be_understood_asks_for_nothing(headers: dict[str, str]) -> None:
    assert retry_after(headers) is None

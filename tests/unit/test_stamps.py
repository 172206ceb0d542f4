"""Which stamp an occurrence bears that is read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.calendar import Answer, Busy, Occurrence, Reading
from cospaced.domain.stamps import with_known_stamps
from cospaced.domain.timespan import Timespan


NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = Occurrence(uid="one", start=NINE, end=NINE + HOUR, stamp=NINE)


def again(after: Occurrence, *known: Occurrence, unchanged: bool = False) -> Occurrence:
    covered = Timespan(NINE, NINE + 24 * HOUR)
    reading = Reading(
        occurrences=(after,), covered=covered, read_at=NINE + HOUR, unchanged=unchanged
    )
    (found,) = with_known_stamps(reading, known).occurrences
    return found


@pytest.mark.parametrize(
    "change", [{}, {"answer": Answer.ACCEPTED}, {"busy": Busy.TENTATIVE}], ids=str
)
@pytest.mark.parametrize("stamp", [NINE + HOUR, NINE - HOUR, None])
@pytest.mark.parametrize("unchanged", [False, True], ids=["", "worked out over a new window"])
def test_what_says_the_same_bears_its_stamp_of_then(
    change: dict[str, Any], stamp: datetime | None, unchanged: bool
) -> None:
    after = replace(ONE, **change)
    assert again(replace(after, stamp=stamp), ONE, unchanged=unchanged) == after


@pytest.mark.parametrize(
    "change", [{"end": NINE + 2 * HOUR}, {"title": "x"}, {"sequence": 1}, {"cancelled": True}]
)
def test_a_revision_bears_its_own(change: dict[str, Any]) -> None:
    after = replace(ONE, **change, stamp=NINE + HOUR)
    assert again(after, ONE) == after


def test_what_was_not_known_bears_its_own() -> None:
    assert again(ONE, replace(ONE, uid="other", stamp=NINE - HOUR)) == ONE

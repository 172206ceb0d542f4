"""Several items of a mailbox for one occurrence: the newest counts, in whatever order they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from cospaced.calendars.collecting import Collection
from cospaced.calendars.organizer_copies import Version
from cospaced.domain.calendar import Occurrence
from cospaced.domain.timespan import Timespan


START = datetime(2026, 10, 14, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Timespan(START - 9 * HOUR, START + 15 * HOUR)
OLD = Occurrence(uid="one", start=START, end=START + HOUR, sequence=1, stamp=START, cancelled=True)
NEWER = replace(OLD, stamp=START + HOUR, title="newer")
NEWEST = replace(OLD, sequence=2, stamp=None, start=START + HOUR, end=START + 2 * HOUR)


def collected(*occurrences: Occurrence) -> list[tuple[Occurrence, str]]:
    found = Collection(DAY)
    for one in occurrences:
        found.add(one, Version(change_key=one.title or "key"))
    return [(one, version.change_key) for one, version in found.in_order()]


@pytest.mark.parametrize("order", list(permutations((OLD, NEWER, NEWEST))))
def test_the_newest_revision_counts_in_whatever_order(order: tuple[Occurrence, ...]) -> None:
    assert collected(*order) == [(NEWEST, "key")]


@pytest.mark.parametrize("order", list(permutations((OLD, NEWER))))
def test_of_one_sequence_the_later_stamp_counts(order: tuple[Occurrence, ...]) -> None:
    assert collected(*order) == [(NEWER, "newer")]


def test_what_is_outside_counts_not_and_the_rest_comes_by_start() -> None:
    other = replace(OLD, uid="a", start=START + HOUR, end=START + 2 * HOUR)
    outside = replace(OLD, uid="b", start=DAY.end, end=DAY.end + HOUR)
    assert collected(outside, other, OLD) == [(OLD, "key"), (other, "key")]

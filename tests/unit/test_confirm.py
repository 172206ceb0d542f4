"""What vanished from a calendar is believed late."""

from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.calendar import Occurrence
from cospaced.domain.confirm import CONFIRM_AFTER, MASS_PATIENCE, Verdict, judge


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _event(uid: str, *, hours: float = 1) -> Occurrence:
    start = NOW + hours * HOUR
    return Occurrence(uid=uid, start=start, end=start + HOUR)


def _events(count: int) -> tuple[Occurrence, ...]:
    return tuple(_event(f"e{n}", hours=1 + n) for n in range(count))


def _polls(
    known: tuple[Occurrence, ...], *answers: tuple[float, tuple[Occurrence, ...]]
) -> Verdict:
    """Judge one answer after another; each is (minutes from now, what was read)."""
    verdict = Verdict(occurrences=known)
    for minutes, fresh in answers:
        now = NOW + timedelta(minutes=minutes)
        verdict = judge(verdict.occurrences, fresh, verdict.missing, now, held=verdict.mass)
    return verdict


def test_new_and_changed_events_count_at_once() -> None:
    verdict = _polls(_events(1), (0, _events(3)))
    assert verdict.occurrences == _events(3)
    assert verdict.again_after is None


def test_one_vanished_event_stays_until_a_second_poll_five_seconds_later_agrees() -> None:
    left = _events(5)[:4]
    first = _polls(_events(5), (0, left))
    assert len(first.occurrences) == 5
    assert first.again_after == CONFIRM_AFTER == timedelta(seconds=5)
    assert _polls(_events(5), (0, left), (0.1, left)).occurrences == left


def test_an_event_that_is_back_in_the_second_poll_was_never_gone() -> None:
    verdict = _polls(_events(5), (0, _events(5)[:4]), (0.1, _events(5)))
    assert verdict.occurrences == _events(5)
    assert not verdict.missing


@pytest.mark.parametrize(
    ("known", "left", "mass"),
    [(1, 0, False), (2, 0, False), (3, 0, True), (3, 1, True), (3, 2, False), (4, 2, True),
     (5, 3, False), (10, 5, True), (10, 6, False)],
)  # fmt: skip
def test_half_or_more_of_three_or_more_is_held_for_a_quarter_of_an_hour(
    known: int, left: int, mass: bool
) -> None:
    fresh = _events(known)[:left]
    verdict = _polls(_events(known), (0, fresh), (1, fresh))
    assert verdict.mass is mass
    assert len(verdict.occurrences) == (known if mass else left)
    minutes = MASS_PATIENCE.total_seconds() / 60
    after = _polls(_events(known), (0, fresh), (1, fresh), (minutes + 0.1, fresh))
    assert after.occurrences == fresh


def test_a_dangerous_answer_stays_dangerous_though_its_events_pass_one_by_one() -> None:
    known = (_event("a", hours=-0.95), _event("b"), _event("c"))
    verdict = _polls(known, (0, ()), (1, ()), (4, ()), (5, ()))
    assert {o.uid for o in verdict.occurrences} == {"b", "c"}
    assert not _polls(known, (0, ()), (1, ()), (4, ()), (16, ())).occurrences


def test_events_that_are_over_are_forgotten_without_ado() -> None:
    verdict = _polls((_event("past", hours=-3), *_events(4)), (0, _events(4)))
    assert verdict.occurrences == _events(4)

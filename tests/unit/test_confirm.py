"""What vanished from a calendar is believed late."""

from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.calendar import Doubt, Occurrence
from cospaced.domain.confirm import CONFIRM_AFTER, MASS_PATIENCE, Verdict, judge, unwatched


MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _event(uid: str, *, hours: float = 1, sequence: int = 0) -> Occurrence:
    start = NOW + hours * HOUR
    return Occurrence(uid=uid, start=start, end=start + HOUR, sequence=sequence)


def _series(uid: str, *, hours: float = 1, count: int = 5) -> tuple[Occurrence, ...]:
    """A daily series, whose instances are named by their original starts."""
    starts = [NOW + hours * HOUR + timedelta(days=n) for n in range(count)]
    return tuple(
        Occurrence(uid=uid, recurrence_id=f"{s:%Y-%m-%dT%H:%M:%SZ}", start=s, end=s + HOUR)
        for s in starts
    )


def _events(count: int) -> tuple[Occurrence, ...]:
    return tuple(_event(f"e{n}", hours=1 + n) for n in range(count))


def _polls(
    known: tuple[Occurrence, ...], *answers: tuple[float, tuple[Occurrence, ...]]
) -> Verdict:
    """Judge one answer after another; each is (minutes from now, what was read)."""
    verdict = Verdict(occurrences=known)
    for minutes, fresh in answers:
        now = NOW + timedelta(minutes=minutes)
        verdict = judge(verdict.occurrences, fresh, verdict.doubt, now)
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
    assert verdict.doubt == Doubt()


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
    assert verdict.doubt.dangerous is mass
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


def test_a_revision_older_than_the_known_one_is_believed_at_the_second_poll() -> None:
    new, old = (_event("a", hours=5, sequence=2),), (_event("a", hours=3, sequence=1),)
    first = _polls(new, (0, old))
    assert first.occurrences == new
    assert first.again_after == CONFIRM_AFTER
    assert _polls(new, (0, old), (0.1, old)).occurrences == old
    assert _polls(new, (0, old), (0.1, new), (1, old)).occurrences == new


def test_a_series_that_moves_loses_no_event_however_many_instances_are_new() -> None:
    moved = _series("s", hours=3)
    first = _polls(_series("s"), (0, moved))
    assert not first.doubt.dangerous
    assert _polls(_series("s"), (0, moved), (0.1, moved)).occurrences == moved


def test_one_series_deleted_among_others_is_one_event_that_vanished() -> None:
    others = _events(4)
    known = (*_series("s", count=30), *others)
    assert _polls(known, (0, others), (0.1, others)).occurrences == others


def test_a_series_alone_that_is_suddenly_gone_is_an_empty_calendar() -> None:
    known = _series("s")
    assert _polls(known, (0, ()), (1, ()), (14, ())).occurrences == known
    assert not _polls(known, (0, ()), (1, ()), (14, ()), (16, ())).occurrences


def test_the_calendar_of_another_room_is_not_taken_up_until_it_has_lasted() -> None:
    known = _events(3)
    other = tuple(_event(f"x{n}", hours=n) for n in range(1, 6))
    polls = [(minute, other) for minute in range(15)]
    assert _polls(known, *polls).occurrences == known
    assert _polls(known, *polls, (15.1, other)).occurrences == other
    assert _polls(known, *polls[:5], (5, known)).occurrences == known


def test_a_new_event_counts_at_once_though_half_of_the_others_are_in_doubt() -> None:
    known, new = _events(4), _event("new")
    fresh = (*known[:2], new)
    assert set(_polls(known, (0, fresh)).occurrences) == {*known, new}


def test_with_few_events_another_event_in_place_of_the_last_is_what_people_do() -> None:
    new = (_event("new"),)
    assert set(_polls(_events(1), (0, new)).occurrences) == {*_events(1), *new}
    assert _polls(_events(1), (0, new), (0.1, new)).occurrences == new


def test_a_calendar_that_contradicts_itself_is_believed_late_in_everything() -> None:
    known, left = _events(5), _events(5)[:4]
    verdict = judge(known, left, Doubt(), NOW, wary=True)
    assert verdict.again_after is None
    for minute in range(1, 15):
        verdict = judge(verdict.occurrences, left, verdict.doubt, NOW + minute * MINUTE, wary=True)
        assert len(verdict.occurrences) == 5
    after = judge(verdict.occurrences, left, verdict.doubt, NOW + MASS_PATIENCE, wary=True)
    assert after.occurrences == left
    assert after.gone == (known[4].key,)


def test_what_is_there_again_is_named() -> None:
    known, left = _events(5), _events(5)[:4]
    assert _polls(known, (0, left), (0.1, known)).back == (known[4].key,)
    assert _polls(known, (0, left)).back == ()


@pytest.mark.parametrize(
    ("passed", "not_counted"),
    [(0, 0), (1, 0), (2, 0), (3, 1), (600, 598), (-30, -30)],
    ids=lambda minutes: f"{minutes}",
)
def test_only_time_in_which_somebody_looked_counts(passed: int, not_counted: int) -> None:
    found = unwatched(NOW, NOW + passed * MINUTE, MINUTE)
    assert found == not_counted * MINUTE


def test_patience_goes_on_where_it_was_after_a_time_in_which_nobody_looked() -> None:
    known = _events(4)
    held = _polls(known, (0, ()), (5, ()), (10, ()))
    night = timedelta(hours=0.7)
    at = NOW + 10 * MINUTE + night
    back = judge(held.occurrences, (), held.doubt, at, unwatched=night)
    assert back.occurrences == known
    soon = judge(back.occurrences, (), back.doubt, at + 4 * MINUTE)
    assert soon.occurrences == known
    assert not judge(soon.occurrences, (), soon.doubt, at + 5 * MINUTE).occurrences

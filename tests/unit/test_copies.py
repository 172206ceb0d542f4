"""What changed in the rooms' calendars since it was last asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.calendar import Answer, Held, Occurrence, Reading, Standing
from cospaced.domain.timespan import Timespan
from cospaced.engine.copies import Copies


NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = ("one", "")


def event(sequence: int = 0, answer: Answer = Answer.NONE) -> Occurrence:
    end = NINE + timedelta(hours=1)
    return Occurrence(uid="one", start=NINE, end=end, sequence=sequence, answer=answer)


def calendar(*events: Occurrence, held: str = "") -> Reading:
    return Reading(
        occurrences=events,
        covered=Timespan(NINE, NINE + timedelta(days=30)),
        read_at=NINE,
        standing=Standing(held=(Held(key=KEY, reason=held),) if held else ()),
    )


def test_a_copy_is_news_once_when_it_comes_changes_and_goes() -> None:
    copies = Copies()
    copies.update("aula", "files", calendar(event()), NINE)
    assert [(room, copy is None) for room, copy in copies.news(KEY)] == [("aula", False)]
    assert copies.news(KEY) == []
    copies.update("aula", "files", calendar(event()), NINE)
    assert copies.news(KEY) == []
    copies.update("aula", "files", calendar(event(1)), NINE, accepted=[KEY])
    ((room, copy),) = copies.news(KEY)
    assert copy is not None
    assert (room, copy.occurrence.sequence) == ("aula", 1)
    copies.update("aula", "files", calendar(), NINE, accepted=[KEY])
    assert copies.news(KEY) == [("aula", None)]


def test_what_was_a_booking_before_a_restart_is_no_news() -> None:
    copies = Copies()
    copies.update("aula", "files", calendar(event()), NINE, accepted=[KEY])
    assert copies.news(KEY) == []


def test_a_copy_that_cannot_be_understood_any_more_is_news_and_so_is_its_end() -> None:
    copies = Copies()
    later = NINE + timedelta(minutes=1)
    copies.update("aula", "files", calendar(event()), NINE, accepted=[KEY])
    for held in ("DTEND is before DTSTART", ""):
        assert copies.update("aula", "files", calendar(event(), held=held), later) == (KEY,)
        ((_, copy),) = copies.news(KEY)
        assert copy is not None
        assert (copy.held, copy.seen_at) == (held, NINE), "it says what it said before"
        assert copies.update("aula", "files", calendar(event(), held=held), later) == ()


@pytest.mark.parametrize(
    ("answers", "counts"),
    [
        ("accepted unanswered", True),
        ("none unanswered", True),
        ("accepted unanswered unanswered", True),
        ("accepted declined unanswered", False),
        ("accepted declined unanswered unanswered", False),
        ("accepted tentative unanswered", False),
        ("accepted declined accepted unanswered", True),
        ("unanswered unanswered", False),
    ],
)
@pytest.mark.parametrize("restart", [False, True], ids=["", "after a restart"])
def test_a_copy_that_turns_unanswered_keeps_its_last_answer(
    answers: str, counts: bool, restart: bool
) -> None:
    before, *later = answers.split()
    copies = Copies()
    # Before a restart it was booked, if its room had accepted it.
    booked = [KEY] if restart and before == "accepted" else []
    copies.update("aula", "files", calendar(event(answer=Answer(before))), NINE, accepted=booked)
    for sequence, answer in enumerate(later):
        copies.update("aula", "files", calendar(event(sequence + 1, Answer(answer))), NINE)
    (copy,) = copies.of(KEY)
    assert copy.accepted_before is counts


def test_a_copy_says_since_when_it_has_named_its_time() -> None:
    copies, found = Copies(), []
    end = NINE + timedelta(hours=2)
    longer = replace(event(2), end=end)
    for minute, one in enumerate((event(), event(1), longer, replace(longer, title="New"))):
        now = NINE + timedelta(minutes=minute)
        copies.update("aula", "files", calendar(one), now)
        (copy,) = copies.of(KEY)
        found.append(((copy.timed_at or copy.seen_at) - NINE).total_seconds() / 60)
    assert found == [0, 0, 2, 2]

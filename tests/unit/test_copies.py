"""What changed in the rooms' calendars since it was last asked."""

from datetime import UTC, datetime, timedelta

from cospaced.domain.calendar import Held, Occurrence, Reading, Standing
from cospaced.domain.timespan import Timespan
from cospaced.engine.copies import Copies


NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = ("one", "")


def event(sequence: int = 0) -> Occurrence:
    return Occurrence(uid="one", start=NINE, end=NINE + timedelta(hours=1), sequence=sequence)


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

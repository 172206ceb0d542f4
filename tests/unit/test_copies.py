"""What changed in the rooms' calendars since it was last asked."""

from datetime import UTC, datetime, timedelta

from cospaced.domain.calendar import Occurrence
from cospaced.engine.copies import Copies


NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = ("one", "")


def event(sequence: int = 0) -> Occurrence:
    return Occurrence(uid="one", start=NINE, end=NINE + timedelta(hours=1), sequence=sequence)


def test_a_copy_is_news_once_when_it_comes_changes_and_goes() -> None:
    copies = Copies()
    copies.update("aula", "files", [event()], NINE)
    assert [(room, copy is None) for room, copy in copies.news(KEY)] == [("aula", False)]
    assert copies.news(KEY) == []
    copies.update("aula", "files", [event()], NINE)
    assert copies.news(KEY) == []
    copies.update("aula", "files", [event(1)], NINE, accepted=[KEY])
    ((room, copy),) = copies.news(KEY)
    assert copy is not None
    assert (room, copy.occurrence.sequence) == ("aula", 1)
    copies.update("aula", "files", [], NINE, accepted=[KEY])
    assert copies.news(KEY) == [("aula", None)]


def test_what_was_a_booking_before_a_restart_is_no_news() -> None:
    copies = Copies()
    copies.update("aula", "files", [event()], NINE, accepted=[KEY])
    assert copies.news(KEY) == []

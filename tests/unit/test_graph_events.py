"""Graph's event resource, as strange as a mailbox may hold it."""

from typing import Any

import pytest

from cospaced.calendars.graph import events
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import NamedZone


BERLIN = NamedZone("Europe/Berlin")


def event(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "iCalUId": "one@example.org",
        "type": "singleInstance",
        "subject": "Planning",
        "start": moment("2026-11-28T09:00:00.0000000"),
        "end": moment("2026-11-28T10:00:00.0000000"),
        "isAllDay": False,
        **changes,
    }


def moment(text: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": text, "timeZone": zone}


def day(original: str, zone: str) -> dict[str, Any]:
    """Return an occurrence of a series of whole days."""
    return event(
        type="occurrence",
        isAllDay=True,
        start=moment("2026-11-28T00:00:00.0000000"),
        end=moment("2026-11-29T00:00:00.0000000"),
        originalStart=original,
        originalStartTimeZone=zone,
    )


@pytest.mark.parametrize(
    "strange",
    [
        event(isAllDay=True, start=moment("0001-01-01T00:00:00.0000000")),
        event(isAllDay=True, end=moment("9999-12-31T23:59:59.0000000")),
        event(type="occurrence", originalStart="9999-12-31T23:00:00Z"),
        day("9999-12-31T23:00:00Z", "W. Europe Standard Time"),
        day("0001-01-01T00:00:00Z", "Pacific Standard Time"),
        day("9999-12-31T23:00:00Z", "no zone"),
        event(start=moment("9" * 100_000)),
        event(start=moment("2026-11-28T09:00:00", "Z" * 100_000)),
    ],
)
def test_an_event_beyond_all_times_costs_itself_alone(strange: dict[str, Any]) -> None:
    with pytest.raises(Unusable) as caught:
        events.occurrence(strange, BERLIN)
    problem = events.problem(strange, str(caught.value))
    assert problem.uid == "one@example.org"
    assert len(problem.text) < 200


@pytest.mark.parametrize(
    ("original", "zone"),
    [
        ("2026-11-27T23:00:00Z", "W. Europe Standard Time"),
        ("2026-11-28T08:00:00Z", "Pacific Standard Time"),
        ("2026-11-28T00:00:00Z", "W. Europe Standard Time"),
        ("2026-11-28T00:00:00Z", "Pacific Standard Time"),
        ("2026-11-28T00:00:00Z", "GMT Standard Time"),
        ("2026-11-27T23:00:00Z", "tzone://Microsoft/Custom"),
    ],
)
def test_a_whole_day_is_the_same_day_however_its_original_start_is_written(
    original: str, zone: str
) -> None:
    assert events.occurrence(day(original, zone), BERLIN).recurrence_id == "2026-11-28"

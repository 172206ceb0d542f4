"""A calendar cut anywhere is no calendar, unless all that was cut off is nothing."""

from dataclasses import replace

import pytest

from cospaced.calendars import icalendar_text
from cospaced.errors import CalendarError
from support import icalendar_writer
from support.events import Changed
from support.situations import PLAIN, SHIRE_TIME, WEEKLY, at


EVENTS = (
    PLAIN,
    replace(PLAIN, id="two@example.org", zone=SHIRE_TIME, link="https://teams.microsoft.com/meet/"),
    replace(PLAIN, id="three@example.org", zone="UTC", title="Größe 会議 👩‍👩‍👧 " * 9),
    replace(PLAIN, id="four@example.org", title="BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VEVENT"),
    replace(
        WEEKLY,
        id="five@example.org",
        changed=(
            Changed(of=at("10-20 09:00"), start=at("10-21 15:00")),
            Changed(of=at("10-27 09:00"), removed=True),
        ),
    ),
)
WHOLE = icalendar_writer.calendar(EVENTS, "aula")
SHAPES = {
    "as it is": WHOLE,
    "with LF alone": WHOLE.replace(b"\r\n", b"\n"),
    "with a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "as UTF-16": WHOLE.decode().encode("utf-16"),
    "with empty lines behind": WHOLE + b"\r\n\r\n",
    "without a last line end": WHOLE.rstrip(),
}


def uids(data: bytes) -> set[str]:
    return set(icalendar_text.read(data).groups)


@pytest.mark.parametrize("shape", SHAPES)
def test_cut_at_any_byte_it_is_never_taken_for_a_shorter_calendar(shape: str) -> None:
    whole = SHAPES[shape]
    expected = icalendar_text.read(whole)
    assert len(expected.groups) == len(EVENTS)
    kinds = [_kind_of(whole[:end], expected) for end in range(len(whole))]
    assert set(kinds) <= {"not_a_calendar", "truncated", "whole"}
    # At most the line ends behind the last line may be missing.
    assert kinds.count("whole") <= 8
    assert "whole" not in kinds[:-8]


def _kind_of(data: bytes, expected: icalendar_text.CalendarText) -> str:
    try:
        found = icalendar_text.read(data)
    except CalendarError as error:
        return error.kind
    return "whole" if found == expected else f"{len(found.groups)} events"


@pytest.mark.parametrize("size", [1, 16, 512, 4096])
def test_padded_with_nul_bytes_from_any_byte_on_it_is_not_either(size: int) -> None:
    expected = icalendar_text.read(WHOLE)
    ends = range(0, len(WHOLE), 7)
    kinds = {_kind_of(WHOLE[:end] + bytes(size), expected) for end in ends}
    assert kinds <= {"not_a_calendar", "truncated", "whole"}


def test_with_a_block_of_nul_bytes_anywhere_inside_it_is_not_whole() -> None:
    for start in range(1, len(WHOLE) - 600, 13):
        with pytest.raises(CalendarError) as caught:
            icalendar_text.read(WHOLE[:start] + bytes(512) + WHOLE[start + 512 :])
        assert caught.value.kind in ("truncated", "not_a_calendar")


def test_single_nul_bytes_are_dropped() -> None:
    assert uids(WHOLE.replace(b"SUMMARY", b"SUM\0MARY") + b"\0" * 512) == uids(WHOLE)


def test_a_cut_exactly_between_two_calendars_of_one_file_leaves_whole_ones() -> None:
    """Nothing in the text tells: what is missing then is believed at the second poll alone."""
    first = icalendar_writer.calendar(EVENTS[:2], "aula")
    second = icalendar_writer.calendar(EVENTS[2:], "aula")
    assert uids(first + second) == uids(first) | uids(second)
    expected = icalendar_text.read(first)
    around = range(len(first) - 40, len(first) + 40)
    whole = [end for end in around if _kind_of((first + second)[:end], expected) == "whole"]
    # From its last letter to where the next calendar has begun to be one.
    assert whole == list(range(len(first) - 2, len(first) + len("BEGIN:")))
    assert uids(first) == {PLAIN.id, "two@example.org"}

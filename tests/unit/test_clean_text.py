"""Text from calendars before it goes on."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.calendars.quirks import outlook_uid
from cospaced.domain.calendar import EventProblem, Occurrence, Reading, cleaned
from cospaced.domain.clean_text import clean
from cospaced.domain.timespan import Timespan


START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EVENT = Occurrence(uid="u", start=START, end=START + timedelta(hours=1))

any_text = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "Planning": "Planning",
        "Büro, 会議 🎉": "Büro, 会議 🎉",
        "👩\u200d💻 pairing": "👩\u200d💻 pairing",
        "\u200fשלמה\u200f": "\u200fשלמה\u200f",
        "cut \ud83d": "cut \ufffd",
        "\x1b]0;owned\x07": "\ufffd]0;owned\ufffd",
        "\x9b31mred\x7f": "\ufffd31mred\ufffd",
        "two\r\nlines\u2028three\x0bfour": "two  lines three four",
        "invoice\u202egpj.exe\u202c": "invoicegpj.exe",
        "\u2066isolated\u2069": "isolated",
        "no characters \ufffe\uffff": "no characters \ufffd\ufffd",
        " \t": "",
    }.items(),
)
def test_what_cannot_be_written_everywhere_is_replaced(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(any_text)
def test_any_text_becomes_one_that_every_document_and_terminal_can_hold(text: str) -> None:
    after = clean(text)
    element = Element("title")
    element.text = after
    assert (fromstring(tostring(element, "utf-8")).text or "") == after
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in after)
    assert not any(unicodedata.bidirectional(c) in _TURNING for c in after)
    assert clean(after) == after


_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@given(any_text)
def test_a_uid_is_the_same_whether_its_source_or_the_engine_cleans_it(uid: str) -> None:
    assert clean(outlook_uid.normalise(uid)) == outlook_uid.normalise(uid)


def test_a_uid_that_exchange_wrapped_is_cleaned_like_any_other() -> None:
    data = b"vCal-Uid\x01\x00\x00\x00a\x07b@x.org\0"
    head = "040000008200E00074C5B7101A82E008" + "00000000" + "00" * 16 + f"{len(data):08x}"
    wrapped = head + data.hex()
    assert outlook_uid.normalise(wrapped) == outlook_uid.normalise("a\x07b@x.org")


def _reading(*events: Occurrence, problems: tuple[EventProblem, ...] = ()) -> Reading:
    covered = Timespan(START, START + timedelta(days=1))
    return Reading(occurrences=events, covered=covered, problems=problems, read_at=START)


def test_every_text_of_a_reading_is_cleaned() -> None:
    bad = replace(
        EVENT,
        uid="u\x07",
        title="a \u202e b\x07",
        organizer="ada\x1b@x.org",
        organizer_name="Ada\ud83d",
    )
    after = cleaned(_reading(bad, problems=(EventProblem(uid="\x07", text="it says \x1b[2J"),)))
    assert after.occurrences == (
        replace(
            EVENT,
            uid="u\ufffd",
            title="a b\ufffd",
            organizer="ada\ufffd@x.org",
            organizer_name="Ada\ufffd",
        ),
    )
    assert after.problems == (EventProblem(uid="\ufffd", text="it says \ufffd[2J"),)


def test_a_reading_in_which_nothing_is_to_be_cleaned_is_left_as_it_is() -> None:
    reading = _reading(replace(EVENT, title="Büro", organizer_name="Ada\xa0Lovelace"))
    assert cleaned(reading) is reading

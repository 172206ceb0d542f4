import json
import logging
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from cospaced.host.log_render import (
    Record,
    as_coloured_console,
    as_console,
    as_journal,
    as_json,
    as_text,
    stamp,
)


AT = "2026-11-23T09:00:00.123Z"


def record(event: str = "leg.left", level: int = logging.INFO, **keys: Any) -> Record:
    return Record(at=AT, level=level, event=event, keys=keys)


def test_the_journal_gets_each_key_as_a_field_and_a_sentence() -> None:
    told = as_journal(
        record("booking.opened", number="4711", booking="b1", late_ms=12, room="boardroom")
    )
    assert told == (
        b"MESSAGE=Opened space 4711 for booking b1, 12 ms late\n"
        b"PRIORITY=6\nSYSLOG_IDENTIFIER=cospaced\nEVENT=booking.opened\n"
        b"TIMESTAMP=2026-11-23T09:00:00.123Z\n"
        b"NUMBER=4711\nBOOKING=b1\nLATE_MS=12\nROOM=boardroom\n"
    )


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.DEBUG, b"7"),
        (logging.INFO, b"6"),
        (logging.WARNING, b"4"),
        (logging.ERROR, b"3"),
        (logging.CRITICAL, b"2"),
    ],
)
def test_levels_are_syslog_priorities(level: int, priority: bytes) -> None:
    assert b"\nPRIORITY=" + priority + b"\n" in as_journal(record(level=level))


def test_a_key_cannot_take_the_place_of_our_own_fields() -> None:
    told = as_journal(record(message="x", priority="0", event_="y"))
    assert b"\nFIELD_MESSAGE=x\n" in told
    assert b"\nFIELD_PRIORITY=0\n" in told
    assert told.count(b"\nPRIORITY=") == 1
    whole = json.loads(as_json(record(level=logging.INFO, timestamp="x")))
    assert whole["timestamp"] == AT
    assert whole["field_timestamp"] == "x"


def test_a_text_from_outside_cannot_look_like_a_second_record() -> None:
    evil = "x\nPRIORITY=0\n2026 error \x1b[2J\u202egnp\x85"
    line = as_console(record("calendar.failed", room="r", reason=evil))
    assert line.count(b"\n") == 1
    for mark in (b"\x1b", "\u202e".encode(), "\x85".encode()):
        assert mark not in line
    assert b"x\\nPRIORITY=0\\n" in line
    message = as_journal(record("calendar.failed", room="r", reason=evil)).splitlines()[0]
    assert message.startswith(b"MESSAGE=Calendar of room r cannot be read: x\\nPRIORITY=0")
    assert as_json(record(reason=evil)).count(b"\n") == 1


def test_a_line_of_json_drives_no_terminal_and_loses_nothing() -> None:
    evil = (
        "\x1b[2J\x7f\x9b2J\u061c\u200f\u2028\u202egnp\u2069\ud800 B\u00fcro \u4f1a\u8bae \U0001f600"
    )
    line = as_json(record("calendar.failed", room=evil, reason="x"))
    assert json.loads(line)["room"] == evil
    assert line.decode().removesuffix("\n").isprintable()
    assert b"\\u009b2J" in line
    assert "B\u00fcro \u4f1a\u8bae \U0001f600".encode() in line


def test_json_keeps_numbers_and_lists_and_says_the_sentence() -> None:
    line = as_json(record("booking.opened", number="4711", booking="b1", late_ms=12, rooms=["a"]))
    assert json.loads(line) == {
        "timestamp": AT,
        "level": "info",
        "event": "booking.opened",
        "message": "Opened space 4711 for booking b1, 12 ms late",
        "number": "4711",
        "booking": "b1",
        "late_ms": 12,
        "rooms": ["a"],
    }


def test_a_console_line_has_the_sentence_what_it_leaves_out_and_the_traceback_below() -> None:
    told = as_console(
        record(
            "leg.left",
            logging.ERROR,
            endpoint="b@x",
            attempt=2,
            exception="Traceback\n  oh\nValueError: n",
        )
    )
    assert told.decode() == (
        f"{AT} error   b@x hung up; it is left in peace  [leg.left attempt=2]\n"
        "    Traceback\n      oh\n    ValueError: n\n"
    )
    plain = as_console(record("some.thing", room="a b")).decode()
    assert plain == f"{AT} info    some.thing room='a b'\n"
    assert b"\x1b[31m" in as_coloured_console(record(level=logging.ERROR))


def test_a_traceback_ends_the_sentence_with_its_last_line() -> None:
    told = as_journal(record("daemon.failed", exception="Traceback\n  x\nValueError: no"))
    assert told.startswith(b"MESSAGE=cospaced ends because of a fault (ValueError: no)\n")
    assert b"\nEXCEPTION\n" in told


def test_a_giant_value_is_cut_in_lines_and_whole_in_its_field() -> None:
    told = as_journal(record("calendar.failed", room="r", reason="x" * 1_000_000))
    assert len(told.splitlines()[0]) < 5_000
    assert told.endswith(b"x" * 1_000_000 + b"\n")


def test_lone_surrogates_from_broken_input_do_not_raise() -> None:
    for render in (as_journal, as_json, as_console):
        assert b"\\ud800" in render(record(reason="a\ud800b"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (1.5, "1.5"),
        (
            datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-23T09:00:00Z",
        ),
        (date(2026, 11, 23), "2026-11-23"),
        (timedelta(minutes=2), "120"),
        (("a", 1), "a, 1"),
        (ValueError("password=x"), "password=********"),
    ],
)
def test_values_read_the_same_everywhere(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_a_stamp_is_in_utc_with_milliseconds() -> None:
    assert stamp(datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)) == AT
    assert stamp(datetime(2026, 11, 23, 9, tzinfo=UTC)) == "2026-11-23T09:00:00.000Z"

"""A record as bytes: fields for the journal, a line of JSON, or a line for people.

Texts come from calendars and from other servers, so what is shown in a line has its control
characters escaped: a title with a newline in it cannot pass for a second record.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cospaced.host.journal import encode, field_name
from cospaced.host.log_mask import mask_text
from cospaced.host.messages import plainly, sentence
from cospaced.host.printable import printable, printable_json


IDENTIFIER = "cospaced"
SHOWN = 2_000
"""Characters of one value, or of a sentence, that are shown in a line; fields carry all."""

_PRIORITIES = {
    logging.DEBUG: "7",
    logging.INFO: "6",
    logging.WARNING: "4",
    logging.ERROR: "3",
    logging.CRITICAL: "2",
}
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
_COLOURS = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}
_OURS = frozenset({"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT", "TIMESTAMP"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is rendered: time (UTC, as text), level (of logging), event, masked keys."""

    at: str
    level: int
    event: str
    keys: Mapping[str, Any]


Renderer = Callable[[Record], bytes]


def stamp(moment: datetime) -> str:
    """Return `2026-11-23T09:00:00.123Z`; `moment` is in UTC, as the Clock gives it."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def as_journal(record: Record) -> bytes:
    """Return the record in the journal's native protocol; each key is a field of its own."""
    texts = _texts(record.keys)
    fields = [
        ("MESSAGE", _told(record.event, texts)),
        ("PRIORITY", _PRIORITIES[record.level]),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("EVENT", record.event),
        ("TIMESTAMP", record.at),
    ]
    for key, text in texts.items():
        name = field_name(key)
        fields.append((f"FIELD_{name}" if name in _OURS else name, text))
    return encode(fields)


def as_json(record: Record) -> bytes:
    """Return one object on one line: timestamp, level, event, message, and the keys."""
    whole = {
        "timestamp": record.at,
        "level": _NAMES[record.level],
        "event": record.event,
        "message": _told(record.event, _texts(record.keys)),
    }
    for key, value in record.keys.items():
        whole[f"field_{key}" if key in whole else key] = value
    text = json.dumps(whole, default=as_text, ensure_ascii=False, separators=(",", ":"))
    return printable_json(text).encode() + b"\n"


def as_console(record: Record) -> bytes:
    """Return a line for a person, and the traceback below it."""
    return _console(record, "", "", "")


def as_coloured_console(record: Record) -> bytes:
    """Return `as_console`, with the colours of a terminal."""
    return _console(record, f"\x1b[{_COLOURS.get(record.level, '0')}m", "\x1b[2m", "\x1b[0m")


def _console(record: Record, colour: str, dim: str, plain: str) -> bytes:
    texts = _texts(record.keys)
    trace = texts.pop("exception", "")
    shown = {key: _fit(text) for key, text in texts.items()}
    told = sentence(record.event, shown)
    # What the sentence says already is not said again; empty keys say nothing.
    rest = plainly(record.event, {key: text for key, text in shown.items() if text not in told})
    line = f"{dim}{record.at}{plain} {colour}{_NAMES[record.level]:<7} {_fit(told)}{plain}"
    if told != plainly(record.event, shown):
        line += f"  {dim}[{rest}]{plain}"
    lines = [line, *(f"    {_fit(part)}" for part in trace.splitlines())]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _told(event: str, texts: Mapping[str, str]) -> str:
    """Return the sentence, and the last line of a traceback behind it."""
    shown = {key: _fit(text) for key, text in texts.items() if key != "exception"}
    told = _fit(sentence(event, shown))
    trace = texts.get("exception", "")
    return f"{told} ({_fit(trace.splitlines()[-1])})" if trace else told


def _fit(text: str) -> str:
    """Return the text fit for one line: no control characters, not endless."""
    if len(text) > SHOWN:
        text = text[:SHOWN] + "…"
    return printable(text)


def _texts(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that have a value, as texts."""
    return {key: as_text(value) for key, value in keys.items() if value is not None}


def as_text(value: Any) -> str:
    """Return a value as it stands in a log: instants in UTC, durations in seconds, lists joined."""
    match value:
        case str():
            return str(value)
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case int():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}"
        case list() | tuple():
            return ", ".join(as_text(inner) for inner in value)
        case _:
            return mask_text(str(value))

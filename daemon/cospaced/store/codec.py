"""Rows as bytes: JSON of the domain's dataclasses, and back, exactly.

Rows of another release: keys that this one does not know are ignored (a later release added
them), keys that are missing take the field's default. A value that means nothing here (a state
this release does not know) makes the row unreadable: `Undecodable`.

Half a surrogate pair (calendars hold them where a title was cut) is no text: it is stored as `?`.
"""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from cospaced.domain.booking import Booking
from cospaced.domain.calendar import Reading


class Undecodable(ValueError):
    """A stored row that this release cannot read; the text names the fields, never a value."""


T = TypeVar("T")

_BOOKING = TypeAdapter(Booking)
_READING = TypeAdapter(Reading)


def encode_booking(booking: Booking) -> bytes:
    """Return a booking as JSON."""
    return _encoded(_BOOKING, booking)


def decode_booking(text: bytes) -> Booking:
    """Return the booking that was encoded; raises Undecodable."""
    return _decoded(_BOOKING, text)


def encode_reading(reading: Reading) -> tuple[bytes, bytes]:
    """Return a reading as JSON without its body, and the body, which is no text."""
    return _encoded(_READING, replace(reading, body=b"")), reading.body


def decode_reading(text: bytes, body: bytes) -> Reading:
    """Return the reading that was encoded; raises Undecodable."""
    return replace(_decoded(_READING, text), body=body)


def encode_moment(moment: datetime) -> str:
    """Return a moment as text of one width, whose order is that of time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def decode_moment(text: str) -> datetime:
    """Return the moment that was encoded."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def encode_text(text: str) -> str:
    """Return text that can be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _encoded(adapter: TypeAdapter[T], value: T) -> bytes:
    try:
        return adapter.dump_json(value)
    except PydanticSerializationError:
        whole = adapter.validate_python(_with_whole_text(adapter.dump_python(value)))
        return adapter.dump_json(whole)


def _with_whole_text(value: Any) -> Any:
    match value:
        case dict():
            return {key: _with_whole_text(each) for key, each in value.items()}
        case list() | tuple():
            return tuple(_with_whole_text(each) for each in value)
        case str():
            return encode_text(value)
        case _:
            return value


def _decoded(adapter: TypeAdapter[T], text: bytes) -> T:
    try:
        value = adapter.validate_json(text)
    except ValidationError as error:
        # The values may be private: only the places and what is wrong there go on.
        wrong = [f"{'.'.join(map(str, e['loc']))} {e['type']}" for e in error.errors()]
        raise Undecodable("; ".join(wrong[:3])) from None
    _in_utc(value)
    return value


def _in_utc(value: Any) -> None:
    """Put `datetime.UTC` in place of the parser's own zone object, which is equal but slow.

    The value was made a moment ago and nobody else has it, so writing into it is no change.
    """
    kind: Any = type(value)
    moments, inner = _shape(kind)
    for name in moments:
        moment = getattr(value, name)
        if moment is not None:
            object.__setattr__(value, name, moment.replace(tzinfo=UTC))
    for name in inner:
        part = getattr(value, name)
        for each in part if isinstance(part, tuple) else (part,):
            if each is not None:
                _in_utc(each)


@cache
def _shape(kind: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a dataclass's moments, and of its fields that hold dataclasses."""
    hints = get_type_hints(kind)
    moments, inner = [], []
    for each in fields(kind):
        kinds: set[Any] = {hints[each.name], *get_args(hints[each.name])}
        if datetime in kinds:
            moments.append(each.name)
            continue
        parts: list[Any] = [part for part in kinds if is_dataclass(part)]
        if any(any(_shape(part)) for part in parts):
            inner.append(each.name)
    return tuple(moments), tuple(inner)

"""How the daemon and its worker processes talk: a length of four bytes, then a pickle.

Pickle is safe here because both ends are this very program, joined by pipes that nobody else
holds. An answer comes in slices, so that unpickling a large one never holds the loop for long.
"""

import asyncio
import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO, Any

from cospaced.errors import CalendarError


_LENGTH = struct.Struct(">I")
_SLICE = 500


@dataclass(frozen=True, slots=True)
class _Failed:
    """A CalendarError on its way; exceptions with two arguments do not pickle."""

    kind: str
    text: str
    after: timedelta | None
    shared: bool
    remedy: str | None


def frame(value: object) -> bytes:
    """Return a value as one frame."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def answer(result: Any) -> Iterator[bytes]:
    """Yield the frames of an answer: what it is, then its occurrences in slices, then None.

    It is a CalendarError, or a dataclass, whose `occurrences`, if it has them, may be many.
    """
    if isinstance(result, CalendarError):
        failed = (result.kind, result.seen, result.after, result.shared, result.remedy)
        yield frame(_Failed(*failed))
        return
    occurrences = getattr(result, "occurrences", ())
    yield frame(replace(result, occurrences=()) if occurrences else result)
    for start in range(0, len(occurrences), _SLICE):
        yield frame(occurrences[start : start + _SLICE])
    yield frame(None)


async def read_answer(stream: asyncio.StreamReader) -> Any:
    """Read the frames of an answer.

    Raises the CalendarError it is, or asyncio.IncompleteReadError where the worker is gone.
    """
    head = await _read(stream)
    if isinstance(head, _Failed):
        raise CalendarError(
            head.kind, head.text, after=head.after, shared=head.shared, remedy=head.remedy
        )
    occurrences = []
    while (some := await _read(stream)) is not None:
        occurrences += some
    return replace(head, occurrences=tuple(occurrences)) if occurrences else head


def read_job(stream: IO[bytes]) -> Any:
    """Read one frame in the worker; None where the daemon has closed the pipe."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(head)[0]
    data = stream.read(size)
    return pickle.loads(data) if len(data) == size else None  # noqa: S301 - see the module


async def _read(stream: asyncio.StreamReader) -> Any:
    size = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))[0]
    return pickle.loads(await stream.readexactly(size))  # noqa: S301 - see the module

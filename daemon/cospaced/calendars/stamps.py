"""What a reading remembers of its calendar, so that the next poll can be cheap; JSON text."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import ClassVar, TypeVar

from cospaced.domain.calendar import Reading


_FORMAT = 4
"""Raised whenever the same calendar text would come to mean other occurrences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the stamps of all sources say; each adds its own."""

    meant: str
    """Digest of where it was read and of the settings that it was understood by."""
    full: str
    """When it was last read whole, ISO 8601."""
    needs_body: ClassVar[bool] = True
    """Whether it is worth nothing without the body of its reading."""

    def written(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def age(self, now: datetime) -> float:
        """Return the seconds since it was read whole."""
        return (now - datetime.fromisoformat(self.full)).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStamp(Stamp):
    """The stamp of a calendar that is one text: a file or a feed."""

    digest: str
    """Of the bytes that were read."""
    etag: str = ""
    modified: str = ""
    """Last-Modified of a feed, or the times of a file."""


Some = TypeVar("Some", bound=Stamp)


def read(previous: Reading | None, meant: str, kind: type[Some]) -> Some | None:
    """Return the stamp of a reading that still holds, or None: then all is to be read anew."""
    if previous is None or not previous.stamp or (kind.needs_body and not previous.body):
        return None
    try:
        stamp = kind(**json.loads(previous.stamp))
        datetime.fromisoformat(stamp.full)
    except (TypeError, ValueError):
        return None
    return stamp if stamp.meant == meant else None


def meant(*settings: str) -> str:
    """Return a digest of the settings that decide what a calendar says."""
    return digest(json.dumps([_FORMAT, *settings]).encode())


def digest(data: bytes) -> str:
    """Return a digest of bytes."""
    return blake2b(data, digest_size=16).hexdigest()

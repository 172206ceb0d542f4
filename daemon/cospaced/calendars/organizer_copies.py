"""What is known of organizers' own copies, kept with a room's reading; pure.

Told apart are: not asked yet, asked and nothing found, and what was found. An answer holds as long
as the room's items have the change keys that they had when it was asked for.
"""

import json
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from cospaced.calendars.quirks import cancelled_title, outlook_uid
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.spoilt_title import (
    MOST_LOOKS,
    Event,
    OwnCopy,
    event_of,
    is_spoilt,
    mended,
    soonest,
)


_LENGTH = struct.Struct(">I")
_LONGEST_TITLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What tells one state of an occurrence in the room's calendar from the next."""

    change_key: str
    changed_alone: bool = False
    """It differs from its series, or came without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one organizer's copy; `change_keys` are those of the room's items then."""

    change_keys: tuple[str, ...]
    asked: bool = False
    own: OwnCopy = field(default_factory=OwnCopy)


Ledger = Mapping[Event, Known]
"""What is known, soonest event first."""


def own_copy(found: Iterable[tuple[str, bool]]) -> OwnCopy:
    """Return what an organizer's calendar says, of subjects and whether they are private.

    It is private where any is: nobody can tell which of several the room was invited to.
    """
    told = list(found)
    titles = (" ".join(cancelled_title.strip(subject)[0].split()) for subject, _ in told)
    return OwnCopy(
        title=next((title[:_LONGEST_TITLE] for title in titles if title), ""),
        private=any(private for _, private in told),
    )


def reviewed(
    ledger: Ledger,
    occurrences: Sequence[Occurrence],
    versions: Sequence[Version],
    *,
    mailbox: str,
    now: datetime,
) -> Ledger:
    """Return what still holds, and what is to be asked, for what the room's `mailbox` shows now.

    Nothing is asked of an event that is over; what was learnt of it is kept.
    """
    change_keys: dict[Event, set[str]] = {}
    for one, version in zip(occurrences, versions, strict=True):
        change_keys.setdefault(event_of(one), set()).add(version.change_key)
    spoilt = [one for one in occurrences if _is_sought(one, mailbox.lower())]
    coming = dict.fromkeys(soonest(spoilt, now))
    found: dict[Event, Known] = {}
    for event in dict.fromkeys((*coming, *map(event_of, spoilt))):
        known, keys = ledger.get(event), change_keys[event]
        if known is not None and known.asked and keys.issubset(known.change_keys):
            found[event] = replace(known, change_keys=tuple(sorted(keys)))
        elif event in coming:
            # A look may be put off: until then it is called as it was, or stays hidden.
            own = known.own if known is not None else OwnCopy()
            own = OwnCopy(private=True) if own.private else own
            found[event] = Known(change_keys=tuple(sorted(keys)), own=own)
    return found


def _is_sought(one: Occurrence, mailbox: str) -> bool:
    """Whether an organizer's copy may say a better title.

    An event of the room's own has no other copy, a cancelled one none any more. No mailbox has an
    address beyond ASCII, and no request could name it.
    """
    return (
        is_spoilt(one.title, one.organizer_name)
        and not one.cancelled
        and one.organizer not in ("", mailbox)
        and one.organizer.isascii()
        and outlook_uid.object_id(one.uid) is not None
    )


def due(ledger: Ledger, left_alone: Collection[str]) -> tuple[Event, ...]:
    """Return the events to ask about now: the soonest, but for organizers that are left alone."""
    waiting = (e for e, known in ledger.items() if not known.asked and e[0] not in left_alone)
    return tuple(islice(waiting, MOST_LOOKS))


def learnt(ledger: Ledger, found: Mapping[Event, OwnCopy]) -> Ledger:
    """Return a ledger with what was found, which may be nothing."""
    return {
        event: replace(known, asked=True, own=found[event]) if event in found else known
        for event, known in ledger.items()
    }


def applied(
    ledger: Ledger, occurrences: Sequence[Occurrence], versions: Sequence[Version]
) -> tuple[Occurrence, ...]:
    """Return occurrences with the titles, and the privacy, of their organizers' copies."""
    return tuple(
        mended(one, ledger[event_of(one)].own, changed_alone=version.changed_alone)
        if event_of(one) in ledger
        else one
        for one, version in zip(occurrences, versions, strict=True)
    )


def packed(ledger: Ledger, meant: str, rest: bytes = b"") -> bytes:
    """Return a ledger as it is stored, before what else its source stores.

    `meant` is the digest of the settings that it holds for (`stamps.meant`).
    """
    rows = [
        [*event, known.change_keys, known.asked, known.own.title, known.own.private]
        for event, known in ledger.items()
    ]
    data = zlib.compress(json.dumps([meant, rows], separators=(",", ":")).encode(), 1)
    return _LENGTH.pack(len(data)) + data + rest


def unpacked(reading: Reading | None, meant: str) -> Ledger:
    """Return a reading's ledger; empty where it has none, a damaged one, or one of other settings.

    It holds even if the reading's stamp does not: a calendar that is read anew is the same.
    """
    try:
        data, _ = _parted(reading.body if reading is not None else b"")
        written_for, rows = json.loads(zlib.decompress(data))
        found = {
            (str(organizer), str(uid)): Known(
                change_keys=tuple(keys), asked=asked, own=OwnCopy(title=title, private=private)
            )
            for organizer, uid, keys, asked, title, private in rows
        }
    except (struct.error, zlib.error, ValueError, TypeError):
        return {}
    return found if written_for == meant else {}


def rest(body: bytes) -> bytes:
    """Return what a source stores behind its ledger; empty where it is damaged."""
    try:
        return _parted(body)[1]
    except struct.error:
        return b""


def _parted(body: bytes) -> tuple[bytes, bytes]:
    (length,) = _LENGTH.unpack_from(body)
    begin = _LENGTH.size
    return body[begin : begin + length], body[begin + length :]

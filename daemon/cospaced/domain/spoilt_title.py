"""What a room mailbox of Exchange makes of a title, and what the organizer's own copy mends.

Such a mailbox writes the organizer's name before the subject (AddOrganizerToSubject) or deletes the
subject (DeleteSubject); by default both, and then the name alone is left. Whether a title is
spoilt, and what becomes of it, is judged here for all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cospaced.domain.calendar import Occurrence


MOST_LOOKS = 20
"""Organizers' copies that one poll of a room looks at, those of the soonest events."""

Event = tuple[str, str]
"""What an organizer's copy is of: organizer and UID; of a series there is one copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCopy:
    """What an organizer's copy says; `title` is empty where there is no copy, or no subject."""

    title: str = ""
    private: bool = False


def event_of(occurrence: Occurrence) -> Event:
    """Return whose event an occurrence is of."""
    return occurrence.organizer, occurrence.uid


def is_only_name(title: str, name: str) -> bool:
    """Whether a title is the organizer's name and nothing else."""
    return bool(_plain(name)) and _plain(title).casefold() == _plain(name).casefold()


def begins_with_name(title: str, name: str) -> bool:
    """Whether a title is the organizer's name and something behind it."""
    return bool(without_name(title, name))


def without_name(title: str, name: str) -> str:
    """Return what stands behind the organizer's name; empty where a title begins otherwise."""
    title, prefix = _plain(title), f"{_plain(name)} "
    if not prefix.strip() or title[: len(prefix)].casefold() != prefix.casefold():
        return ""
    return title[len(prefix) :]


def is_spoilt(title: str, name: str) -> bool:
    """Whether a title is none, the organizer's name, or begins with it: by chance, it may be."""
    return not title.strip() or is_only_name(title, name) or begins_with_name(title, name)


def mended(occurrence: Occurrence, own: OwnCopy, *, changed_alone: bool = False) -> Occurrence:
    """Return an occurrence with what the organizer's copy says better.

    It is private where either is, whatever becomes of the title. `changed_alone`: it differs from
    its series, whose copy `own` is; what stands behind the name in its title is then its own.
    """
    title, name = occurrence.title, occurrence.organizer_name
    if own.title and own.title != title and is_spoilt(title, name):
        title = (without_name(title, name) if changed_alone else "") or own.title
    return replace(occurrence, title=title, private=occurrence.private or own.private)


def soonest(occurrences: Iterable[Occurrence], now: datetime) -> tuple[Event, ...]:
    """Return the events that are not over yet, in the order of `occurrences`, each once."""
    return tuple(dict.fromkeys(event_of(one) for one in occurrences if one.end > now))


def _plain(text: str) -> str:
    return " ".join(text.split())

"""The shape of a check and of what it finds."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cospaced.doctor.site import Site


class Severity(IntEnum):
    """How much a finding matters; from `WARNING` up it wants a person."""

    OK = 0
    NOTE = 1
    """Good to know; also what could not be checked here."""
    WARNING = 2
    """Works, or seems to, and will not always."""
    ERROR = 3
    """Conferences do not come about, or not all of them."""


class Area(StrEnum):
    """Under which head a check is shown."""

    CONFIGURATION = "Configuration"
    MACHINE = "This machine"
    CALENDARS = "Calendars"
    CMS = "Call Bridges"
    NUMBERS = "Numbers and dial plan"
    SOFTWARE = "Software"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing seen: `remedy` says what to type or where to click, empty where nothing is to do.

    `subject` names what it is about, with its kind: `room aula`, `bridge core1`, `file /etc/...`.
    """

    severity: Severity
    seen: str
    remedy: str = ""
    subject: str = ""


def ok(seen: str, subject: str = "") -> Finding:
    """Return that something is as it should be."""
    return Finding(severity=Severity.OK, seen=seen, subject=subject)


def note(seen: str, remedy: str = "", subject: str = "") -> Finding:
    """Return something good to know."""
    return Finding(severity=Severity.NOTE, seen=seen, remedy=remedy, subject=subject)


def warning(seen: str, remedy: str, subject: str = "") -> Finding:
    """Return something that will not always go well."""
    return Finding(severity=Severity.WARNING, seen=seen, remedy=remedy, subject=subject)


def error(seen: str, remedy: str, subject: str = "") -> Finding:
    """Return something by which conferences fail."""
    return Finding(severity=Severity.ERROR, seen=seen, remedy=remedy, subject=subject)


Look = Callable[[Site], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `slug` is its module's name, `look` returns one finding at least.

    `look` may raise CospacedError: its text becomes the finding. It must not block the loop
    (`Site.aside`), and is given up after `deadline` seconds.
    """

    slug: str
    title: str
    area: Area
    look: Look
    deadline: float = 30.0


def split_remedy(sentence: str) -> tuple[str, str]:
    """Split a sentence of the configuration into what is wrong and the remedy in brackets."""
    return _last_bracket(sentence) or split_fault(sentence)


def _last_bracket(sentence: str) -> tuple[str, str] | None:
    """Return what stands before and in the bracket that ends a sentence; None where none does."""
    if not sentence.endswith(")"):
        return None
    depth = 0
    for place in range(len(sentence) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(sentence[place], 0)
        if not depth:
            return sentence[:place].rstrip(), sentence[place + 1 : -1]
    return None


def split_fault(sentence: str) -> tuple[str, str]:
    """Split an error's sentence at its last semicolon; what stands in brackets is detail."""
    seen, semicolon, remedy = sentence.rpartition("; ")
    if semicolon:
        return seen, remedy
    seen, colon, remedy = sentence.partition("): ")
    return (f"{seen})", remedy) if colon else (sentence, "")


_PROGRAM = re.compile(
    r"(?:apt|chgrp|chmod|chown|cp|install|journalctl|mkdir|pip|systemctl|timedatectl) "
    r"|(?:Add|Get|New|Remove|Set)-[A-Z]\w+ "  # PowerShell
    r"|'[^']+'(?:,'[^']+')* \| "  # what is piped into it
)


def command_of(remedy: str) -> tuple[str, str]:
    """Split a remedy into the command that is to be typed, and words about it.

    It is one where it begins with a program's name, and is it to the end but for a last bracket. No
    remedy may begin so that is none: the command is shown to be pasted as it stands.
    """
    if not _PROGRAM.match(remedy):
        return "", remedy
    return _last_bracket(remedy) or (remedy, "")


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names in a row, the first few of many."""
    every = list(names)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def about(kind: str, names: Iterable[str]) -> str:
    """Return the subject of a finding on several: `rooms aula, foyer`."""
    every = list(names)
    return f"{kind if len(every) == 1 else kind + 's'} {listed(every)}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return `1 room` or `2 rooms`."""
    return f"{count} {one if count == 1 else many or one + 's'}"

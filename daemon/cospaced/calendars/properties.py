"""One content line of iCalendar (RFC 5545, section 3.1): its name, parameters and value.

Only lines that are needed are taken apart. Lines are unfolded text; names come out in capitals.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_TIMES = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE", "DTSTAMP"})
_LOOSE_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*("[^"]*"|[^;]*)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Property:
    """A content line taken apart; parameter values are without their quotes."""

    name: str
    value: str
    parameters: dict[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """Return a parameter's value, or nothing."""
        return self.parameters.get(name, "")

    @property
    def text(self) -> str:
        """The value with its escapes resolved (RFC 5545, section 3.3.11)."""
        return _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], self.value)


def name_of(line: str) -> str:
    """Return the property's name in capitals; nothing where the line is none."""
    found = _NAME.match(line)
    return found[0].upper() if found else ""


def parse(line: str) -> Property:
    """Take a content line apart.

    Values of times hold no colon, so theirs begins at the last one: that reads the unquoted
    `TZID=(UTC+01:00) Amsterdam, Berlin` that some producers write.
    """
    name = name_of(line)
    rest = line[len(name) :]
    parameters: dict[str, str] = {}
    if name in _TIMES:
        head, _, value = rest.rpartition(":")
        for found in _LOOSE_PARAMETER.finditer(head):
            parameters[found[1].upper()] = found[2].strip(' "')
        return Property(name, value.strip(), parameters)
    position = 0
    while part := _PARAMETER.match(rest, position):
        parameters[part[1].upper()] = part[2].replace('"', "")
        position = part.end()
    return Property(name, rest[position:].removeprefix(":").strip(), parameters)


def first(properties: Iterable[Property], name: str) -> Property | None:
    """Return the first property of that name, or None."""
    return next((p for p in properties if p.name == name), None)

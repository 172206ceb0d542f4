"""Text for people: as wide as their terminal, coloured on one alone, in local time."""

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import click


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_NARROWEST = 40

PLAIN = ""
"""No colour but the terminal's own, which may be black or white."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """How wide lines may be (0: any width, into a file or pipe), and whether colours are shown."""

    width: int = 0
    colour: bool = False

    def cut(self, line: str) -> str:
        """Return a line that does not wrap."""
        if not self.width or columns(line) <= self.width:
            return line
        shown = ""
        for character in line:
            if columns(shown) + columns(character) >= self.width:
                break
            shown += character
        return f"{shown}…"

    def fold(self, line: str) -> list[str]:
        """Return a line as several where it would wrap; those that go on are set in by two."""
        if not self.width or columns(line) <= self.width:
            return [line]
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        lines = textwrap.wrap(line, self.width, subsequent_indent=indent, break_on_hyphens=False)
        # Wide characters take more room than is counted there.
        return [self.cut(one) for one in lines]

    def hang(self, head: str, text: str) -> str:
        """Return head and text, the text's further lines below its first one."""
        indent = len(head)
        if self.width - indent < _NARROWEST:
            return f"{head}{text}".rstrip()
        lines = textwrap.wrap(
            text, self.width - indent, break_long_words=False, break_on_hyphens=False
        )
        return f"\n{' ' * indent}".join(
            [f"{head}{lines[0]}" if lines else head.rstrip(), *lines[1:]]
        )

    def style(self, text: str, colour: str) -> str:
        """Return text in bold, and in a colour (or `PLAIN`), where colours are shown."""
        return click.style(text, fg=colour or None, bold=True) if self.colour else text


def terminal() -> Terminal:
    """Return what standard output is; NO_COLOR and TERM=dumb turn colours off."""
    if not sys.stdout.isatty():
        return Terminal()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Terminal(width=shutil.get_terminal_size().columns, colour=not plain)


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def stamp(moment: str, zone: ZoneInfo) -> str:
    """Return a moment of a document as local date and time."""
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def localised(text: str, zone: ZoneInfo, day: str) -> str:
    """Return a text with its moments in local time; those of `day` (ISO) without their date."""
    return _MOMENT.sub(
        lambda found: stamp(found[0], zone).removeprefix(f"{day} "),
        text,
    )


def span(start: str, end: str, zone: ZoneInfo) -> str:
    """Return from when until when, in local time: `Thu 2026-11-26 09:00-10:00`."""
    begin, until = (datetime.fromisoformat(at).astimezone(zone) for at in (start, end))
    day = "" if begin.date() == until.date() else f"{until:%Y-%m-%d} "
    return f"{begin:%a %Y-%m-%d %H:%M}-{day}{until:%H:%M}"

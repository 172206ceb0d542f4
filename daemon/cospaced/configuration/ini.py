"""Reads INI text into sections and entries that know their lines.

The grammar is that of the standard library's configparser: `[name]`, `key = value` or
`key: value`, full-line comments with `#` or `;`, and lines indented deeper than their key that
continue its value. configparser itself knows no line numbers and stops at the first fault, so
this reader stands in its place. There are no inline comments and no interpolation: passwords
contain `;`, `#` and `%`. For the same reason no problem quotes what a line holds.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from cospaced.errors import Problem


_LINE_ENDS = re.compile(rb"\r\n|\n|\r")
_HEADER = re.compile(r"\[([^\[\]]*)\]")
_ENTRY = re.compile(r"([^=:]*?)\s*[=:]\s*(.*)")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key with its value; `value` has one line for each line written, stripped."""

    key: str
    """In lower case."""
    value: str
    file: Path
    line: int
    next_line: int = 0
    """The first line that continues the value; 0 where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`[kind]` or `[kind:name]` with the entries below it, no key twice."""

    kind: str
    name: str
    file: Path
    line: int
    entries: tuple[Entry, ...] = ()

    @property
    def title(self) -> str:
        """What stands between the brackets."""
        return f"{self.kind}:{self.name}" if self.name else self.kind

    def entry(self, key: str) -> Entry | None:
        """Return the entry of a key, or None."""
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IniFile:
    """What one file holds; where `problems` is not empty, the sections are what could be read."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]


def read(file: Path) -> IniFile:
    """Read one file; a file that cannot be read is a problem too, nothing is raised."""
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        return IniFile(sections=(), problems=(_file_problem(file, 0, _unreadable(error)),))
    return parse(content, file)


def parse(content: bytes, file: Path) -> IniFile:
    """Read the bytes of one file; `file` is what problems and entries name."""
    content = content.removeprefix(_BOM)
    if b"\0" in content:
        above = content[: content.index(b"\0")]
        text = "holds a NUL byte, so this is no text in UTF-8 (save the file as UTF-8)"
        return IniFile(
            sections=(), problems=(_file_problem(file, len(_LINE_ENDS.findall(above)) + 1, text),)
        )
    parser = _Parser(file)
    for number, line in enumerate(_LINE_ENDS.split(content), start=1):
        parser.feed(number, line)
    return parser.result()


def _unreadable(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such file (check the name; -c FILE names the main one)"
        case PermissionError():
            return (
                "may not be read by this user (let the service's group read it, "
                "chgrp cospaced and chmod 0640, or run this command as root)"
            )
        case IsADirectoryError():
            return "is a directory (name a file)"
        case OSError():
            return f"cannot be read: {error.strerror} (check the name and the file system)"
        case _:
            return "is no possible name of a file (check the name)"


def _file_problem(file: Path, line: int, text: str) -> Problem:
    return Problem(file=str(file), line=line, section="", key="", text=text)


class _Parser:
    """Takes lines one by one; holds the section and the entry that the next line may add to."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._sections: list[Section] = []
        self._section: Section | None = None
        self._entries: dict[str, Entry] = {}
        self._open: Entry | None = None
        self._open_is_kept = False
        self._indent = 0

    def feed(self, number: int, raw: bytes) -> None:
        """Take one line."""
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self._complain(
                number, f"byte {error.start + 1} of this line is not UTF-8 (save the file as UTF-8)"
            )
            line = raw.decode("utf-8", errors="replace")
        text = line.strip()
        if not text or text[0] in "#;":
            return
        indent = len(line) - len(line.lstrip())
        if self._open is not None and indent > self._indent:
            self._continue(number, text)
        elif text.startswith("["):
            self._start_section(number, text)
        else:
            self._indent = indent
            self._start_entry(number, text)

    def result(self) -> IniFile:
        """Close the last section and return everything."""
        self._end_section()
        return IniFile(sections=tuple(self._sections), problems=tuple(self._problems))

    def _complain(self, line: int, text: str, key: str = "") -> None:
        title = self._section.title if self._section else ""
        self._problems.append(
            Problem(file=str(self._file), line=line, section=title, key=key, text=text)
        )

    def _continue(self, number: int, text: str) -> None:
        if self._open is None or not self._open_is_kept:
            return
        entry = self._open
        self._open = replace(
            entry, value=f"{entry.value}\n{text}".strip(), next_line=entry.next_line or number
        )
        self._entries[entry.key] = self._open

    def _end_section(self) -> None:
        if self._section is not None:
            self._sections.append(replace(self._section, entries=tuple(self._entries.values())))
        self._section, self._entries, self._open = None, {}, None

    def _start_section(self, number: int, text: str) -> None:
        header = _HEADER.fullmatch(text)
        if header is None:
            self._open = None
            self._complain(number, "is no section header (write [name] alone on its line)")
            return
        self._end_section()
        kind, _, name = header.group(1).partition(":")
        self._section = Section(kind=kind.strip(), name=name.strip(), file=self._file, line=number)

    def _start_entry(self, number: int, text: str) -> None:
        # A line that is no entry also ends the one above: what is indented below it is its own.
        self._open, self._open_is_kept = None, False
        entry = _ENTRY.fullmatch(text)
        if entry is None or not _KEY.fullmatch(entry.group(1)):
            self._complain(
                number,
                "is neither [section] nor key = value nor a comment "
                "(write key = value with a key of one word, or # in front)",
            )
            return
        key = entry.group(1).lower()
        if self._section is None:
            self._complain(number, "stands before the first section (write [section] above)", key)
            return
        self._open = Entry(key=key, value=entry.group(2), file=self._file, line=number)
        first = self._entries.get(key)
        if first is not None:
            self._complain(number, f"stands twice, first in line {first.line} (keep one)", key)
            return
        self._open_is_kept = True
        self._entries[key] = self._open

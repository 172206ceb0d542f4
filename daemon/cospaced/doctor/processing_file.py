"""An export of Get-CalendarProcessing, as PowerShell's Export-Csv writes it.

Windows PowerShell writes ASCII or, redirected, UTF-16 and a first line `#TYPE ...`; PowerShell 7
writes UTF-8; -UseCulture takes the semicolon in half of Europe. The script in contrib/exchange puts
each room's mail address into a column `Mailbox`; without it `Identity` names the room, by a path.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cospaced.errors import CospacedError
from cospaced.settings import RoomSettings


FLAGS = ("AddOrganizerToSubject", "DeleteSubject", "DeleteComments", "RemovePrivateProperty")
"""What a room mailbox may do to an invitation that it accepts; all are on by default."""
AUTOMATE = "AutomateProcessing"
_NAMES = ("Mailbox", "PrimarySmtpAddress", "Identity")
_MOST = 50_000_000


class NoExport(CospacedError):
    """A file that cannot be read as an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """One room: `name` is its mail address or a path ending in its name, in lower case."""

    name: str
    flags: Mapping[str, bool]
    """Of FLAGS, those that the file tells."""
    automate: str = ""
    """`AutoAccept`, `AutoUpdate` or `None`; empty where the file does not tell."""

    def is_of(self, room: RoomSettings) -> bool:
        """Whether this is a room's mailbox."""
        address = (room.mailbox or room.address).lower()
        last = self.name.rpartition("/")[2]
        if "@" in self.name:
            return self.name == address
        return last in (room.name.lower(), address.partition("@")[0])


def read(path: Path) -> tuple[Processing, ...]:
    """Read an export; blocks. Raises NoExport."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST)
    except OSError as error:
        raise NoExport(
            f"{path} cannot be read: {error.strerror}; see its name and rights"
        ) from error
    try:
        return parsed(content)
    except NoExport as error:
        raise NoExport(f"{path} {error}") from error


def parsed(content: bytes) -> tuple[Processing, ...]:
    """Return the rooms of an export. Raises NoExport."""
    lines = _text(content).splitlines()
    lines = lines[1:] if lines and lines[0].startswith("#TYPE") else lines
    head = lines[0] if lines else ""
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.DictReader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise NoExport(f"is no CSV: {error}; {_AGAIN}") from error
    found = tuple(_rooms(rows))
    if not found:
        columns = f"a column {' or '.join(_NAMES)}, and one of {', '.join((*FLAGS, AUTOMATE))}"
        raise NoExport(f"is no export of Get-CalendarProcessing: it needs {columns}; {_AGAIN}")
    return found


_AGAIN = "export it by contrib/exchange/Export-RoomProcessing.ps1"


def _text(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if content[1:2] == b"\0":
        return content.decode("utf-16-le", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _rooms(rows: list[dict[str, str]]) -> Iterator[Processing]:
    for row in rows:
        # A line that is too long or too short has a None among its keys or values.
        told = {key.strip().lower(): value.strip() for key, value in row.items() if key and value}
        name = next((told[key] for one in _NAMES if (key := one.lower()) in told), "")
        values = {flag: told.get(flag.lower(), "").lower() for flag in FLAGS}
        flags = {flag: v == "true" for flag, v in values.items() if v in ("true", "false")}
        automate = told.get(AUTOMATE.lower(), "")
        if name and (flags or automate):
            yield Processing(name=name.lower(), flags=flags, automate=automate)

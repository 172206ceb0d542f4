"""Opening the state file: made, brought up to date, refused, or moved aside and made anew.

Runs off the loop. Which error means what is decided here: a file that is *damaged* is moved
aside, since calendars and CMS hold all that it said; one that is newer than this program, or that
cannot be reached, is left as it is, and a person told.
"""

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cospaced.errors import StoreUnusable
from cospaced.store.migrations import LATEST, format_of, migrate


IN_MEMORY = ":memory:"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_WAIT = 2.0  # seconds for another process (a backup, `status`) to let go of the file
_PRIMARY = 0xFF  # the lower byte of an extended result code is the plain one


@dataclass(frozen=True, slots=True)
class Opened:
    """An open state file; `moved_to` and `reason` are set where a damaged one was replaced."""

    connection: sqlite3.Connection
    moved_to: str = ""
    reason: str = ""


class _Damaged(Exception):
    """The file is no state file any more."""


def open_file(path: str | Path, now: datetime) -> Opened:
    """Open the state file for reading and writing, in the latest format.

    Raises StoreUnusable, with the remedy, where it is newer, locked, or cannot be reached.
    """
    if str(path) == IN_MEMORY:
        return Opened(_in_latest_format(IN_MEMORY))
    path = Path(path)
    try:
        _make_private(path)
        try:
            return Opened(_in_latest_format(path))
        except _Damaged as damage:
            moved_to = _move_aside(path, now)
            _make_private(path)
            return Opened(_in_latest_format(path), moved_to=str(moved_to), reason=str(damage))
    except (OSError, _Damaged) as error:
        raise StoreUnusable(f"{path} cannot be used: {error}; {_REMEDY}") from error


_REMEDY = "see that its directory exists and belongs to the user that cospaced runs as"


def open_for_reading(path: str | Path) -> sqlite3.Connection:
    """Open an existing state file of this release's format, and write nothing.

    Raises StoreUnusable where there is none, or none that can be read.
    """
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        text = f"there is no state file {path}: the daemon has not run yet"
        raise StoreUnusable(text) from None
    except OSError as error:
        raise _closed(path, error) from error
    if not os.access(path, os.R_OK):
        # SQLite says only that it is unable to open the file.
        raise _closed(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    try:
        uri = f"{Path(path).absolute().as_uri()}?mode=ro{_untouched(path)}"
        connection = sqlite3.connect(uri, timeout=_WAIT, isolation_level=None, uri=True)
        try:
            found = format_of(connection)
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    if found != LATEST:
        connection.close()
        raise _newer(path, found) if found > LATEST else _older(path, found)
    return connection


def _closed(path: str | Path, error: OSError) -> StoreUnusable:
    return StoreUnusable(
        f"{path} cannot be read: {error.strerror}; become root or the user of cospaced"
    )


def _untouched(path: str | Path) -> str:
    """Return how a file is opened that no process has open: so that not even a lock is made.

    SQLite would make `-wal` and `-shm` beside it, which whoever looks (root) then owned.
    """
    return "" if Path(f"{path}-wal").exists() else "&immutable=1"


def unusable(path: str | Path, error: sqlite3.Error) -> StoreUnusable:
    """Return what a failed statement means, in a sentence with the remedy."""
    remedy = _REMEDIES.get(_code(error), "see the journal for errors of the disk")
    return StoreUnusable(f"{path} cannot be used: {error}; {remedy}")


_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "another process holds it: end that",
    sqlite3.SQLITE_LOCKED: "another process holds it: end that",
    sqlite3.SQLITE_READONLY: "let the user that cospaced runs as write it and its directory",
    sqlite3.SQLITE_CANTOPEN: _REMEDY,
    sqlite3.SQLITE_CORRUPT: "restart cospaced: it moves the file aside and makes it anew",
}


def _in_latest_format(path: str | Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        if _code(error) in _DAMAGED:
            raise _Damaged(str(error)) from error
        raise unusable(path, error) from error
    except (_Damaged, StoreUnusable):
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: str | Path) -> None:
    found = format_of(connection)
    if found > LATEST:
        raise _newer(path, found)
    if found == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise _Damaged("it is a database of something else")
    with closing(connection.execute("PRAGMA quick_check(1)")) as check:
        verdict = check.fetchone()[0]
    if verdict != "ok":
        raise _Damaged(str(verdict))
    connection.execute("PRAGMA journal_mode = WAL")
    # Survives a kill; what a loss of power may take is found again by looking at CMS.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    migrate(connection)


def _newer(path: str | Path, found: int) -> StoreUnusable:
    return StoreUnusable(
        f"{path} was written by a newer cospaced (format {found}, this one knows {LATEST}):"
        " install that release again, or move the file away to have it made anew"
    )


def _older(path: str | Path, found: int) -> StoreUnusable:
    return StoreUnusable(
        f"{path} was written by an older cospaced (format {found}, this one reads {LATEST}):"
        " start the daemon, which brings it up to date"
    )


def _make_private(path: Path) -> None:
    """Make the file where there is none, and keep it from others; SQLite's own files follow."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def _move_aside(path: Path, now: datetime) -> Path:
    moved_to = path.with_name(f"{path.name}.unreadable-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(moved_to.with_name(moved_to.name + suffix))
    return moved_to


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY

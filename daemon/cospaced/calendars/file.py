"""Calendars that are files: read whole, and only when they changed; blocking, for Offload."""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cospaced.errors import CalendarError


_SETTLED = timedelta(seconds=2)
"""A file changed so recently may change again without its times telling (they are coarse)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """A file as it was read; `data` is None where it is as `stamp` said.

    `stamp` is empty where it changed too recently to be told apart from a later change.
    """

    data: bytes | None
    stamp: str


def read(path: Path, stamp: str, *, now: datetime, limit: int) -> FileContent:
    """Read a file unless its stamp (time, size, inode) is that of before.

    Raises CalendarError (`not_found`, `login` where permission is missing, `too_large`,
    `unreadable`).
    """
    try:
        # A pipe or a device would hold the thread for ever without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise CalendarError("unreadable", f"{path} is no file (name the .ics file itself)")
            if before.st_size > limit:
                raise CalendarError("too_large", f"{path} has more than {limit} bytes")
            if stamp and stamp == _stamp(before):
                return FileContent(data=None, stamp=stamp)
            data = file.read(limit + 1)
            after = os.fstat(descriptor)
    except FileNotFoundError as error:
        raise CalendarError("not_found", f"{path} does not exist (mend path =)") from error
    except PermissionError as error:
        text = f"{path} may not be read by user {os.geteuid()} (give it read permission)"
        raise CalendarError("login", text) from error
    except OSError as error:
        raise CalendarError("unreadable", f"{path} cannot be read: {error.strerror}") from error
    if _stamp(before) != _stamp(after) or len(data) != after.st_size:
        raise CalendarError(
            "truncated", f"{path} is being written (write a new file and rename it over the old)"
        )
    changed = datetime.fromtimestamp(after.st_mtime, UTC)
    settled = abs(now - changed) > _SETTLED
    return FileContent(data=data, stamp=_stamp(after) if settled else "")


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"

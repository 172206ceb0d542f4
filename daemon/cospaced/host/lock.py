"""One daemon for one state_dir.

A lock of the kernel's (flock(2)) and not a file's presence: it goes with the process, however that
ends. The descriptor is closed in programs that the daemon starts, so no child keeps the lock.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cospaced.errors import StoreUnusable


NAME = "lock"
_LOCKS = Path("/proc/locks")


def holder(state_dir: Path) -> int | None:
    """Return the pid of the daemon that holds the lock on a state_dir; None: nobody does.

    Asks the kernel's list and leaves the lock alone: whoever tried it, even for a moment, could
    turn a daemon away that starts in that moment. 0 where the pid is hidden (another namespace).
    """
    try:
        seen = (state_dir / NAME).stat()
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        # `1: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF`; a blocked waiter has `->` in it.
        fields = line.split()
        if len(fields) < 6 or fields[1:4] != ["FLOCK", "ADVISORY", "WRITE"]:  # noqa: PLR2004
            continue
        if fields[5].rpartition(":")[2] == str(seen.st_ino):
            return int(fields[4])
    return None


class StateLock:
    """The lock on a state_dir, held from construction to `release`.

    The file `state_dir/lock` stays, with the pid of its last holder in it. Raises StoreUnusable
    where another process holds the lock, or the directory cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / NAME
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusable(
                f"state_dir {state_dir} cannot be used: {error.strerror} "
                "(it must exist and belong to the user that runs the daemon)"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._leave_to_owner(state_dir)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise StoreUnusable(
                f"another cospaced (pid {holder or 'unknown'}) works in state_dir {state_dir}; "
                "stop it first (a second daemon needs a state_dir of its own)"
            ) from error
        except OSError as error:
            os.close(self._fd)
            raise StoreUnusable(f"{self._path} cannot be locked: {error.strerror}") from error

    def _leave_to_owner(self, state_dir: Path) -> None:
        """Let a command that root runs leave no file that the daemon cannot open."""
        if os.geteuid() == 0:
            owner = state_dir.stat()
            os.fchown(self._fd, owner.st_uid, owner.st_gid)

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

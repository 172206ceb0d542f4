r"""The journal, spoken to in its own protocol; never waits for it.

Source: systemd's JOURNAL_NATIVE_PROTOCOL page. A record is one datagram of fields, `KEY=value\n`,
or, where the value holds a newline, `KEY\n`, its length as 64 bits little-endian, the value,
`\n`. A record that no datagram can carry goes as a sealed memory file whose descriptor is passed.
journald's queue takes only about ten datagrams while it is busy or stopped, and libsystemd would
wait then; here the record joins a bounded backlog that later records and `flush` write out.
"""

import array
import errno
import fcntl
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from cospaced.host.backlog import Backlog


JOURNAL_SOCKET = Path("/run/systemd/journal/socket")

_TURN = 32
"""Held records written for each new one: a caller never pays for a whole backlog."""
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_LATER = (errno.EAGAIN, errno.ENOBUFS, errno.ENOENT, errno.ECONNREFUSED, errno.ENOTCONN)
"""journald is busy, or is being restarted."""
_NAME_LENGTH = 64


def stderr_is_journal(environment: Mapping[str, str], fd: int) -> bool:
    """Whether the descriptor is the stream that systemd connected to the journal.

    $JOURNAL_STREAM holds its device and inode; a shell's redirection leaves the variable but
    changes the file.
    """
    device, colon, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not colon:
        return False
    try:
        seen = os.fstat(fd)
    except OSError:
        return False
    return (device, inode) == (str(seen.st_dev), str(seen.st_ino))


@lru_cache(maxsize=512)
def field_name(key: str) -> str:
    """Return the key as a journal field: A-Z, 0-9, _, no leading underscore or digit, at most 64.

    Leading underscores are journald's own: it drops what clients send under such a name.
    """
    name = re.sub(r"[^A-Z0-9_]", "_", key.upper()).lstrip("_")
    if not name or name[0].isdigit():
        name = f"FIELD_{name}"
    return name[:_NAME_LENGTH]


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return a record; names must be valid (`field_name`), values are sent as UTF-8."""
    parts = []
    for name, value in fields:
        data = value.encode("utf-8", "backslashreplace")
        if b"\n" in data:
            parts.append(b"%b\n%b%b\n" % (name.encode(), struct.pack("<Q", len(data)), data))
        else:
            parts.append(b"%b=%b\n" % (name.encode(), data))
    return b"".join(parts)


class JournalSink:
    """Writes records to journald; safe to call from any thread.

    `tell_loss` makes the record that says how many were lost; it is sent when there is room again.
    """

    def __init__(
        self,
        path: Path,
        *,
        tell_loss: Callable[[int], bytes],
        backlog: Backlog | None = None,
    ) -> None:
        self._path = str(path)
        self._tell_loss = tell_loss
        self._backlog = Backlog() if backlog is None else backlog
        self._told = 0
        self._turn = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @property
    def lost(self) -> int:
        """How many records were given up since the start."""
        return self._backlog.lost

    def send(self, payload: bytes, *, minor: bool) -> None:
        """Write a record, or hold it, or give up a less important one."""
        with self._turn:
            if not self._drained(_TURN) or not self._written(payload):
                self._backlog.push(payload, minor=minor)

    def flush(self) -> bool:
        """Write what is held, as far as there is room; True when nothing is left."""
        with self._turn:
            return self._drained(None)

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._socket.close()

    def _drained(self, most: int | None) -> bool:
        written = 0
        while (payload := self._backlog.first()) is not None:
            if (most is not None and written >= most) or not self._written(payload):
                return False
            self._backlog.drop_first()
            written += 1
        untold = self._backlog.lost - self._told
        if untold and self._written(self._tell_loss(untold)):
            self._told += untold
        return True

    def _written(self, payload: bytes) -> bool:
        """Try once; True also where trying again could not help, and the record is lost."""
        try:
            self._socket.sendto(payload, socket.MSG_DONTWAIT, self._path)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return self._written_as_file(payload)
            return self._kept_for_later(error)
        return True

    def _written_as_file(self, payload: bytes) -> bool:
        try:
            self._pass_file(payload)
        except OSError as error:
            return self._kept_for_later(error)
        return True

    def _kept_for_later(self, error: OSError) -> bool:
        if error.errno in _LATER:
            return False
        self._backlog.lost += 1
        return True

    def _pass_file(self, payload: bytes) -> None:
        # journald maps the file and trusts it only sealed.
        fd = os.memfd_create("cospaced-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(payload)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
            passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            self._socket.sendmsg([], passed, socket.MSG_DONTWAIT, self._path)
        finally:
            os.close(fd)


def kept(
    logs: Path = Path("/var/log/journal"), runtime: Path = Path("/run/log/journal")
) -> bool | None:
    """Whether this machine's journal outlives a restart; None where there is no journal."""
    if logs.is_dir():
        return True
    return False if runtime.is_dir() else None

"""stderr as a log: one line a record, never waits for whoever reads it.

A pipe whose reader stands still, or a terminal stopped by Ctrl-S, blocks a plain write, and with
it the loop. So each piece written is at most PIPE_BUF bytes and only goes when poll(2) says that
there is room; the rest joins a bounded backlog. The descriptor is not made non-blocking: that flag
belongs to everybody who shares it, a shell included.
"""

import os
import select
import threading
from collections.abc import Callable
from typing import TextIO

from cospaced.host.backlog import Backlog


_PIECE = select.PIPE_BUF
_NO_DESCRIPTOR = -1


class StreamSink:
    """Writes lines to a text stream; safe to call from any thread.

    A stream without a descriptor (a StringIO) is written to as it is.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        tell_loss: Callable[[int], bytes],
        backlog: Backlog | None = None,
    ) -> None:
        self._stream = stream
        self._fd = descriptor(stream)
        self._tell_loss = tell_loss
        self._backlog = Backlog() if backlog is None else backlog
        self._begun = b""
        """What is left of a line of which a piece was written; nothing may come between."""
        self._told = 0
        self._turn = threading.Lock()
        self._poll = select.poll()
        if self._fd != _NO_DESCRIPTOR:
            stream.flush()
            self._poll.register(self._fd, select.POLLOUT)

    @property
    def lost(self) -> int:
        """How many records were given up since the start."""
        return self._backlog.lost

    def send(self, payload: bytes, *, minor: bool) -> None:
        """Write a line, or hold it, or give up a less important one."""
        with self._turn:
            if self._fd == _NO_DESCRIPTOR:
                self._stream.write(payload.decode("utf-8"))
            elif not self._drained() or not self._written(payload):
                self._backlog.push(payload, minor=minor)

    def flush(self) -> bool:
        """Write what is held, as far as there is room; True when nothing is left."""
        with self._turn:
            if self._fd == _NO_DESCRIPTOR:
                self._stream.flush()
                return True
            return self._drained()

    def close(self) -> None:
        """Flush; the stream stays open, it is not ours."""
        self.flush()

    def _drained(self) -> bool:
        if self._begun and not self._finished(self._begun):
            return False
        while (payload := self._backlog.first()) is not None:
            if not self._room():
                return False
            self._backlog.drop_first()
            if not self._finished(payload):
                return False
        untold = self._backlog.lost - self._told
        if untold and self._room():
            self._told += untold
            return self._finished(self._tell_loss(untold))
        return True

    def _written(self, payload: bytes) -> bool:
        """Begin a line if there is room; True once it has begun: its rest is kept apart."""
        if not self._room():
            return False
        self._finished(payload)
        return True

    def _finished(self, payload: bytes) -> bool:
        """Write as much of a line as there is room for; keep what is left."""
        at = 0
        while at < len(payload):
            if not self._room():
                break
            try:
                at += os.write(self._fd, payload[at : at + _PIECE])
            except BlockingIOError:
                break
            except OSError:
                # Nobody reads it any more: no line can be written, now or later.
                self._backlog.lost += 1
                at = len(payload)
        self._begun = payload[at:]
        return not self._begun

    def _room(self) -> bool:
        """Whether a piece can be written without waiting, or fails at once."""
        return bool(self._poll.poll(0))


def descriptor(stream: TextIO) -> int:
    """Return the stream's file descriptor, or -1 where it has none."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return _NO_DESCRIPTOR

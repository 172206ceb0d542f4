"""systemd, told how the daemon is doing: sd_notify(3).

Spoken through sdnotify, whose traps are closed here. It encodes Latin-1 and swallows what fails,
so what it is given is ASCII and its errors are raised, and told once; it looks only into the
process's own environment and waits for PID 1, so its socket is made here, with a short patience.
"""

import os
import socket
import time
import unicodedata
from collections.abc import Mapping

import sdnotify
import structlog


PATIENCE = 0.2
"""Seconds that a message may wait for room in PID 1's queue; STATUS and WATCHDOG do not wait."""
STATUS_LENGTH = 500

log = structlog.get_logger()


class Notifier:
    """Tells systemd; without $NOTIFY_SOCKET every method does nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._told = False
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._notifier = self._connected(self._address) if self._address else None
        self.watchdog_interval = _watchdog_interval(environment)
        """Seconds within which systemd wants a beat; None: it watches nothing, or not us."""

    @property
    def active(self) -> bool:
        """Whether there is a systemd that listens."""
        return self._notifier is not None

    def ready(self) -> None:
        """Say that the start, or a reload, is complete."""
        self._say("READY=1", PATIENCE)

    def status(self, text: str) -> None:
        """Say in one line how things are; other than ASCII is spelt as near as it goes."""
        self._say(f"STATUS={one_ascii_line(text)}", 0)

    def watchdog(self) -> None:
        """Beat."""
        self._say("WATCHDOG=1", 0)

    def reloading(self) -> None:
        """Say that the configuration is read again; `ready` must follow."""
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say(f"RELOADING=1\nMONOTONIC_USEC={moment}", PATIENCE)

    def stopping(self) -> None:
        """Say that the daemon is on its way out."""
        self._say("STOPPING=1", PATIENCE)

    def close(self) -> None:
        """Close the socket; everything after does nothing."""
        if self._notifier is not None:
            self._notifier.socket.close()
            self._notifier = None

    def _connected(self, address: str) -> sdnotify.SystemdNotifier | None:
        notifier = sdnotify.SystemdNotifier.__new__(sdnotify.SystemdNotifier)
        notifier.debug = True
        notifier.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            notifier.socket.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError as error:
            notifier.socket.close()
            self._fail(error)
            return None
        return notifier

    def _say(self, state: str, patience: float) -> None:
        if self._notifier is None:
            return
        self._notifier.socket.settimeout(patience)
        try:
            self._notifier.notify(state)
        except OSError as error:
            self._fail(error)
        else:
            self._told = False

    def _fail(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            log.warning("notify.failed", reason=f"{self._address}: {error}")


def one_ascii_line(text: str) -> str:
    """Return the text as one line of ASCII: accents dropped, what has no likeness as `?`."""
    spread = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(mark for mark in spread if not unicodedata.combining(mark))
    line = " ".join(plain.encode("ascii", "replace").decode("ascii").split())
    return "".join(mark for mark in line if mark.isprintable())[:STATUS_LENGTH]


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    period = environment.get("WATCHDOG_USEC", "")
    # systemd sets the pid so that a child which inherits the variables does not feel meant.
    meant = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    if not meant or not period.isdecimal() or int(period) == 0:
        return None
    return int(period) / 1e6

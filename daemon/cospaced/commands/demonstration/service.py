"""The daemon as a process of its own: started, watched by what it logs, killed, stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any


STOPS_WITHIN = 10.0
"""Seconds that the daemon is waited for after SIGTERM."""
_LONGEST_LINE = 1 << 20
_OF_SYSTEMD = (
    "CREDENTIALS_DIRECTORY",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)
"""What a demo inside a service must not hand on: it is meant for the service."""

Record = Mapping[str, Any]
"""One line of the daemon's log: timestamp, level, event, message, and its keys."""


class Mode(StrEnum):
    """What the process is doing."""

    ABSENT = "not started"
    STARTING = "starting"
    RUNNING = "running"
    KILLED = "killed"
    STOPPED = "stopped"


class Service:
    """`cospaced run` on one configuration file; lives in a TaskGroup that reads its log.

    `on_record` is given each record, `on_noise` each line that is none (a traceback).
    """

    def __init__(
        self,
        file: Path,
        tasks: asyncio.TaskGroup,
        *,
        on_record: Callable[[Record], None],
        on_noise: Callable[[str], None],
    ) -> None:
        self._file = file
        self._tasks = tasks
        self._on_record = on_record
        self._on_noise = on_noise
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False
        self.mode = Mode.ABSENT
        self.status: int | None = None
        """Exit status of the last process that ended."""

    @property
    def pid(self) -> int:
        """Process id; 0 before the first start."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start it; `mode` turns to running when it says that it is ready."""
        self.mode, self._ending = Mode.STARTING, False
        environment = {k: v for k, v in os.environ.items() if k not in _OF_SYSTEMD}
        # A session of its own: Ctrl-C reaches the demo, and the demo stops the daemon.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cospaced.commands.demonstration.child",
            str(self._file),
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        self._tasks.create_task(self._read(self._process), name=f"log of {self.pid}")

    async def kill(self) -> None:
        """Kill it as a crash would: no handler, no farewell."""
        await self._end(signal.SIGKILL)
        self.mode = Mode.KILLED

    async def stop(self) -> None:
        """Stop it as systemd does; kill it where it does not stop in time."""
        await self._end(signal.SIGTERM)
        self.mode = Mode.STOPPED

    async def _end(self, number: signal.Signals) -> None:
        process, self._ending = self._process, True
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                self.status = await process.wait()
        except TimeoutError:
            process.kill()
            self.status = await process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was asked for
        async for line in process.stderr:
            self._take(line.decode("utf-8", "replace").rstrip())
        self.status = await process.wait()
        if not self._ending:
            self.mode = Mode.STOPPED
            self._on_noise(f"the daemon ended by itself with status {self.status}")

    def _take(self, line: str) -> None:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or "event" not in record:
            self._on_noise(line)
            return
        if record["event"] == "daemon.ready":
            self.mode = Mode.RUNNING
        self._on_record(record)

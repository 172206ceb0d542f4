"""A site of real processes for benchmarks: the installed daemon and the simulator, over HTTPS."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


COMMAND = Path(sys.executable).parent / "cospaced"
PATIENCE = 40.0
"""Seconds that a start may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cms:
    """A simulator that runs."""

    pid: int
    url: str
    ca_file: Path


@contextmanager
def simulator(folder: Path, latency: str = "0ms") -> Iterator[Cms]:
    """Run `cospaced simulate-cms` on a free port."""
    ca_file = folder / "ca.pem"
    options = ("--port", "0", "--ca-out", str(ca_file), "--latency", latency)
    process = subprocess.Popen(
        [COMMAND, "simulate-cms", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"https://\S+", first)
        assert found, f"the simulator said: {first!r}"
        yield Cms(pid=process.pid, url=found[0], ca_file=ca_file)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def a_file(path: Path, content: bytes) -> None:
    """Write a calendar as if it had stood there for an hour: a fresh one is not yet trusted."""
    path.write_bytes(content)
    before = time.time() - 3600
    os.utime(path, (before, before))


def configuration(
    folder: Path,
    cms: Cms,
    rooms: Iterable[str],
    *,
    numbers: int,
    conferences: str = "",
    daemon: str = "",
) -> Path:
    """Write the configuration of a site; each room's calendar is FOLDER/ROOM.ics."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    parts = [
        f"[daemon]\nstate_dir = {state}\nlog_format = json\ntime_zone = Europe/Berlin\n{daemon}",
        f"[cms]\naddress = {cms.url}\nusername = admin\npassword = simulated",
        f"ca_file = {cms.ca_file}",
        "[pool]\ndomain = cms.example.org\nnumeric_id_base = 80001",
        f"numeric_id_quantity = {numbers}",
        f"[conferences]\n{conferences}",
        "[calendar:files]\ntype = ical",
    ]
    parts += [
        f"[room:{room}]\ncalendar = files\npath = {folder / room}.ics\n"
        f"endpoints = {room}@rooms.example.org"
        for room in rooms
    ]
    file = folder / "cospaced.ini"
    file.write_text("\n".join(parts) + "\n")
    file.chmod(0o600)
    return file


class Daemon:
    """`cospaced run` on a configuration, as systemd would start it; its log is kept beside."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log = file.with_suffix(".log")
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = file.parent / "notify"
        self.ready_after = 0.0

    def __enter__(self) -> Self:
        self._notified.bind(str(self._address))
        began = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [COMMAND, "run", "-c", str(self._file)],
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self._address)},
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        self.ready_after = time.perf_counter() - began
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._notified.close()
        self._address.unlink()

    @property
    def pid(self) -> int:
        """The daemon's own process."""
        return self._process.pid

    @property
    def state(self) -> Path:
        """Its state file."""
        return self._file.parent / "state" / "state.db"

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return the log's records of an event so far."""
        with self._log.open() as lines:
            records = [json.loads(line) for line in lines if f'"{event}"' in line]
        return [record for record in records if record["event"] == event]

    def _wait_until_ready(self) -> None:
        self._notified.settimeout(0.5)
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            if self._process.poll() is not None:
                raise AssertionError(f"the daemon ended: {self._log.read_text()[-2000:]}")
            try:
                if b"READY=1" in self._notified.recv(4096):
                    return
            except TimeoutError:
                continue
        raise AssertionError(f"not ready within {PATIENCE:g} s: {self._log.read_text()[-2000:]}")

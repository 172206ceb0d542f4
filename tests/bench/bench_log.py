"""CPU per log record: fields to the journal, JSON and console lines, beside bare structlog.

Each kind writes the records that a dialled room makes. The journal is a socket that a process of
its own reads; lines go to /dev/null through the sink that never waits. Beside them stands bare
structlog (level, ISO time, its JSONRenderer, a PrintLogger), which masks nothing and may wait; and
records below the level, which most are.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import TextIO

import structlog
from report import ratio, table

from cospaced.host.clock import SystemClock
from cospaced.host.log_setup import configure


KINDS = ("json", "console", "journal")
RECORDS = 20_000
READER = """
import socket, sys
taker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taker.bind(sys.argv[1])
print(flush=True)
while taker.recv(1 << 16) != b"END":
    pass
"""


@contextmanager
def journald(folder: Path) -> Iterator[Path]:
    """Run a process that takes datagrams as journald does."""
    path = folder / "journal"
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield path
        finally:
            process.kill()


def write(count: int = RECORDS, *, level: str = "info") -> tuple[float, float]:
    """Log; return CPU and wall time of one record in µs."""
    log = structlog.get_logger()
    began, cpu = perf_counter(), process_time()
    for n in range(count):
        getattr(log, level)(
            "leg.dialled",
            booking="7ef9ef32-c8b4-57ea-8d76-3eb55d4a14e6",
            room="boardroom",
            endpoint="boardroom@rooms.example.org",
            attempt=1,
            leg="5684a4e6-b6ac-4b66-8d18-06505509bd29",
            bridge="core1",
            late_ms=n % 50,
        )
    return (process_time() - cpu) / count * 1e6, (perf_counter() - began) / count * 1e6


def ours(kind: str, stderr: TextIO, journal: Path, *, level: str = "info") -> list[float]:
    """Log through the daemon's own set-up; the third number is how many records were lost."""
    file = os.fstat(stderr.fileno())
    logging = configure(
        level="info",
        format=kind,
        clock=SystemClock(),
        stderr=stderr,
        environment={"JOURNAL_STREAM": f"{file.st_dev}:{file.st_ino}"},
        journal_socket=journal,
    )
    try:
        write(200, level=level)
        return [*write(level=level), logging.lost]
    finally:
        logging.close()


def bare(stderr: TextIO) -> tuple[float, float]:
    """Log through structlog as its documentation sets it up for speed."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stderr),
        cache_logger_on_first_use=True,
    )
    try:
        write(200)
        return write()
    finally:
        structlog.reset_defaults()


def main() -> None:
    """Measure once and print."""
    with (
        tempfile.TemporaryDirectory() as name,
        Path(os.devnull).open("w") as null,
        journald(Path(name)) as journal,
    ):
        cpu, wall = bare(null)
        rows: list[list[object]] = [["bare structlog, JSON", cpu, "1 x", wall, 0]]
        for what in ("json", "console", "journal", "below the level"):
            kind, level = (what, "info") if what in KINDS else ("json", "debug")
            took, waited, lost = ours(kind, null, journal, level=level)
            rows.append([what, took, ratio(took, cpu), waited, int(lost)])
    table(("a record of seven keys", "CPU µs", "÷ bare", "µs", "lost"), rows)


if __name__ == "__main__":
    main()

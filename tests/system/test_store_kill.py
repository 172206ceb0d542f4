"""A process that is killed while it stores: what `save` returned for is there afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cospaced.domain.booking import Booking, StoryEntry
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.store import SqliteStore
from support.rows import a_booking


TESTS = Path(__file__).parents[1]

WRITER = """
import asyncio, sys
from dataclasses import replace
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.store import SqliteStore
from support.rows import a_booking, a_line

async def write(store, name):
    row = a_booking(name)
    while True:
        row = await store.save(row, [a_line(name, f"version {row.version + 1}")])
        sys.stdout.write(f"{name} {row.version}\\n")
        sys.stdout.flush()

async def main():
    store = await SqliteStore.open(sys.argv[1], offload=ThreadOffload("store"), clock=SystemClock())
    await asyncio.gather(*(write(store, f"b{n}") for n in range(20)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 150, 1000])
def test_what_save_returned_for_survives_a_kill(tmp_path: Path, lines: int) -> None:
    file = tmp_path / "state.db"
    told = written_until_killed(file, lines)
    rows, stories = asyncio.run(stored(file))
    versions = {row.id: row.version for row in rows}
    assert told
    for name, version in told.items():
        assert versions[name] in (version, version + 1)
    for row in rows:
        # A row and its story are one transaction.
        assert [line.text for line in stories[row.id]] == [
            f"version {version}" for version in range(1, row.version + 1)
        ]


def written_until_killed(file: Path, lines: int) -> dict[str, int]:
    """Kill a writer after so many lines; return the last version that it told of each row."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "daemon")])
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        read = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        read += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    whole = [line.split() for line in read if line.endswith("\n")]
    return {name: int(version) for name, version in whole}


async def stored(file: Path) -> tuple[tuple[Booking, ...], dict[str, tuple[StoryEntry, ...]]]:
    """Open what a killed process left; it must still be a store that can be written to."""
    offload = ThreadOffload("store")
    store = await SqliteStore.open(file, offload=offload, clock=SystemClock())
    rows = await store.bookings()
    stories = {row.id: await store.story(row.id) for row in rows}
    await store.save(a_booking("after"))
    await store.close()
    offload.close()
    return rows, stories

"""Saves per second of the state file, beside raw sqlite3: `python tests/bench/bench_store.py`.

Needs `daemon` and `tests` on PYTHONPATH. The file lies in the directory given, or in /tmp.
"""

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.store import SqliteStore
from cospaced.store.codec import decode_booking, encode_booking
from support.rows import a_full_booking, a_line


AT_ONCE = 250
SINGLY = 1000


async def bench(directory: Path) -> None:
    """Measure and print everything once."""
    rows = [a_full_booking(f"b{n:04}", number=80000 + n) for n in range(AT_ONCE)]
    raw(directory / "raw.db", [encode_booking(row) for row in rows])
    codec()
    offload = ThreadOffload("store")
    store = await SqliteStore.open(directory / "state.db", offload=offload, clock=SystemClock())
    for turn in ("first", "second"):

        async def save_all() -> None:
            rows[:] = await asyncio.gather(
                *(store.save(row, [a_line(row.id, "told")]) for row in rows)
            )

        await timed(f"{AT_ONCE} saves at once, {turn} time", AT_ONCE, save_all)

    async def save_singly() -> None:
        row = rows[0]
        for _ in range(SINGLY):
            row = await store.save(row, [a_line(row.id, "told")])

    async def no_work() -> None:
        for _ in range(SINGLY):
            await offload.run(int)

    await timed("saves one after another", SINGLY, save_singly)
    await timed("the same way through the thread without work", SINGLY, no_work)
    begun = perf_counter()
    count = len(await store.bookings())
    tell(f"load of {count} rows", count, perf_counter() - begun)
    await store.close()
    offload.close()


async def timed(what: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
    """Run work and print how long it took."""
    begun = perf_counter()
    await work()
    tell(what, count, perf_counter() - begun)


def raw(file: Path, bodies: list[bytes]) -> None:
    """Print what sqlite3 needs for the same bytes, one transaction each and all in one."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
        insert = "INSERT OR REPLACE INTO rows VALUES (?, ?)"
        begun = perf_counter()
        for n in range(SINGLY):
            connection.execute(insert, (n % 250, bodies[n % 250]))
        tell("raw sqlite3, a transaction each", SINGLY, perf_counter() - begun)
        begun = perf_counter()
        connection.execute("BEGIN")
        for n, body in enumerate(bodies):
            connection.execute(insert, (n, body))
        connection.execute("COMMIT")
        tell("raw sqlite3, all in one transaction", len(bodies), perf_counter() - begun)


def codec() -> None:
    """Print what encoding and decoding one full row costs."""
    row = a_full_booking()
    text = encode_booking(row)
    begun = perf_counter()
    for _ in range(SINGLY):
        encode_booking(row)
    tell(f"encode ({len(text)} bytes)", SINGLY, perf_counter() - begun)
    begun = perf_counter()
    for _ in range(SINGLY):
        decode_booking(text)
    tell("decode", SINGLY, perf_counter() - begun)
    begun = perf_counter()
    for n in range(SINGLY):
        replace(row, version=n)
    tell("dataclasses.replace, for comparison", SINGLY, perf_counter() - begun)


def tell(what: str, count: int, seconds: float) -> None:
    """Print one result."""
    each = seconds / count * 1e6
    sys.stdout.write(f"{what}: {count / seconds:,.0f}/s, {each:.0f} us each\n")


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as temporary:
        asyncio.run(bench(Path(temporary)))

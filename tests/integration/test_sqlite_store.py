"""The state file in particular: what happens to it on disk, and when the disk fails."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from cospaced.errors import StoreUnusable
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.store import SqliteStore
from cospaced.store.migrations import LATEST
from support.rows import a_booking, a_full_booking, a_line, a_reading
from support.virtual import InlineOffload, SeededEntropy, VirtualClock, run_virtually


T = TypeVar("T")


@pytest.fixture
async def offload() -> AsyncIterator[ThreadOffload]:
    thread = ThreadOffload("store")
    yield thread
    thread.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


async def opened(file: Path, offload: ThreadOffload) -> SqliteStore:
    return await SqliteStore.open(file, offload=offload, clock=SystemClock())


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


async def test_everything_is_there_when_the_file_is_opened_again(
    file: Path, offload: ThreadOffload
) -> None:
    store = await opened(file, offload)
    saved = await store.save(a_full_booking(), [a_line("b1", "told")])
    await store.save_reading("lobby", a_reading())
    await store.save_fact("profile", "p")
    await store.close()
    store = await opened(file, offload)
    assert await store.bookings() == (saved,)
    assert await store.story("b1") == (a_line("b1", "told"),)
    assert await store.readings() == {"lobby": a_reading()}
    assert await store.fact("profile") == "p"
    await store.close()


async def test_nobody_else_can_read_the_file_nor_what_sqlite_puts_beside_it(
    file: Path, offload: ThreadOffload
) -> None:
    file.touch(mode=0o644)
    store = await opened(file, offload)
    await store.save(a_booking())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 0o600)
    await store.close()


async def test_a_missing_directory_is_told_with_its_remedy(
    tmp_path: Path, offload: ThreadOffload
) -> None:
    with pytest.raises(StoreUnusable, match=r"state\.db cannot be used.*belongs to the user"):
        await opened(tmp_path / "nowhere" / "state.db", offload)


async def test_a_file_of_another_user_in_an_open_directory_is_told(
    file: Path, offload: ThreadOffload, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await opened(file, offload)).close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreUnusable, match="cannot be read: Permission denied; become root"):
        await SqliteStore.open_read_only(file, offload=offload)


async def test_a_directory_in_the_place_of_the_file_is_told(
    tmp_path: Path, offload: ThreadOffload
) -> None:
    with pytest.raises(StoreUnusable, match="cannot be used"):
        await opened(tmp_path, offload)


async def test_a_file_of_a_newer_release_is_refused_and_left_as_it_is(
    file: Path, offload: ThreadOffload
) -> None:
    change(file, f"PRAGMA user_version = {LATEST + 1}", "CREATE TABLE news (x)")
    before = file.read_bytes()
    with pytest.raises(StoreUnusable, match=rf"newer cospaced \(format {LATEST + 1}"):
        await opened(file, offload)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["state.db"]


def not_a_database(file: Path) -> None:
    file.write_bytes(b"this was a state file once, before the disk went bad" * 100)


def of_something_else(file: Path) -> None:
    change(file, "CREATE TABLE contacts (name)")


def damaged_within(file: Path) -> None:
    change(
        file,
        "PRAGMA journal_mode = DELETE",
        *(f"INSERT INTO facts VALUES ('{n}', '{'x' * 900}')" for n in range(100)),
    )
    data = bytearray(file.read_bytes())
    data[20_000:60_000] = b"\x5a" * 40_000
    file.write_bytes(data)


def cut_short(file: Path) -> None:
    change(file, *(f"INSERT INTO facts VALUES ('{n}', '{'x' * 900}')" for n in range(100)))
    file.write_bytes(file.read_bytes()[:30_000])


@pytest.mark.parametrize("damage", [not_a_database, of_something_else, damaged_within, cut_short])
async def test_a_damaged_file_is_moved_aside_and_made_anew(
    file: Path, damage: Callable[[Path], None]
) -> None:
    thread = ThreadOffload("store")
    if damage in (damaged_within, cut_short):
        await (await opened(file, thread)).close()
    damage(file)
    damaged = file.read_bytes()
    with capture_logs() as logs:
        store = await opened(file, thread)
    aside = [path for path in file.parent.iterdir() if ".unreadable-" in path.name]
    assert [path.read_bytes() for path in aside] == [damaged]
    assert [entry["event"] for entry in logs] == ["store.rebuilt"]
    assert str(aside[0]) in logs[0]["reason"]
    assert (await store.save(a_booking())).version == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await store.close()
    thread.close()


def test_a_file_moved_aside_bears_the_moment_in_its_name(file: Path) -> None:
    not_a_database(file)

    async def main(clock: VirtualClock) -> None:
        store = await SqliteStore.open(file, offload=Inline(), clock=clock)
        await store.close()

    run_virtually(main)
    names = sorted(path.name for path in file.parent.iterdir())
    assert names == ["state.db", "state.db.unreadable-20261123T080000Z"]


class Inline:
    """An offload that runs work at once; `hangs` makes it a thread that a disk holds up."""

    def __init__(self) -> None:
        self.hangs = False

    async def run(self, work: Callable[[], T]) -> T:
        if self.hangs:
            await asyncio.Event().wait()
        return work()


async def test_a_row_that_cannot_be_read_is_set_aside_and_costs_only_itself(
    file: Path, offload: ThreadOffload
) -> None:
    store = await opened(file, offload)
    good, bad = await store.save(a_booking("good")), await store.save(a_booking("bad"))
    await store.save_reading("lobby", a_reading())
    await store.save_reading("attic", a_reading())
    change(
        file,
        "UPDATE bookings SET body = replace(body, '\"planned\"', '\"floating\"') WHERE id = 'bad'",
        "UPDATE readings SET reading = '{}' WHERE id = 'attic'",
    )
    with capture_logs() as logs:
        assert await store.bookings() == (good,)
        assert list(await store.readings()) == ["lobby"]
    assert [entry["event"] for entry in logs] == ["store.row_unreadable"] * 2
    assert logs[0]["reason"] == "state enum"
    with capture_logs() as logs:
        assert await store.bookings() == (good,)
        assert list(await store.readings()) == ["lobby"]
    assert logs == []
    assert (await store.save(replace(bad, version=0))).version == 1
    await store.close()
    with closing(sqlite3.connect(file)) as connection:
        kept = connection.execute("SELECT kind, key FROM set_aside").fetchall()
    assert kept == [("bookings", "bad"), ("readings", "attic")]


async def test_a_full_disk_fails_the_saves_that_do_not_fit_and_only_while_it_is_full(
    file: Path, offload: ThreadOffload
) -> None:
    store = await opened(file, offload)
    row = await store.save(a_booking())

    def pages(most: int) -> None:
        store._connection.execute(f"PRAGMA max_page_count = {most}")

    count = await offload.run(lambda: store._connection.execute("PRAGMA page_count").fetchone()[0])
    await offload.run(lambda: pages(count))
    big = a_booking("big", title="x" * 100_000)
    ends = await asyncio.gather(
        store.save(big), store.save_fact("a", "b"), store.save(big), return_exceptions=True
    )
    assert [type(end) for end in ends] == [StoreUnusable, type(None), StoreUnusable]
    assert "full; make room" in str(ends[0])
    assert await store.bookings() == (row,)
    assert await store.fact("a") == "b"
    await offload.run(lambda: pages(100_000))
    saved = await store.save(big)
    assert await store.bookings() == (row, saved)
    await store.close()


async def test_a_file_held_by_another_process_is_told(file: Path, offload: ThreadOffload) -> None:
    store = await opened(file, offload)
    await offload.run(lambda: store._connection.execute("PRAGMA busy_timeout = 10"))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnusable, match="another process holds it"):
            await store.save(a_booking())
        other.execute("ROLLBACK")
    assert (await store.save(a_booking())).version == 1
    await store.close()


async def test_a_row_that_cannot_be_stored_is_the_fault_of_its_caller_alone(
    file: Path, offload: ThreadOffload
) -> None:
    store = await opened(file, offload)
    ends = await asyncio.gather(
        store.save(a_booking("b1")),
        store.save(a_booking("b2", created_at="no moment", start="no moment")),
        store.save(a_booking("b3")),
        return_exceptions=True,
    )
    assert isinstance(ends[1], Exception)
    assert [row.id for row in await store.bookings()] == ["b1", "b3"]
    await store.close()


async def test_250_saves_at_once_are_a_few_commits(file: Path, offload: ThreadOffload) -> None:
    store = await opened(file, offload)
    rows = await asyncio.gather(*(store.save(a_booking(f"b{n:03}")) for n in range(250)))
    assert await store.bookings() == tuple(rows)
    assert store._group.commits <= 5
    await store.close()


async def test_a_state_file_is_looked_into_beside_the_daemon(
    file: Path, offload: ThreadOffload
) -> None:
    with pytest.raises(StoreUnusable, match="the daemon has not run yet"):
        await SqliteStore.open_read_only(file, offload=offload)
    store = await opened(file, offload)
    saved = await store.save(a_booking())
    beside = await SqliteStore.open_read_only(file, offload=offload)
    assert await beside.bookings() == (saved,)
    with pytest.raises(StoreUnusable, match="read only"):
        await beside.save(a_booking("b2"))
    again = await store.save(saved)
    assert await beside.bookings() == (again,)
    await beside.close()
    await store.close()
    after = await SqliteStore.open_read_only(file, offload=offload)
    assert await after.bookings() == (again,)
    await after.close()


@pytest.mark.parametrize(("found", "told"), [(0, "older"), (LATEST + 1, "newer")])
async def test_a_state_file_of_another_release_is_not_looked_into(
    file: Path, offload: ThreadOffload, found: int, told: str
) -> None:
    change(file, f"PRAGMA user_version = {found}", "CREATE TABLE something (x)")
    with pytest.raises(StoreUnusable, match=f"{told} cospaced"):
        await SqliteStore.open_read_only(file, offload=offload)


async def test_what_is_no_state_file_is_not_looked_into(file: Path, offload: ThreadOffload) -> None:
    not_a_database(file)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        await SqliteStore.open_read_only(file, offload=offload)


async def test_closing_does_not_wait_for_a_thread_that_hangs(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cospaced.store.sqlite._CLOSING", 0.02)

    offload = Inline()
    store = await SqliteStore.open(file, offload=offload, clock=SystemClock())
    offload.hangs = True
    with capture_logs() as logs:
        await store.close()
    assert [entry["event"] for entry in logs] == ["store.close_hangs"]
    store._connection.close()


def test_a_run_in_virtual_time_is_the_same_each_time(tmp_path: Path) -> None:
    def history(file: Path) -> list[float]:
        async def main(clock: VirtualClock) -> list[float]:
            entropy = SeededEntropy(7)
            ends: list[float] = []
            store = await SqliteStore.open(file, offload=InlineOffload(entropy), clock=clock)

            async def save(n: int) -> None:
                await store.save(a_booking(f"b{n}"))
                ends.append(clock.monotonic())

            await asyncio.gather(*(save(n) for n in range(50)))
            await store.close()
            return ends

        return run_virtually(main)

    first = history(tmp_path / "one.db")
    assert first == history(tmp_path / "two.db")
    assert max(first) < 0.02

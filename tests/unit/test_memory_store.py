import asyncio

import pytest

from cospaced.errors import StoreUnusable
from cospaced.store import MemoryStore
from support.rows import a_booking
from support.virtual import SeededEntropy, VirtualClock, run_virtually


async def test_what_was_saved_before_a_crash_is_there_after_it() -> None:
    store = MemoryStore()
    saved = await store.save(a_booking())
    assert await store.crash().bookings() == (saved,)


async def test_a_dead_process_can_neither_read_nor_write_what_it_left() -> None:
    store = MemoryStore()
    after = store.crash()
    for call in (store.save(a_booking()), store.bookings(), store.save_fact("a", "b")):
        with pytest.raises(StoreUnusable, match="was killed"):
            await call
    await store.close()
    assert await after.bookings() == ()
    assert await after.fact("a") == ""


def crashed_after(seconds: float) -> tuple[bool, str]:
    """Save, crash after some time; return whether it is stored and what the caller got."""

    async def main(clock: VirtualClock) -> tuple[bool, str]:
        store = MemoryStore(clock=clock, entropy=SeededEntropy(3))
        got = []

        async def save() -> None:
            try:
                got.append(str((await store.save(a_booking())).version))
            except StoreUnusable:
                got.append("unusable")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(save())
            await clock.sleep(seconds)
            after = store.crash()
        return bool(await after.bookings()), got[0]

    return run_virtually(main)


def test_a_crash_falls_before_the_commit_after_it_or_after_the_answer() -> None:
    ends = [crashed_after(milliseconds / 5000) for milliseconds in range(30)]
    assert list(dict.fromkeys(ends)) == [(False, "unusable"), (True, "unusable"), (True, "1")]

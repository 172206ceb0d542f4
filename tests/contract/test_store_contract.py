"""What every Store must do; each test runs on each store, in real and in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import Booking, State
from cospaced.domain.story import CUT, FIRST, LAST, LONGEST
from cospaced.errors import StoreConflict, StoreUnusable
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.ports import Store
from cospaced.store import MemoryStore, SqliteStore
from support.rows import HOUR, NINE, a_booking, a_full_booking, a_line, a_reading
from support.virtual import InlineOffload, SeededEntropy, VirtualClock, run_virtually


Scenario = Callable[[Store], Awaitable[None]]


def in_memory(_: Path, scenario: Scenario) -> None:
    asyncio.run(_awaited(scenario(MemoryStore())))


def in_slow_memory(_: Path, scenario: Scenario) -> None:
    async def main(clock: VirtualClock) -> None:
        await scenario(MemoryStore(clock=clock, entropy=SeededEntropy(1)))

    run_virtually(main)


def in_a_file(path: Path, scenario: Scenario) -> None:
    asyncio.run(_by_thread(path / "state.db", scenario))


def in_a_database_without_a_file(_: Path, scenario: Scenario) -> None:
    asyncio.run(_by_thread(Path(":memory:"), scenario))


def in_a_file_and_virtual_time(path: Path, scenario: Scenario) -> None:
    async def main(clock: VirtualClock) -> None:
        offload = InlineOffload(SeededEntropy(1))
        store = await SqliteStore.open(path / "state.db", offload=offload, clock=clock)
        await scenario(store)
        await store.close()

    run_virtually(main)


async def _awaited(scenario: Awaitable[None]) -> None:
    await scenario


async def _by_thread(path: Path, scenario: Scenario) -> None:
    offload = ThreadOffload("store")
    try:
        store = await SqliteStore.open(path, offload=offload, clock=SystemClock())
        await scenario(store)
        await store.close()
    finally:
        offload.close()


KINDS = (
    in_memory,
    in_slow_memory,
    in_a_file,
    in_a_database_without_a_file,
    in_a_file_and_virtual_time,
)

Run = Callable[[Scenario], None]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Return what runs a scenario on a new, empty store."""

    def on_a_new_store(scenario: Scenario) -> None:
        request.param(tmp_path, scenario)

    return on_a_new_store


def test_a_new_store_is_empty(run: Run) -> None:
    async def scenario(store: Store) -> None:
        assert await store.bookings() == ()
        assert await store.readings() == {}
        assert await store.story("b1") == ()
        assert await store.fact("profile") == ""

    run(scenario)


def test_a_row_comes_back_as_it_was_saved(run: Run) -> None:
    async def scenario(store: Store) -> None:
        for row in (a_booking("plain"), a_full_booking("full")):
            saved = await store.save(row)
            assert saved == replace(row, version=1)
        found = await store.bookings()
        assert found == (
            replace(a_full_booking("full"), version=1),
            replace(a_booking("plain"), version=1),
        )
        assert all(row.start.tzinfo is UTC for row in found)

    run(scenario)


def test_rows_come_back_in_the_order_of_their_ids(run: Run) -> None:
    async def scenario(store: Store) -> None:
        for name in ("b", "c", "a"):
            await store.save(a_booking(name))
        assert [row.id for row in await store.bookings()] == ["a", "b", "c"]

    run(scenario)


def test_each_save_raises_the_version_by_one(run: Run) -> None:
    async def scenario(store: Store) -> None:
        row = a_booking()
        for version in (1, 2, 3):
            row = await store.save(replace(row, extensions=version))
            assert row.version == version
        assert await store.bookings() == (row,)

    run(scenario)


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_row_of_another_version_is_refused_and_nothing_of_it_stored(
    run: Run, version: int
) -> None:
    async def scenario(store: Store) -> None:
        row = await store.save(await store.save(a_booking()))
        with pytest.raises(StoreConflict, match="b1 is stored with version 2"):
            await store.save(replace(row, version=version, reason="x"), [a_line("b1", "lost")])
        assert await store.bookings() == (row,)
        assert await store.story("b1") == ()

    run(scenario)


def test_a_row_that_was_never_stored_cannot_be_updated(run: Run) -> None:
    async def scenario(store: Store) -> None:
        with pytest.raises(StoreConflict, match="stored with version 0"):
            await store.save(a_booking(version=4))
        assert await store.bookings() == ()

    run(scenario)


def is_open(name: str, number: int | None = 80001) -> Booking:
    return a_booking(name, state=State.OPEN, number=number)


def test_only_one_open_booking_holds_a_number(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.save(is_open("b1"))
        with pytest.raises(StoreConflict, match="number 80001 is held by booking b1"):
            await store.save(is_open("b2"), [a_line("b2", "lost")])
        planned = await store.save(a_booking("b3", number=80001))
        with pytest.raises(StoreConflict, match="number 80001"):
            await store.save(replace(planned, state=State.OPEN))
        assert await store.story("b2") == ()
        assert [row.id for row in await store.bookings()] == ["b1", "b3"]

    run(scenario)


def test_an_open_booking_is_saved_again_on_its_own_number(run: Run) -> None:
    async def scenario(store: Store) -> None:
        row = await store.save(is_open("b1"))
        assert (await store.save(replace(row, extensions=1))).version == 2

    run(scenario)


def test_a_number_is_free_again_once_its_booking_is_closed_or_moved(run: Run) -> None:
    async def scenario(store: Store) -> None:
        first = await store.save(is_open("b1"))
        await store.save(replace(first, state=State.CLOSED))
        second = await store.save(is_open("b2"))
        await store.save(replace(second, number=80002))
        await store.save(is_open("b3"))

    run(scenario)


def test_open_bookings_without_a_number_do_not_exclude_each_other(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.save(is_open("b1", None))
        await store.save(is_open("b2", None))

    run(scenario)


def test_a_conflict_of_one_save_leaves_those_beside_it_alone(run: Run) -> None:
    async def scenario(store: Store) -> None:
        rows = [is_open(f"b{n:02}", 80000 + n // 2) for n in range(20)]
        ends = await asyncio.gather(*map(store.save, rows), return_exceptions=True)
        refused = [end for end in ends if isinstance(end, StoreConflict)]
        assert len(refused) == 10
        found = await store.bookings()
        assert {row.number for row in found} == set(range(80000, 80010))
        assert sorted(r.id for r in ends if isinstance(r, Booking)) == [row.id for row in found]

    run(scenario)


def test_of_saves_of_one_row_at_once_one_wins(run: Run) -> None:
    async def scenario(store: Store) -> None:
        row = await store.save(a_booking())
        ends = await asyncio.gather(
            *(store.save(replace(row, extensions=n)) for n in range(5)), return_exceptions=True
        )
        assert sum(isinstance(end, StoreConflict) for end in ends) == 4
        assert (await store.bookings())[0] in ends

    run(scenario)


def test_a_story_is_told_in_the_order_of_its_telling(run: Run) -> None:
    async def scenario(store: Store) -> None:
        lines = [a_line("b1", f"line {n}", NINE - n * HOUR) for n in range(5)]
        await store.save(a_booking(), lines[:2])
        await store.tell([a_line("b2", "another's"), *lines[2:4]])
        await store.tell(lines[4:])
        await store.tell([])
        assert await store.story("b1") == tuple(lines)
        assert await store.story("b2") == (a_line("b2", "another's"),)

    run(scenario)


def test_a_snapshot_comes_back_and_takes_the_place_of_the_one_before(run: Run) -> None:
    async def scenario(store: Store) -> None:
        first, second = a_reading(), a_reading(stamp="2", occurrences=(), body=b"")
        await store.save_reading("lobby", first)
        await store.save_reading("Boardroom “Ä”", second)
        assert await store.readings() == {"Boardroom “Ä”": second, "lobby": first}
        await store.save_reading("lobby", second)
        await store.save_reading("Boardroom “Ä”", None)
        await store.save_reading("unknown", None)
        assert await store.readings() == {"lobby": second}

    run(scenario)


def test_a_fact_takes_the_place_of_the_one_before(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.save_fact("profile", "one")
        await store.save_fact("profile", "two")
        assert await store.fact("profile") == "two"
        assert await store.fact("other") == ""

    run(scenario)


def test_a_story_that_grows_too_long_loses_its_middle_and_says_so(run: Run) -> None:
    async def scenario(store: Store) -> None:
        lines = [a_line("b1", f"line {number}") for number in range(LONGEST + 1)]
        await store.tell(lines[:LONGEST])
        assert len(await store.story("b1")) == LONGEST
        await store.tell(lines[LONGEST:])
        texts = [line.text for line in await store.story("b1")]
        head, tail = [[line.text for line in part] for part in (lines[:FIRST], lines[-LAST:])]
        assert texts == [*head, CUT, *tail]
        for round_ in range(3):
            await store.tell([a_line("b1", f"{round_} {number}") for number in range(LONGEST)])
        texts = [line.text for line in await store.story("b1")]
        assert len(texts) == FIRST + 1 + LAST
        assert texts[:FIRST] == head
        assert texts.count(CUT) == 1
        assert texts[-1] == f"2 {LONGEST - 1}"

    run(scenario)


def test_what_ended_long_ago_is_forgotten_with_its_story(run: Run) -> None:
    async def scenario(store: Store) -> None:
        for state in State:
            row = a_booking(state, state=state, number=None)
            await store.save(row, [a_line(state, "told", NINE + 9 * HOUR)])
        assert await store.forget(NINE + HOUR) == 0
        assert await store.forget(NINE + HOUR + timedelta(microseconds=1)) == 4
        assert [row.id for row in await store.bookings()] == ["open", "planned"]
        assert len(await store.story("open")) == 1
        assert await store.story("closed") == ()
        assert await store.forget(NINE + 99 * HOUR) == 0

    run(scenario)


def test_an_extended_booking_ended_when_it_really_did(run: Run) -> None:
    async def scenario(store: Store) -> None:
        row = a_booking(state=State.CLOSED, extended_to=NINE + 3 * HOUR)
        await store.save(row)
        assert await store.forget(NINE + 2 * HOUR) == 0
        assert await store.forget(NINE + 4 * HOUR) == 1

    run(scenario)


def test_a_story_without_a_row_is_forgotten_when_its_last_line_is_old(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.tell([a_line("lost", "first", NINE), a_line("lost", "last", NINE + HOUR)])
        await store.forget(NINE + HOUR)
        assert len(await store.story("lost")) == 2
        await store.forget(NINE + 2 * HOUR)
        assert await store.story("lost") == ()

    run(scenario)


def test_a_forgotten_row_may_begin_again(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.save(a_booking(state=State.CANCELLED))
        await store.forget(NINE + 2 * HOUR)
        assert (await store.save(a_booking())).version == 1

    run(scenario)


def test_a_closed_store_says_so(run: Run) -> None:
    async def scenario(store: Store) -> None:
        await store.save(a_booking())
        await store.close()
        await store.close()
        with pytest.raises(StoreUnusable, match="closed"):
            await store.save(a_booking("b2"))
        with pytest.raises(StoreUnusable, match="closed"):
            await store.bookings()

    run(scenario)


def test_a_cancelled_save_is_stored_wholly_or_not_at_all_and_holds_up_nobody(run: Run) -> None:
    async def scenario(store: Store) -> None:
        async def save(n: int) -> None:
            await store.save(a_booking(f"b{n:02}"), [a_line(f"b{n:02}", "told")])

        for cancelled in range(6):
            async with asyncio.TaskGroup() as tasks:
                names = range(10 * cancelled, 10 * cancelled + 6)
                started = [tasks.create_task(save(n)) for n in names]
                for _ in range(cancelled):
                    await asyncio.sleep(0)
                started[cancelled % 3].cancel()
        found = {row.id for row in await store.bookings()}
        for n in (10 * group + place for group in range(6) for place in range(6)):
            name = f"b{n:02}"
            assert len(await store.story(name)) == (name in found)
            assert name in found or n % 10 == n // 10 % 3

    run(scenario)

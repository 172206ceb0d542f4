import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cospaced.cms.dial_rate import DialRate
from cospaced.cms.gate import OLD_TURN, Gate, Priority
from cospaced.cms.standing import HeldBack, Standing
from support.virtual import VirtualClock, run_virtually


async def _through(
    gate: Gate, clock: VirtualClock, priority: Priority, done: list[str], name: str, takes: float
) -> None:
    await gate.enter(priority)
    try:
        await clock.sleep(takes)
        done.append(name)
    finally:
        gate.leave()


def _run(main: Callable[[VirtualClock], Awaitable[None]]) -> None:
    async def wrapped(clock: VirtualClock) -> None:
        await main(clock)

    run_virtually(wrapped)


def test_dials_go_before_closes_before_opens_before_looks_before_audits() -> None:
    async def main(clock: VirtualClock) -> None:
        gate, done = Gate(1, clock), []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_through(gate, clock, Priority.AUDIT, done, "first", 0.1))
            await clock.sleep(0)
            for priority in reversed(Priority):
                tasks.create_task(_through(gate, clock, priority, done, priority.name, 0.1))
        assert done == ["first", "DIAL", "CLOSE", "OPEN", "VERIFY", "AUDIT"]

    _run(main)


def test_no_more_requests_are_under_way_than_there_are_places() -> None:
    async def main(clock: VirtualClock) -> None:
        gate = Gate(3, clock)
        under_way, most = 0, 0

        async def one() -> None:
            nonlocal under_way, most
            await gate.enter(Priority.OPEN)
            under_way += 1
            most = max(most, under_way)
            await clock.sleep(0.01)
            under_way -= 1
            gate.leave()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(one())
        assert most == 3

    _run(main)


def test_an_audit_comes_through_however_many_dials_there_are() -> None:
    async def main(clock: VirtualClock) -> None:
        gate, done = Gate(1, clock), []
        async with asyncio.TaskGroup() as tasks:
            for number in range(100):
                tasks.create_task(_through(gate, clock, Priority.DIAL, done, f"dial {number}", 0.5))
            await clock.sleep(0)
            tasks.create_task(_through(gate, clock, Priority.AUDIT, done, "audit", 0.5))
        # It is old after 5 s, ten dials on, and one turn in four is for the old.
        assert 10 <= done.index("audit") <= 14

    _run(main)


def test_old_requests_take_one_turn_in_four_and_no_more() -> None:
    async def main(clock: VirtualClock) -> None:
        gate, done = Gate(1, clock), []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_through(gate, clock, Priority.DIAL, done, "hog", 10))
            await clock.sleep(0)
            for number in range(4):
                tasks.create_task(
                    _through(gate, clock, Priority.AUDIT, done, f"audit {number}", 0.1)
                )
            await clock.sleep(9)
            for number in range(12):
                tasks.create_task(_through(gate, clock, Priority.DIAL, done, f"dial {number}", 0.1))
        assert len([name for name in done[1 : 4 * OLD_TURN] if name.startswith("audit")]) == 3

    _run(main)


@pytest.mark.parametrize("moment", [0.05, 0.1])
def test_who_gives_up_waiting_loses_no_place_for_the_others(moment: float) -> None:
    async def main(clock: VirtualClock) -> None:
        gate, done = Gate(1, clock), []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_through(gate, clock, Priority.DIAL, done, "first", 0.1))
            await clock.sleep(0)
            waiting = tasks.create_task(_through(gate, clock, Priority.DIAL, done, "gone", 0.1))
            tasks.create_task(_through(gate, clock, Priority.DIAL, done, "third", 0.1))
            await clock.sleep(moment)
            waiting.cancel()
        assert done == ["first", "third"]
        await asyncio.wait_for(gate.enter(Priority.AUDIT), 1)

    _run(main)


def test_dials_are_spaced_evenly_over_all_who_share_the_rate() -> None:
    async def main(clock: VirtualClock) -> None:
        rate, at = DialRate(10, clock), []

        async def one() -> None:
            await rate.turn()
            at.append(round(clock.monotonic(), 3))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(one())
        assert at == [0.0, 0.1, 0.2, 0.3]
        await clock.sleep(60)
        before = clock.monotonic()
        await rate.turn()
        assert clock.monotonic() == before

    _run(main)


def test_a_broken_bridge_is_tried_once_a_second_and_the_rest_is_told_at_once() -> None:
    async def main(clock: VirtualClock) -> None:
        standing = Standing(clock)
        standing.admit()
        began = clock.monotonic()
        await clock.sleep(0.5)
        standing.broke("connection", "it broke", began)
        for _ in range(3):
            with pytest.raises(HeldBack, match="it broke") as caught:
                standing.admit()
            assert caught.value.kind == "connection"
            await clock.sleep(1)
            standing.admit()
        standing.answered(welcome=True)
        standing.admit()
        standing.admit()

    _run(main)


def test_one_unlucky_request_does_not_hold_back_a_bridge_that_answers_others() -> None:
    async def main(clock: VirtualClock) -> None:
        standing = Standing(clock)
        began = clock.monotonic()
        await clock.sleep(5)
        standing.answered(welcome=True)
        await clock.sleep(5)
        standing.broke("timeout", "slow", began)
        standing.admit()

    _run(main)


def test_a_refused_log_in_is_left_alone_for_a_minute_and_then_tried_once() -> None:
    async def main(clock: VirtualClock) -> None:
        standing = Standing(clock)
        standing.answered(welcome=False)
        standing.refused_login("wrong password")
        await clock.sleep(59)
        with pytest.raises(HeldBack) as caught:
            standing.admit()
        assert caught.value.kind == "login"
        await clock.sleep(1.01)
        standing.admit()
        with pytest.raises(HeldBack):
            standing.admit()
        standing.answered(welcome=True)
        assert standing.sound

    _run(main)

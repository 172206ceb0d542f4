"""Worker processes: they work, they are ended when they hang, and they outlive nobody."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cospaced.calendars.job import Job, work_out
from cospaced.calendars.worker import _Limit
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from support.ical import calendar, event, texts, times, window


TIMES = ("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z")
JOB = Job(
    data=calendar(event(*TIMES, "RRULE:FREQ=MINUTELY;COUNT=1200"), event(*TIMES, uid="other")),
    body=b"",
    covered=window(),
    time_zone="Europe/Berlin",
)
DEAR = "RRULE:FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1"
"""Never matches, so that dateutil looks for it hour by hour until the year 9999."""


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool()
    yield pool
    await pool.close()


@pytest.fixture
async def bad_pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(size=1, module="support.bad_workers")
    yield pool
    await pool.close()


async def test_a_worker_answers_what_the_work_gives_here(pool: WorkerPool):
    assert await pool.expand(JOB, 20) == work_out(JOB)


async def test_errors_of_the_calendar_come_back_and_the_worker_stays(pool: WorkerPool):
    with pytest.raises(CalendarError) as caught:
        await pool.expand(replace(JOB, data=b"<html>"), 20)
    assert caught.value.kind == "not_a_calendar"
    before = [worker._process.pid for worker in pool._all]
    await pool.expand(JOB, 20)
    assert [worker._process.pid for worker in pool._all] == before


async def test_more_jobs_than_workers_wait_for_their_turn(pool: WorkerPool):
    results = await asyncio.gather(*(pool.expand(JOB, 20) for _ in range(5)))
    assert len(pool._all) == 2
    assert all(result == results[0] for result in results)


async def test_an_event_that_takes_too_long_costs_only_itself(pool: WorkerPool):
    data = calendar(event("DTSTART:20260101T000000Z", DEAR), event(*TIMES, uid="other"))
    result = await pool.expand(replace(JOB, data=data), 20)
    assert times(result) == ["11-24T10:00/11-24T11:00"]
    assert texts(result) == ["it takes longer than 2 s to work out"]


def test_time_in_which_a_worker_does_not_run_is_not_its_events(monkeypatch: pytest.MonkeyPatch):
    """As where a virtual machine is moved, or another program takes the processor."""
    monkeypatch.setattr("cospaced.calendars.worker._FOR_ONE_UID", 0.05)
    before = signal.getsignal(signal.SIGVTALRM)
    try:
        with _Limit()():
            select.select([], [], [], 0.2)
    finally:
        signal.signal(signal.SIGVTALRM, before)


async def test_a_job_past_its_deadline_is_killed_and_the_next_one_served(bad_pool: WorkerPool):
    first = (await bad_pool.expand(replace(JOB, data=b"pid"), 20)).body
    with pytest.raises(CalendarError) as caught:
        await bad_pool.expand(replace(JOB, data=b"hang"), 0.3)
    assert caught.value.kind == "hung"
    # The same of every room, whatever time it had left: they are told together.
    assert caught.value.seen == "it was not worked out in time, and its worker was ended"
    assert "raise timeout" in (caught.value.remedy or "")
    second = (await bad_pool.expand(replace(JOB, data=b"pid"), 20)).body
    assert first != second
    assert not Path(f"/proc/{first.decode()}").exists()


async def test_calendars_that_take_too_long_leave_a_worker_to_the_others():
    pool = WorkerPool(size=2, module="support.bad_workers")
    slow = [replace(JOB, data=b"hang", room=f"slow {n}") for n in range(4)]
    good = replace(JOB, data=b"pid", room="good")
    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for job in slow:
                with pytest.raises(CalendarError):
                    await pool.expand(job, 0.1)
            again = [group.create_task(_outcome(pool, job)) for job in slow]
            while not pool._turns_of_the_slow.locked():
                await asyncio.sleep(0.01)
            assert (await pool.expand(good, 20)).body
            await pool.close()
        assert {task.result() for task in again} == {"unreadable"}
    finally:
        await pool.close()


async def test_a_calendar_that_took_too_long_is_like_any_other_once_it_does_not():
    pool = WorkerPool(size=2, module="support.bad_workers")
    mended = replace(JOB, data=b"pid", room="mended")
    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for job in (replace(mended, data=b"hang"), replace(JOB, data=b"hang", room="slow")):
                with pytest.raises(CalendarError):
                    await pool.expand(job, 0.1)
            assert (await pool.expand(mended, 20)).body
            group.create_task(_outcome(pool, replace(JOB, data=b"hang", room="slow")))
            while not pool._turns_of_the_slow.locked():
                await asyncio.sleep(0.01)
            assert (await pool.expand(mended, 20)).body
            await pool.close()
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("order", "how"), [(b"die", "exit status 9"), (b"be killed", "signal 9, Killed")]
)
async def test_a_worker_that_dies_costs_one_job_and_how_is_told(
    bad_pool: WorkerPool, order: bytes, how: str
):
    with capture_logs() as told, pytest.raises(CalendarError) as caught:
        await bad_pool.expand(replace(JOB, data=order), 20)
    assert caught.value.kind == "unreadable"
    assert how in str(caught.value)
    assert [line["reason"] for line in told if line["event"] == "worker.died"] == [how]
    assert (await bad_pool.expand(replace(JOB, data=b"pid"), 20)).body


async def test_a_worker_killed_while_idle_is_replaced(pool: WorkerPool):
    await pool.expand(JOB, 20)
    os.kill(pool._all[0]._process.pid, signal.SIGKILL)
    while pool._all[0].status is None:
        await asyncio.sleep(0.01)
    assert await pool.expand(JOB, 20) == work_out(JOB)


async def test_a_cancelled_job_leaves_no_answer_for_the_next(bad_pool: WorkerPool):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await bad_pool.expand(replace(JOB, data=b"hang"), 20)
    assert (await bad_pool.expand(replace(JOB, data=b"pid"), 20)).body


async def test_closing_ends_the_job_under_way_at_once(bad_pool: WorkerPool):
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        job = group.create_task(_outcome(bad_pool, replace(JOB, data=b"hang")))
        while not bad_pool._all:
            await asyncio.sleep(0.01)
        await bad_pool.close()
    assert job.result() == "unreadable"
    assert bad_pool._all == []


async def test_a_calendar_that_needs_too_much_memory_is_told():
    pool = WorkerPool(size=1, memory=150_000_000)
    many = calendar(*(event(*TIMES, f"SUMMARY:{'x' * 200}", uid=str(n)) for n in range(40_000)))
    try:
        with pytest.raises(CalendarError) as caught:
            await pool.expand(replace(JOB, data=many * 4), 25)
        assert caught.value.kind in ("too_large", "unreadable")
        assert await pool.expand(JOB, 20) == work_out(JOB)
    finally:
        await pool.close()


async def test_workers_that_nobody_needs_any_more_are_ended():
    busy = WorkerPool(size=3)
    try:
        await asyncio.gather(*(busy.expand(JOB, 20) for _ in range(3)))
        ended = list(busy._all)
        assert len(ended) == 3
        busy._longest_idle = 0.0
        await busy.expand(JOB, 20)
        assert len(busy._all) == 1
        assert sum(worker.status is None for worker in ended) == 1
    finally:
        await busy.close()


PARENT = """
import asyncio, sys
from cospaced.calendars.job import Job
from cospaced.calendars.workers import WorkerPool
from support.ical import calendar, event, window

async def main():
    pool = WorkerPool(size=1)
    job = Job(data=calendar(), body=b"", covered=window(), time_zone="UTC")
    await pool.expand(job, 20)
    print(pool._all[0]._process.pid, flush=True)
    if sys.argv[1] == "busy":
        many = [event("DTSTART:20260101T000000Z", sys.argv[2], uid=str(n)) for n in range(50)]
        job = Job(data=calendar(*many), body=b"", covered=window(), time_zone="UTC")
        await pool.expand(job, 60)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
async def test_a_daemon_that_is_killed_leaves_no_worker(state: str):
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        state,
        DEAR,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    worker = int(await parent.stdout.readline())
    if state == "busy":
        await asyncio.sleep(0.5)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(5):
        while _runs(worker):
            await asyncio.sleep(0.02)


def _runs(process: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def _outcome(pool: WorkerPool, job: Job) -> str:
    try:
        await pool.expand(job, 60)
    except CalendarError as error:
        return error.kind
    return "done"

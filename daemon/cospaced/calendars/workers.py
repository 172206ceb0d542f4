"""Who works calendars out: a pool of worker processes, or, in simulation, this process itself.

A recurrence that hangs can only be ended by a kill, and parsing holds the GIL for as long as it
takes: neither may happen in the daemon's own process.
"""

import asyncio
import os
import signal
import sys
from contextlib import nullcontext
from typing import Any, Protocol, cast

import structlog

from cospaced.calendars import frames
from cospaced.calendars.job import Expansion, Job, work_out
from cospaced.errors import CalendarError
from cospaced.ports import Offload


_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONTZPATH", "LD_LIBRARY_PATH")
MEMORY = 1 << 30
_JOBS_OF_A_WORKER = 1000
"""After so many a worker is replaced: what large calendars left in its memory goes with it."""
_DYING = 1.0
"""Seconds until a process that closed its pipe is gone."""
_IDLE = 300.0
"""Seconds after which a worker that nobody needed is ended."""

log = structlog.get_logger()


class Expander(Protocol):
    """Works calendars out; shared by all sources of a daemon."""

    async def expand(self, job: Job, seconds: float) -> Expansion:
        """Do a job; raises CalendarError, `hung` where it takes longer than `seconds`."""

    async def close(self) -> None:
        """End at once what is under way."""


class InlineExpander:
    """Works calendars out in this process, through the Offload port: for simulation and tests.

    Nothing can be ended here, so `seconds` is not watched.
    """

    def __init__(self, offload: Offload) -> None:
        self._offload = offload

    async def expand(self, job: Job, seconds: float) -> Expansion:  # noqa: ARG002 - see the class
        """Do a job."""
        return await self._offload.run(lambda: work_out(job))

    async def close(self) -> None:
        """Nothing is held."""


class WorkerPool:
    """At most `size` worker processes, started when they are needed and kept; one job each.

    `module` is what a worker runs: it calls `worker.serve`, and its jobs and answers are its own.
    `memory` is the address space of each in bytes; one not needed for `idle` seconds is ended.

    A calendar whose last job did not end in its time will likely take as long at each of its polls.
    All of these leave one worker to the others.
    """

    def __init__(
        self,
        *,
        size: int = 2,
        memory: int = MEMORY,
        module: str = "cospaced.calendars.worker",
        idle: float = _IDLE,
    ) -> None:
        self._module = module
        self._memory = memory
        self._turns = asyncio.Semaphore(size)
        self._turns_of_the_slow = asyncio.Semaphore(max(1, size - 1))
        self._slow: set[str] = set()
        self._longest_idle = idle
        self._idle: list[Worker] = []
        self._all: list[Worker] = []
        self._closed = False

    async def expand(self, job: Job, seconds: float) -> Expansion:
        """Work a calendar out; see Expander and `do`."""
        slow = self._turns_of_the_slow if job.room in self._slow else nullcontext()
        async with slow:
            return cast("Expansion", await self.do(job, seconds, whose=job.room))

    async def do(self, job: object, seconds: float, *, whose: str = "") -> Any:
        """Have a job done and return its answer; `seconds` count from when a worker takes it.

        `whose` it is decides whether `expand` takes its like for slow: until one ends, it does.

        Raises the CalendarError that the job ends in, `hung` where it takes longer, `unreadable`
        where the worker dies.
        """
        async with self._turns:
            worker = await self._worker()
            usable = False
            self._slow.add(whose)
            try:
                async with asyncio.timeout(seconds):
                    result = await worker.do(job)
                usable = worker.jobs < _JOBS_OF_A_WORKER
                self._slow.discard(whose)
            except CalendarError:
                usable = True
                self._slow.discard(whose)
                raise
            except TimeoutError as error:
                log.warning("worker.killed", reason="hung", seconds=seconds)
                raise CalendarError(
                    "hung",
                    "it was not worked out in time, and its worker was ended",
                    remedy="see whether its server is slow, or this machine busy; else raise"
                    " timeout",
                ) from error
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                how = await worker.death()
                log.warning("worker.died", reason=how)
                raise CalendarError(
                    "unreadable", f"the worker that was to read it died ({how}); is memory short?"
                ) from error
            finally:
                await self._put_back(worker, usable=usable)
            return result

    async def close(self) -> None:
        """Kill every worker; jobs under way end in CalendarError."""
        self._closed = True
        self._idle.clear()
        for worker in tuple(self._all):
            await self._end(worker)

    async def _worker(self) -> "Worker":
        self._check_open()
        while self._idle:
            worker = self._idle.pop()
            if worker.status is None:
                return worker
            await self._end(worker)
        worker = await Worker.start(self._module, self._memory)
        self._all.append(worker)
        if self._closed:
            # It was closed while this one started, and did not know of it.
            await self._end(worker)
        self._check_open()
        return worker

    def _check_open(self) -> None:
        if self._closed:
            raise CalendarError("unreadable", "the workers have been stopped")

    async def _put_back(self, worker: "Worker", *, usable: bool) -> None:
        """Keep a worker for the next job, or end it, and with it those that idle for too long.

        The last one kept is the first one used, so that those in front are not needed.
        """
        now = asyncio.get_running_loop().time()
        ended = [] if usable and not self._closed else [worker]
        if not ended:
            worker.idle_since = now
            self._idle.append(worker)
        while self._idle and now - self._idle[0].idle_since > self._longest_idle:
            ended.append(self._idle.pop(0))
        for one in ended:
            await self._end(one)

    async def _end(self, worker: "Worker") -> None:
        if worker in self._all:
            self._all.remove(worker)
        await worker.kill()


class Worker:
    """One worker process."""

    @classmethod
    async def start(cls, module: str, memory: int = MEMORY) -> "Worker":
        """Start one that runs `module`, with `memory` bytes of address space; raises OSError."""
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, str(memory)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd="/",
                env=_environment(),
            )
        )

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.jobs = 0
        self.idle_since = 0.0

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.returncode

    async def do(self, job: object) -> Any:
        """Send a job and read the answer."""
        await self.send(job)
        return await self.answer()

    async def send(self, job: object) -> None:
        """Send a job; ConnectionError where the worker is gone."""
        self.jobs += 1
        if self._process.stdin is None:
            raise ConnectionError("the worker has no pipes")
        self._process.stdin.write(frames.frame(job))
        await self._process.stdin.drain()

    async def answer(self) -> Any:
        """Read an answer, or the next one of a job that has several; see `frames.read_answer`."""
        if self._process.stdout is None:
            raise ConnectionError("the worker has no pipes")
        return await frames.read_answer(self._process.stdout)

    async def death(self) -> str:
        """Say how it ended by itself, which shows a moment after its pipe is closed."""
        try:
            async with asyncio.timeout(_DYING):
                status = await self._process.wait()
        except TimeoutError:
            return "it closed its pipe"
        killed = f"signal {-status}, {signal.strsignal(-status)}" if status < 0 else ""
        return killed or f"exit status {status}"

    async def kill(self) -> None:
        """End it, whatever it does, and wait until it is gone."""
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                log.debug("worker.gone")
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


def _environment() -> dict[str, str]:
    """Return what a worker needs of the environment: none of the daemon's secrets are there."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

"""A worker process: `python -m cospaced.calendars.worker MEMORY`, jobs in, answers out.

This one works iCalendar text out; others (`caldav.worker`) call `serve` with work of their own.
It is exec'd, not forked, so that it holds no lock and no socket of the daemon. It ends when its
pipe closes, also in the middle of a job, so that a daemon killed by `kill -9` leaves no orphan.
What hangs in Python is ended for its UID alone by an alarm; what hangs below Python by the kernel
(CPU time of one answer) or by the daemon (its deadline). The alarm counts CPU time, too: an event
that was stopped because its machine was would be left out until its text changes.
"""

import os
import resource
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cospaced.calendars import frames
from cospaced.calendars.expand import Guard
from cospaced.calendars.job import work_out
from cospaced.calendars.unusable import Unusable
from cospaced.errors import CalendarError


_FOR_ONE_UID = 2.0
_FOR_LATER_UIDS = 0.2
_PATIENCE = 3
_CPU_SECONDS_OF_AN_ANSWER = 300
_NICENESS = 5


class _Limit:
    """The CPU time that each UID may take: less once several of one calendar took too long."""

    def __init__(self) -> None:
        self._exceeded = 0
        self._seconds = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self._seconds = _FOR_ONE_UID if self._exceeded < _PATIENCE else _FOR_LATER_UIDS
        # It rings again and again, lest something beneath swallows the first exception.
        signal.signal(signal.SIGVTALRM, self._ring)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds, self._seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        self._exceeded += 1
        raise Unusable(f"it takes longer than {self._seconds:g} s to work out")


Work = Callable[[Any, Guard], Any]
"""Does a job and returns its answer (see `frames.answer`); the guard is entered for each UID."""


Works = Callable[[Any, Guard], Iterator[Any]]
"""Does a job that has several answers, and yields them."""


def serve(work: Work) -> None:
    """Do jobs until the daemon closes the pipe."""

    def once(job: Any, guard: Guard) -> Iterator[Any]:
        yield work(job, guard)

    serve_each(once)


def serve_each(works: Works) -> None:
    """Do jobs until the daemon closes the pipe; each has as many answers as `works` yields."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)
    # Ctrl-C in a terminal reaches the whole group; the daemon decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    threading.Thread(target=_end_with_the_daemon, daemon=True).start()
    # Whatever a library prints must not stand among the answers.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(answers, "wb") as out:
        while (job := frames.read_job(sys.stdin.buffer)) is not None:
            signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_OF_AN_ANSWER)
            for result in _results(works, job):
                for part in frames.answer(result):
                    out.write(part)
                out.flush()
                signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_OF_AN_ANSWER)
            signal.setitimer(signal.ITIMER_PROF, 0)


def _results(works: Works, job: Any) -> Iterator[Any]:
    """Yield the answers of a job; an error is the last one."""
    try:
        yield from works(job, _Limit())
    except CalendarError as error:
        yield error
    except MemoryError:
        yield CalendarError("too_large", "it takes more memory than a worker may have")
    except Exception as error:  # noqa: BLE001 - the edge of a job: no traceback shows a calendar
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__} in {where.filename}, line {where.lineno}"
        yield CalendarError("unreadable", f"it met a fault of the program ({told})")


def _end_with_the_daemon() -> None:
    """Wait for the hang-up of the pipe that jobs come by, and end the process at once."""
    pipe = select.poll()
    pipe.register(sys.stdin.fileno(), 0)
    pipe.poll()
    os._exit(0)


if __name__ == "__main__":
    serve(work_out)

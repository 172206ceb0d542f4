"""Where icalendar and recurring-ical-events alone are wrong, raise or hang, and cospaced is not.

Run by its name alone, as it takes some minutes. Each case is read by the libraries as their
documentation says, in a new process of 12 s of CPU time and 3 GB, and by a worker of the daemon
with its own limits. Cases are those of the tests, the examples of RFC 5545, and random calendars,
of which the naive reading knows what must come.
"""

import asyncio
import json
import platform
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from bare_reader import CPU_SECONDS
from hypothesis import HealthCheck, given, settings
from report import table, tell

from cospaced.calendars.job import Job
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from support import ical_cases, ical_producers
from support.ical import calendar, event, window
from support.naive_calendars import Sample, samples
from support.rfc5545 import EXAMPLES


READER = Path(__file__).with_name("bare_reader.py")
LONGEST = 60
"""Seconds of the clock, in case one sleeps."""
RANDOM = 150
NEW_YORK = ZoneInfo("America/New_York")
Times = list[tuple[datetime, datetime]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A calendar, its window, and what must come of it; None: it is to be refused."""

    name: str
    data: bytes
    covered: Timespan
    expected: Times | None
    zone: str = "Europe/Berlin"
    told: bool = False
    """Something in it is wrong, and is to be told."""


def listed() -> Iterator[Task]:
    """Yield the cases of the tests."""
    for name, case in {**ical_cases.CASES, **ical_producers.CASES}.items():
        covered = window(*case.days)
        yield Task(
            name=name,
            data=case.data,
            covered=covered,
            expected=[_times(line, covered.start.year) for line in case.times],
            zone=case.zone,
            told=bool(case.problems),
        )
    for name, (data, _) in ical_cases.NO_CALENDARS.items():
        yield Task(name=name, data=data, covered=window(), expected=None)


def _times(line: str, year: int) -> tuple[datetime, datetime]:
    start, end = (
        datetime.fromisoformat(f"{year}-{moment}").replace(tzinfo=UTC) for moment in line.split("/")
    )
    return start, end


def rfc() -> Iterator[Task]:
    """Yield the examples of RFC 5545, endless ones up to the last that it lists."""
    length = timedelta(minutes=5)
    for name, example in EXAMPLES.items():
        starts = [
            datetime.fromisoformat(text[:16]).replace(tzinfo=NEW_YORK).astimezone(UTC)
            for text in example.expected
        ]
        yield Task(
            name=f"RFC 5545: {name}",
            data=calendar(
                event(
                    f"DTSTART;TZID=America/New_York:{example.start}", "DURATION:PT5M", example.rule
                )
            ),
            covered=Timespan(datetime(1990, 1, 1, tzinfo=UTC), starts[-1] + length),
            expected=[(start, start + length) for start in starts],
        )


def at_random() -> list[Task]:
    """Return random calendars, the same each time."""
    tasks: list[Task] = []

    @settings(
        max_examples=RANDOM,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(samples())
    def draw(sample: Sample) -> None:
        expected = [(start, end) for _, start, end, *_ in sample.expected]
        tasks.append(
            Task(name="", data=sample.data, covered=sample.covered, expected=sorted(expected))
        )

    draw()
    return tasks


def bare(task: Task) -> str:
    """Say what the libraries alone make of it; empty where it is right."""
    question = json.dumps([
        task.data.decode("latin-1"),
        *(moment.isoformat() for moment in (task.covered.start, task.covered.end)),
        task.zone,
    ])  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, str(READER)],
            input=question.encode(),
            capture_output=True,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return f"hangs (ended after {LONGEST} s)"
    if done.returncode == -signal.SIGXCPU:
        return f"hangs (ended after {CPU_SECONDS} s)"
    answer = done.stdout.decode().strip()
    if done.returncode or not answer:
        return f"dies (exit status {done.returncode})"
    found = json.loads(answer)
    if isinstance(found, str):
        return "" if task.expected is None else f"raises {found}"
    spans = ((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in found)
    return compared(list(spans), task)


async def ours(task: Task, pool: WorkerPool) -> str:
    """Say what the daemon makes of it; empty where it is right."""
    job = Job(data=task.data, body=b"", covered=task.covered, time_zone=task.zone)
    try:
        result = await pool.expand(job, LONGEST)
    except CalendarError as error:
        return "" if task.expected is None else f"raises {error.kind}"
    if task.told is not bool(result.problems):
        return f"tells {len(result.problems)} problems"
    return compared([(o.start, o.end) for o in result.occurrences], task)


def compared(found: Times, task: Task) -> str:
    """Say how what was found differs from what must come; empty where it does not."""
    if task.expected is None:
        return f"takes it for a calendar of {len(found)} occurrences"
    minutes = [tuple(moment.replace(second=0) for moment in span) for span in found]
    expected, got = Counter(task.expected), Counter(minutes)
    missing, extra = (expected - got).total(), (got - expected).total()
    if not missing and not extra:
        return ""
    return f"wrong: {missing} of {expected.total()} missing, {extra} that should not be"


async def main() -> None:
    """Try all cases and print those in which the libraries alone fail."""
    libraries = ("icalendar", "recurring-ical-events", "python-dateutil")
    said = ", ".join(f"{name} {version(name)}" for name in libraries)
    tell(f"Python {platform.python_version()}, {said}\n")
    pool = WorkerPool(size=1)
    tasks = [*listed(), *rfc()]
    rows: list[tuple[str, str, str]] = []
    for task in tasks:
        alone, here = await asyncio.to_thread(bare, task), await ours(task, pool)
        if alone or here:
            right = "right, and told" if task.told else "right"
            right = "refused" if task.expected is None else right
            rows.append((task.name, alone or "right", here or right))
    table(("case", "bare libraries", "cospaced"), rows)
    tell(f"{len(tasks)} cases; bare libraries fail in {sum(row[1] != 'right' for row in rows)}\n")
    alone_wrong: Counter[str] = Counter()
    here_wrong: Counter[str] = Counter()
    for task in at_random():
        alone_wrong[(await asyncio.to_thread(bare, task)).partition(":")[0] or "right"] += 1
        here_wrong[(await ours(task, pool)).partition(":")[0] or "right"] += 1
    await pool.close()
    outcomes = sorted({*alone_wrong, *here_wrong})
    head = (f"{RANDOM} random calendars", "bare libraries", "cospaced")
    table(head, [(outcome, alone_wrong[outcome], here_wrong[outcome]) for outcome in outcomes])


if __name__ == "__main__":
    asyncio.run(main())

"""Listening to 200 mailboxes of a simulated Exchange: the listener's CPU, its memory, the delay.

The stream says more often than a real one that it lives, so that its cost can be told; how much CPU
that takes at Exchange's own pace (every 45 s) is reckoned from it.
"""

import asyncio
import os
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from report import children, cpu_seconds, rss_mib, table

from cospaced.calendars.exchange.listening import MOST
from cospaced.exchange_simulator.service import STREAMING
from cospaced.host.clock import SystemClock
from support import exchange_items
from support.exchange_calendars import Server, exchange_source, server
from support.icalendar_writer import address_of
from support.situations import PLAIN, WINDOW


HEARTBEAT = 0.2
REAL = 45.0
SIGNS = 60
CHANGES = 50


class Heard:
    """What is told, and what has been waited for."""

    def __init__(self, running: Server) -> None:
        self.exchange = running.exchange
        self.rooms = [running.add_room(f"room{n}") for n in range(MOST)]
        self.told = asyncio.Event()

    def signs(self) -> int:
        """Return how many messages the stream has had."""
        return self.exchange.requests.count(STREAMING)

    async def until_signs(self, count: int) -> None:
        """Wait for so many messages more."""
        wanted, clock = self.signs() + count, SystemClock()
        while self.signs() < wanted:
            await clock.sleep(0.005)

    async def change(self, number: int) -> float:
        """Change a room's calendar; return after how many seconds that is told."""
        box = self.exchange.state.mailbox(address_of(f"room{number}"))
        self.told.clear()
        began = perf_counter()
        exchange_items.put(self.exchange.state, box, replace(PLAIN, id=f"{number}@example.org"))
        await self.told.wait()
        return perf_counter() - began


async def measure(folder: Path) -> None:
    """Listen, and print the table."""
    clock = SystemClock()
    async with server(folder, clock) as running, exchange_source(running, clock) as source:
        running.exchange.knobs = replace(running.exchange.knobs, heartbeat=HEARTBEAT)
        heard = Heard(running)
        await source.poll(heard.rooms[0], None, WINDOW)
        others = set(children(os.getpid()))
        async with asyncio.TaskGroup() as tasks:
            began = perf_counter()
            watch = tasks.create_task(source.watch(heard.rooms, lambda _: heard.told.set()))
            await heard.until_signs(2)
            started = perf_counter() - began
            (pid,) = set(children(os.getpid())) - others
            before = cpu_seconds(pid)
            await heard.until_signs(SIGNS)
            sign = (cpu_seconds(pid) - before) / SIGNS
            delays = [await heard.change(number) for number in range(CHANGES)]
            rows = [
                ["from the start to the stream, s", started],
                ["CPU of a sign of life, ms", sign * 1e3],
                [f"CPU of an idle stream at one every {REAL:g} s, %", sign / REAL * 100],
                ["from a change to when it is told, ms (median)", statistics.median(delays) * 1e3],
                ["the longest, ms", max(delays) * 1e3],
                ["memory of the listener, MiB", rss_mib(pid)],
            ]
            watch.cancel()
    table((f"{MOST} mailboxes", "measured"), rows)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Path(directory)))

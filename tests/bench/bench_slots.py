"""How long `choose` takes: `python tests/bench/bench_slots.py`.

2,000 numbers and 10,000 bookings, spread over 30 days, and all in one day (where no slot rests).
"""

import random
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

from cospaced.domain.slots import Windows, choose
from cospaced.domain.timespan import Timespan
from cospaced.settings import NumberChoice


START = datetime(2026, 11, 23, tzinfo=UTC)
NUMBERS = range(80_000, 82_000)


def run(days: int, bookings: int, choice: NumberChoice) -> None:
    """Fill an index and print how long each choice took."""
    chance = random.Random(1)
    windows, took, refused = Windows(), [], 0
    for count in range(bookings):
        start = START + timedelta(minutes=15 * chance.randrange(days * 96))
        span = Timespan(start, start + timedelta(minutes=chance.choice((30, 60, 90))))
        uid = f"series-{count}"
        begun = perf_counter()
        slot = choose(
            windows,
            NUMBERS,
            span,
            early_join=timedelta(minutes=5),
            close_after=timedelta(0),
            choice=choice,
            first=chance.randrange(len(NUMBERS)),
            uid=uid,
            last_used={},
            now=START,
        )
        took.append(perf_counter() - begun)
        if slot is None:
            refused += 1
            continue
        early = timedelta(minutes=5) if slot.early else timedelta(0)
        window = span.widened(early, timedelta(0))
        windows.add(slot.number, window, str(count), uid=uid, early=early)
    took.sort()
    at = {"median": len(took) // 2, "p99": len(took) * 99 // 100, "max": len(took) - 1}
    times = ", ".join(f"{name} {took[place] * 1e6:.0f} us" for name, place in at.items())
    sys.stdout.write(
        f"{choice:7} {bookings} bookings in {days} days: {times},"
        f" in all {sum(took):.2f} s, refused {refused}\n"
    )


if __name__ == "__main__":
    for choice in NumberChoice:
        run(30, 10_000, choice)
        run(1, 10_000, choice)
        run(30, 60_000, choice)

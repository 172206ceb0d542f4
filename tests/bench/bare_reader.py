"""Read one calendar with icalendar and recurring-ical-events as their documentation says.

Started by bench_bare_libraries.py for each case; question and answer are JSON.
"""

import json
import resource
import sys
import warnings
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events


MEMORY = 3 << 30
CPU_SECONDS = 12


def main() -> None:
    """Answer one question: the times found, or the name of what was raised."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    warnings.simplefilter("ignore")
    text, start, end, zone = json.loads(sys.stdin.read())
    local = ZoneInfo(zone)
    try:
        read = icalendar.Calendar.from_ical(text.encode("latin-1"))
        query = recurring_ical_events.of(read, skip_bad_series=True)
        found = query.between(datetime.fromisoformat(start), datetime.fromisoformat(end))
        answer: Any = [
            [_moment(one["DTSTART"].dt, local), _moment(one["DTEND"].dt, local)] for one in found
        ]
    except (Exception, MemoryError) as error:  # noqa: BLE001 - whatever it is, it is the finding
        answer = type(error).__name__
    sys.stdout.write(json.dumps(answer))


def _moment(found: date, local: ZoneInfo) -> str:
    """Write a moment in UTC, a day or a time without zone being meant in the daemon's."""
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=local)
    if found.tzinfo is None:
        found = found.replace(tzinfo=local)
    return found.astimezone(UTC).isoformat()


if __name__ == "__main__":
    main()

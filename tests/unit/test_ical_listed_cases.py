"""A list of cases kept outside, with results found by hand: held where it lies beside the checkout.

It is `shared/rig/ical_cases.py` in the directory that holds this repository; without it nothing is
lost, as each case stands in the project's own words in test_ical_cases.py and its neighbours.
"""

import runpy
from pathlib import Path
from typing import Any

import pytest

from cospaced.calendars.job import Expansion
from cospaced.domain.calendar import Busy
from cospaced.errors import CalendarError
from support.ical import expanded, texts, window


FILE = Path(__file__).parents[3] / "shared" / "rig" / "ical_cases.py"
LISTED: dict[str, dict[str, Any]] = runpy.run_path(str(FILE))["C"] if FILE.exists() else {}
REFUSED = {"missing END:VCALENDAR": "a cut download is never taken for a shorter calendar"}
"""Where the project decided otherwise than the list."""
WORKED_OUT = ("never: Feb 30",)
"""Bombs that the project works out, to nothing, for there is no such day."""

pytestmark = pytest.mark.skipif(not LISTED, reason=f"{FILE} is not there")


def shown(result: Expansion) -> list[str]:
    lines = []
    for one in result.occurrences:
        line = f"{one.start:%m-%dT%H:%M}/{one.end:%m-%dT%H:%M}"
        line += " CANCELLED" if one.cancelled else ""
        lines.append(line + (" FREE TRANSPARENT" if one.busy is Busy.FREE else ""))
    return lines


@pytest.mark.parametrize("name", LISTED or ["none"])
def test_the_listed_case_comes_out_as_listed(name: str):
    case = LISTED[name]
    if case["data"] is None:
        pytest.skip("it takes two calendars: see test_zones_of_one_name_stay_apart… ")
    if case["exp"] == "RAISE" or name in REFUSED:
        with pytest.raises(CalendarError):
            expanded(case["data"])
        return
    result = expanded(case["data"], window(*case["win"]))
    match case["exp"]:
        case "BOMB":
            # One that is worked out to its end is no bomb any more, and nothing to be told.
            assert (len(result.occurrences), len(texts(result))) == (0, name not in WORKED_OUT)
        case "ANY":
            assert any(o.start.day == 24 for o in result.occurrences)
        case int(count):
            assert len(result.occurrences) == count
        case times:
            assert shown(result) == times

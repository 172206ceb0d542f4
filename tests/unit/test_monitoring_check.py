"""The monitoring plugin in contrib."""

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

import pytest


PLUGIN = Path(__file__).parents[2] / "contrib" / "monitoring" / "check_cospaced"


@pytest.fixture(scope="module")
def check() -> Any:
    loader = importlib.machinery.SourceFileLoader("check_cospaced", str(PLUGIN))
    spec = importlib.util.spec_from_loader("check_cospaced", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def status(**changes: Any) -> dict[str, Any]:
    well: dict[str, Any] = {
        "bridges": [{"name": "one", "up": True}, {"name": "two", "up": True}],
        "calendars": [{"room": "aula", "failing_since": None}],
        "bookings": [],
        "slots": {"problem": ""},
        "store_failing_since": None,
    }
    return well | changes


def test_all_is_well(check: Any) -> None:
    assert check.judge(status()) == (0, [])


@pytest.mark.parametrize(
    ("changes", "level", "told"),
    [
        ({"bridges": [{"name": "one", "up": False}]}, 2, "no Call Bridge answers"),
        ({"slots": {"problem": "TMS still works there"}}, 2, "TMS still works there"),
        (
            {"bridges": [{"name": "one", "up": True}, {"name": "two", "up": False}]},
            1,
            "Call Bridges down: two",
        ),
        (
            {"calendars": [{"room": "aula", "failing_since": "2026-11-23T09:00:00Z"}]},
            1,
            "calendars unreadable: aula",
        ),
        ({"bookings": [{"state": "refused", "dials": []}]}, 1, "1 bookings without a number"),
        (
            {"bookings": [{"state": "open", "dials": [{"room": "aula", "state": "gave_up"}]}]},
            1,
            "rooms not reached: aula",
        ),
        ({"store_failing_since": "2026-11-23T09:00:00Z"}, 1, "the state cannot be stored"),
    ],
)
def test_what_is_wrong_is_told_at_its_level(
    check: Any, changes: dict[str, Any], level: int, told: str
) -> None:
    assert check.judge(status(**changes)) == (level, [told])

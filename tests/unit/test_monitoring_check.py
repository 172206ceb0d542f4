"""The monitoring plugin in contrib."""

from typing import Any

import pytest

from support.monitoring import plugin


@pytest.fixture(scope="module")
def check() -> Any:
    return plugin()


OPEN = {"state": "open", "rooms": ["aula", "foyer"], "dials": []}


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
    assert check.judge(status(bookings=[OPEN | {"trouble": ""}])) == (0, [])


def test_a_booking_that_has_not_to_be_open_yet_is_no_trouble(check: Any) -> None:
    waiting = OPEN | {"state": "planned", "trouble": "may be what another becomes"}
    assert check.judge(status(bookings=[waiting])) == (0, [])


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
        ({"bookings": [OPEN | {"trouble": "not open"}]}, 1, "aula, foyer: not open"),
        (
            {"bookings": [OPEN | {"trouble": "not open"}] * 5},
            1,
            "aula, foyer: not open; aula, foyer: not open; aula, foyer: not open and 2 more",
        ),
        ({"store_failing_since": "2026-11-23T09:00:00Z"}, 1, "the state cannot be stored"),
    ],
)
def test_what_is_wrong_is_told_at_its_level(
    check: Any, changes: dict[str, Any], level: int, told: str
) -> None:
    assert check.judge(status(**changes)) == (level, [told])


def test_where_there_is_no_cospaced_to_ask_nothing_is_known(
    check: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert check.main([]) == 3
    assert capsys.readouterr().out.startswith("COSPACED UNKNOWN - cospaced cannot be run: ")

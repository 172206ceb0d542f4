"""What the demo says at its end follows from the facts alone, and so does its exit status."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from cospaced.commands import demo as command
from cospaced.commands.demonstration import performance, summary
from cospaced.commands.demonstration.evidence import Facts, Held, Stay
from cospaced.commands.demonstration.performance import Verdict
from cospaced.commands.demonstration.promises import judge
from cospaced.commands.demonstration.scenes import SCENES
from cospaced.commands.demonstration.story import Notes
from cospaced.commands.demonstration.witness import Kind


START = datetime(2026, 11, 23, 9, tzinfo=UTC)
END, LAST = START + timedelta(seconds=20), START + timedelta(seconds=27)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def stay(room: str, *, calls: int = 1, rings: int = 1, **keys: datetime) -> Stay:
    joined, left = START + seconds(1), END + seconds(0.1)
    return Stay(room=room, calls=calls, rings=rings, **{"joined": joined, "left": left, **keys})


def writes(**counts: int) -> dict[Kind, int]:
    return {kind: counts.get(kind, 0) for kind in Kind if kind is not Kind.POOL}


FIRST = Held(
    title="Budget review",
    start=START,
    end=END,
    stays=(
        stay("Aula"),
        stay("Boardroom", calls=2),
        stay("Cellar", calls=0, rings=0, joined=START - seconds(2)),
        stay("Library", joined=START + seconds(12)),
    ),
    writes=writes(open=2, dial=4, message=1, close=1, end=1),
    messages=("This conference ends in 3 seconds.",),
    names=("Budget review",),
)
SECOND = Held(
    title="Design critique",
    start=END,
    end=LAST,
    stays=tuple(
        stay(room, joined=END + seconds(1), left=LAST + seconds(0.1)) for room in ("Aula", "Studio")
    ),
    writes=writes(open=1, call=1, dial=2, message=1, close=1, end=1),
    messages=("This conference ends in 3 seconds.",),
    names=("Design critique",),
)
FACTS = Facts(
    held=(FIRST, SECOND),
    notes=Notes(
        legs_at_kill=frozenset({"a", "c"}),
        legs_after=frozenset({"a", "b", "c"}),
        dials_at_kill=3,
        dials_after=3,
        edited_at=START + seconds(8),
        end_seen_at=START + seconds(9),
        room_added_at=START + seconds(10),
    ),
    spaces=20,
    spaces_open=0,
    calls_left=0,
    requests=150,
    pool_writes=4,
    late_ms=(40, 120),
    errors=(),
    exit_status=0,
    refused=(),
)


def first(**changes: Any) -> Facts:
    return replace(FACTS, held=(replace(FIRST, **changes), SECOND))


def with_stay(changed: Stay) -> Facts:
    return first(stays=tuple(changed if s.room == changed.room else s for s in FIRST.stays))


def broken(facts: Facts) -> list[str]:
    return [promise.text for promise in judge(facts) if not promise.kept]


def test_a_demo_in_which_all_went_well_keeps_every_promise() -> None:
    assert broken(FACTS) == []


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (with_stay(stay("Aula", calls=2, rings=2)), "rang exactly once"),
        (with_stay(stay("Library", rings=0, calls=1)), "rang exactly once"),
        (with_stay(stay("Cellar", joined=START - seconds(2))), "never called"),
        (with_stay(stay("Boardroom", calls=1)), "busy room"),
        (replace(FACTS, notes=replace(FACTS.notes, dials_after=4)), "kill -9"),
        (replace(FACTS, notes=replace(FACTS.notes, legs_after=frozenset({"a"}))), "kill -9"),
        (replace(FACTS, notes=replace(FACTS.notes, end_seen_at=None)), "new end"),
        (first(messages=()), "told on screen"),
        (first(names=("Ada Budget review",)), "title that its organizer gave"),
        (first(names=("Ada Budget review", "Budget review")), "title that its organizer gave"),
        (with_stay(stay("Aula", left=END - seconds(6))), "cut off"),
        (with_stay(stay("Aula", left=END + seconds(9))), "left behind"),
        (first(writes=writes(open=3, dial=4, message=1, close=1, end=1)), "told nothing twice"),
        (replace(FACTS, refused=("PUT coSpaces/82001",)), "told nothing twice"),
        (replace(FACTS, spaces_open=1), "spaces are closed"),
        (replace(FACTS, calls_left=1), "spaces are closed"),
        (replace(FACTS, late_ms=(40, 1200)), "on the second"),
        (replace(FACTS, errors=("Booking met a fault",)), "no fault"),
        (replace(FACTS, exit_status=-9), "stopped cleanly"),
        (replace(FACTS, held=(FIRST,)), "Two conferences"),
    ],
)
def test_each_thing_that_goes_wrong_breaks_a_promise(facts: Facts, text: str) -> None:
    assert [promise for promise in broken(facts) if text in promise]


def test_a_demo_that_was_given_up_says_what_it_waited_for() -> None:
    texts = [promise.text for promise in judge(FACTS, "the pool was made, within 15 s")]
    assert texts[0] == "Awaited in vain: the pool was made, within 15 s"


def playing(facts: Facts) -> Callable[..., Any]:
    async def perform(*_: object) -> Verdict:
        return Verdict(promises=tuple(judge(facts)), facts=facts)

    return perform


@pytest.mark.parametrize(
    ("facts", "status", "word"),
    [(FACTS, 0, "PASS: all 13"), (replace(FACTS, calls_left=1), 1, "FAIL: 1 of 13")],
)
def test_a_broken_promise_is_exit_status_1(
    facts: Facts, status: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "perform", playing(facts))
    result = CliRunner().invoke(command.demo, ["--plain"])
    assert result.exit_code == status
    assert word in result.output


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "rich" else object())
    result = CliRunner().invoke(command.demo)
    assert result.exit_code == 1
    assert result.output == "Error: the demo needs rich: pip install 'cospaced[simulator]'\n"


def test_rooms_in_exchange_need_the_other_extra_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "spnego" else object())
    result = CliRunner().invoke(command.demo, ["--exchange"])
    assert result.exit_code == 1
    assert "needs spnego: pip install 'cospaced[exchange,simulator]'" in result.output


def test_the_summary_fits_a_terminal_of_80_by_24() -> None:
    page = StringIO()
    facts = replace(FACTS, late_ms=(999,))
    verdict = Verdict(promises=tuple(judge(facts)), facts=facts)
    summary.show(verdict, Console(file=page, width=80))
    lines = page.getvalue().splitlines()
    assert len(lines) <= 22
    assert all(line.startswith("PASS ") for line in lines[2:15])


def test_captions_fit_80_columns() -> None:
    assert [text for scene in SCENES for text in scene if len(text) > 78] == []

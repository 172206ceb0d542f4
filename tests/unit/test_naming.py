"""Which booking is meant."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cospaced.domain.booking import Booking, Dial, DialState, State, Target
from cospaced.domain.invitation import invitation, join_link
from cospaced.domain.naming import named
from cospaced.domain.story import dial_text
from cospaced.engine.questions import CANDIDATES, OFFERED, Questions
from cospaced.errors import CospacedError
from support.site import Site
from support.virtual import VirtualClock, run_virtually


NOW = datetime(2026, 11, 26, 8, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def row(key: str, minutes: float, *rooms: str, **changes: Any) -> Booking:
    start = NOW + minutes * MINUTE
    values: dict[str, Any] = {
        "id": key,
        "uid": key,
        "start": start,
        "end": start + 30 * MINUTE,
        "rooms": rooms or ("aula",),
        "created_at": NOW,
    }
    return Booking(**(values | changes))


ROWS = (
    row("aa-past", -120, "aula", state=State.CLOSED, number=8001),
    row("ab-open", -5, "aula", "Boardroom", state=State.OPEN, number=8001),
    row("ac-next", 60, "aula", number=8001),
    row("ad-later", 180, "aula", number=8002),
    row("8001-id", 240, "cellar", number=8003),
    row("dark", -5, "attic", state=State.REFUSED),
    row("gone", -5, "attic", state=State.CANCELLED),
    row("ended", -60, "barn", state=State.MISSED),
    row("moved", -6, "hall", state=State.CLOSED),
    row("due", -1, "hall"),
    row("early", -6, "porch", state=State.CLOSED),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ab-open", ["ab-open"]),
        ("AB", ["ab-open"]),
        ("a", ["aa-past", "ab-open", "ac-next", "ad-later"]),
        ("8001", ["ab-open"]),
        ("8002", ["ad-later"]),
        ("8001-", ["8001-id"]),
        ("8009", []),
        ("aula", ["ab-open"]),
        ("boardroom", ["ab-open"]),
        ("cellar", ["8001-id"]),
        ("attic", ["dark"]),
        ("barn", ["ended"]),
        ("hall", ["due"]),
        ("porch", ["early"]),
        ("aula@10:05", ["ac-next"]),
        ("boardroom@9:05", ["ab-open"]),
        ("aula@2026-11-26T11:05", ["ac-next"][:0]),
        ("aula@2026-11-26T12:05", ["ad-later"]),
        ("aula@2026-11-26T11:05+00:00", ["ad-later"]),
        ("aula@noon", []),
        ("nowhere@10:05", []),
        ("", []),
        (" ", []),
    ],
)
def test_a_booking_is_found_by_whatever_names_it(text: str, found: list[str]) -> None:
    assert [one.id for one in named(ROWS, text, now=NOW, zone=BERLIN)] == found


def test_a_room_in_two_conferences_at_once_names_both() -> None:
    rows = (*ROWS, row("other", -1, "aula", state=State.OPEN, number=8004))
    assert [r.id for r in named(rows, "aula", now=NOW, zone=BERLIN)] == ["ab-open", "other"]


def test_a_number_names_the_next_booking_when_none_is_on_and_the_last_when_none_comes() -> None:
    later = NOW + 40 * MINUTE
    rest = [r for r in ROWS if r.id != "ab-open"]
    assert [r.id for r in named(rest, "8001", now=NOW, zone=BERLIN)] == ["ac-next"]
    only_past = [r for r in ROWS if r.id == "aa-past"]
    assert [r.id for r in named(only_past, "8001", now=later, zone=BERLIN)] == ["aa-past"]


def test_join_links_have_the_form_of_the_web_bridge_that_is_configured() -> None:
    assert join_link("https://j.example", "8001", "s") == "https://j.example/meeting/8001?secret=s"
    old = join_link("https://j.example/invited.sf", "8001", "s")
    assert old == "https://j.example/invited.sf?secret=s&id=8001"
    assert join_link("", "8001", "s") == ""


def test_an_invitation_warns_of_what_nobody_can_join_and_hides_what_is_private(tmp_path) -> None:
    async def settings_of(clock: VirtualClock):
        return Site(clock, tmp_path).settings

    settings = run_virtually(settings_of)
    hidden = row("p", 60, number=8002, title="Redundancies", private=True, passcode="4711")
    shown = invitation(hidden, settings, NOW)
    assert shown["booking"]["title"] == "Private meeting"
    assert (shown["uri"], shown["passcode"], shown["warning"]) == (
        "8002@cms.example.org",
        "4711",
        "",
    )
    closed = row("c", -60, state=State.CLOSED, reason="its end has come", number=8001)
    assert invitation(closed, settings, NOW)["warning"] == (
        "nobody can join it: it is closed (its end has come)"
    )
    refused = invitation(row("r", 60, state=State.REFUSED, passcode="4711"), settings, NOW)
    assert (refused["uri"], refused["passcode"]) == (None, "")
    ending = row("e", 0, state=State.OPEN, cancelled_at=NOW, number=8001)
    assert invitation(ending, settings, NOW)["warning"] == "it is being closed"


@pytest.mark.parametrize("state", list(DialState))
def test_every_state_of_a_dial_has_its_words(state: DialState) -> None:
    target = Target(endpoint="aula@r.example", room="aula")
    dial = Dial(target=target, state=state, due=NOW, attempt=3, base=1, reason="busy")
    assert dial_text(dial, NOW)
    if state is DialState.GAVE_UP:
        assert dial_text(dial, NOW) == "gave up after 2 attempts: busy"
    again = Dial(target=target, due=NOW, attempt=1, not_before=NOW, reason="busy")
    assert dial_text(again, NOW) == "not in yet after 1 attempt: busy; next at 2026-11-26T08:05:00Z"
    assert dial_text(Dial(target=target, due=NOW), NOW) == "to be dialled at 2026-11-26T08:05:00Z"


@pytest.mark.parametrize("state", list(DialState))
def test_of_what_is_over_nothing_is_promised(state: DialState) -> None:
    target = Target(endpoint="aula@r.example", room="aula")
    tried = Dial(target=target, state=state, due=NOW, attempt=2, not_before=NOW, reason="busy")
    told = dial_text(tried, NOW, over=True, obstacle="closed")
    assert not any(word in told for word in ("next at", "to be", "yet", "being looked for"))
    if state is DialState.DUE:
        assert told == "not in after 2 attempts: busy"
        never = Dial(target=target, due=NOW)
        assert dial_text(never, NOW, over=True, obstacle="closed") == "never dialled: closed"


def test_what_a_shell_completes_is_what_is_to_come_and_not_much_of_it(tmp_path) -> None:
    async def settings_of(clock: VirtualClock):
        return Site(clock, tmp_path).settings

    async def no_story(_: str) -> tuple[()]:
        return ()

    settings = run_virtually(settings_of)
    many = [row(f"z{n:03}", n, "aula", number=8100) for n in reversed(range(OFFERED + 30))]
    questions = Questions(
        rows=lambda: (*ROWS, *many),
        story=no_story,
        settings=lambda: settings,
        now=lambda: NOW,
    )
    offered = [one["id"] for one in questions.beginning("z")["bookings"]]
    assert offered == [f"z{n:03}" for n in range(OFFERED)]
    assert [one["id"] for one in questions.beginning("aa")["bookings"]] == []
    assert [one["id"] for one in questions.beginning("8002")["bookings"]] == ["ad-later"]
    answer = asyncio.run(questions.answer("why", "z"))
    assert (len(answer["candidates"]), answer["more"]) == (CANDIDATES, OFFERED + 30 - CANDIDATES)
    with pytest.raises(CospacedError, match="no booking is known by 'y'"):
        asyncio.run(questions.answer("why", "y"))

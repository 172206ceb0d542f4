"""What the commands print, from documents alone."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cospaced.commands import invite, status, why
from cospaced.commands.table import table
from cospaced.commands.terminal import Terminal, columns, localised, span, terminal
from cospaced.settings import Settings
from support.pages import NOW, SETTINGS


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


def booking(**changes: Any) -> dict[str, Any]:
    return {
        "id": "8a4108f3-7a03-5ac4-9c55-000000000000",
        "title": "Planning",
        "start": "2026-11-26T08:00:00Z",
        "end": "2026-11-26T09:00:00Z",
        "rooms": ["aula", "boardroom"],
        "numeric_id": "8001",
        "uri": "8001@cms.example",
        "state": "open",
        "reason": "",
        "trouble": changes.get("reason", ""),
        "dials": [],
    } | changes


def dial(room: str, state: str, text: str, reason: str = "") -> dict[str, Any]:
    endpoint = f"{room}@rooms.example"
    return {"room": room, "endpoint": endpoint, "state": state, "text": text, "reason": reason}


def held(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "running": True,
        "counts": {"open": 0, "planned": 0, "refused": 0},
        "bookings": [],
        "slots": {"first": "8001", "last": "8005", "usable": 5, "in_use": 1, "problem": ""},
        "calendars": [],
        "bridges": [{"name": "core1", "up": True, "down_since": None}],
        "starts": [],
        "next": [],
        "store_failing_since": None,
    } | changes


def unreadable(room: str) -> dict[str, Any]:
    since = "2026-11-26T07:12:00Z"
    return {"room": room, "failing_since": since, "reason": "no such file", "read_at": None}


def test_status_tells_trouble_first_then_now_then_next(settings: Settings) -> None:
    shown = held(
        counts={"open": 1, "planned": 12, "refused": 1},
        bookings=[
            booking(
                dials=[
                    dial("aula", "gave_up", "gave up after 3 attempts: busy or declined", "busy"),
                    dial("boardroom", "connected", "connected at attempt 1"),
                ]
            ),
            booking(
                id="11111111-0000",
                state="refused",
                numeric_id=None,
                reason="no number of the pool's 5 is free in its time",
            ),
            booking(
                id="22222222-0000",
                state="planned",
                numeric_id="8003",
                start="2026-11-27T09:00:00Z",
                end="2026-11-27T10:30:00Z",
                title="Private meeting",
            ),
        ],
        calendars=[
            unreadable("cellar"),
            {"read_at": "2026-11-26T07:00:00Z", "failing_since": None},
        ],
        bridges=[
            {"name": "core1", "up": True, "down_since": None},
            {"name": "core2", "up": False, "down_since": "2026-11-26T08:01:00Z"},
        ],
        starts=[{"late_ms": 40}, {"late_ms": 12900}, {"late_ms": 41}],
        next=[{"at": "2026-11-27T08:55:00Z", "booking": "22222222-0000"}],
        store_failing_since="2026-11-26T08:02:00Z",
    )
    assert (
        status.rendered(shown, settings, NOW, Terminal())
        == """\
cospaced 0.1.0: 1 open, 12 planned, 1 refused; Thu 2026-11-26 09:05:12

Trouble
  the state cannot be stored since 09:02:00
  Call Bridge core2 does not answer since 09:01:00
  calendar of cellar unreadable since 08:12:00: no such file
  8a4108f3 09:00-10:00 aula: gave up after 3 attempts: busy or declined (aula@rooms.example)
  11111111 09:00-10:00 aula, boardroom: no number of the pool's 5 is free in its time

Now
  id        time         number  rooms                              title
  8a4108f3  until 10:00  8001    aula gave up, boardroom connected  Planning

Next
  id        when                    number  due                        rooms            title
  22222222  2026-11-27 10:00-11:30  8003    opens 2026-11-27 09:55:00  aula, boardroom  \
Private meeting
  and 11 more (cospaced agenda lists them)

Pool and Call Bridges
  pool 8001 to 8005: 5 usable, 1 in use
  Call Bridges that answer: core1
  calendars: 1 of 2 read, the last at 08:00:00
  openings and dials, the last 3: 41 ms late in the middle, 12 s at most"""
    )


def test_status_without_trouble_shows_none_and_names_only_some_unreadable_rooms(
    settings: Settings,
) -> None:
    assert "Trouble" not in status.rendered(held(), settings, NOW, Terminal())
    many = held(calendars=[unreadable(f"room{number}") for number in range(9)])
    text = status.rendered(many, settings, NOW, Terminal())
    assert text.count("unreadable since") == status.ROOMS
    assert "and 4 more calendars are unreadable" in text


def test_no_line_of_status_is_wider_than_the_terminal(settings: Settings) -> None:
    shown = held(bookings=[booking(rooms=["a" * 50, "会議室" * 20])])
    lines = status.rendered(shown, settings, NOW, Terminal(width=60)).splitlines()
    assert max(map(columns, lines)) <= 60
    assert any(line.endswith("…") for line in lines)


def test_what_is_wrong_is_told_to_its_end_on_a_narrow_terminal(settings: Settings) -> None:
    text = "not in yet after 1 attempt: busy or declined; next at 2026-11-26T08:00:30Z"
    shown = held(bookings=[booking(dials=[dial("aula", "due", text, "busy or declined")])])
    lines = status.rendered(shown, settings, NOW, Terminal(width=60)).splitlines()
    at = lines.index("Trouble") + 1
    assert lines[at : at + 3] == [
        "  8a4108f3 09:00-10:00 aula: not in yet after 1 attempt:",
        "    busy or declined; next at 09:00:30 (aula@rooms.example)",
        "",
    ]


def test_colours_are_shown_on_a_terminal_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = held(store_failing_since="2026-11-26T08:02:00Z")
    assert "\x1b[" in status.rendered(shown, settings, NOW, Terminal(width=80, colour=True))
    assert "\x1b[" not in status.rendered(shown, settings, NOW, Terminal(width=80))
    assert terminal() == Terminal()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "90")
    assert terminal() == Terminal(width=90, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal() == Terminal(width=90, colour=False)


def test_a_story_is_shown_in_local_time_with_a_line_for_each_entry(settings: Settings) -> None:
    shown = {
        "booking": booking(reason="no answer"),
        "dials": [dial("aula", "due", "to be dialled at 2026-11-26T08:00:00Z")],
        "story": [
            {
                "at": "2026-11-25T16:00:00Z",
                "event": "seen",
                "text": "aula: 2026-11-26T08:00:00Z to 2026-11-27T08:00:00Z",
            },
            {"at": "2026-11-26T08:00:00Z", "event": "answered", "text": "x" * 200},
        ],
    }
    assert why.rendered(shown, settings, Terminal()).splitlines() == [
        "Thu 2026-11-26 09:00-10:00  8001  open: no answer  aula, boardroom  Planning",
        "booking 8a4108f3-7a03-5ac4-9c55-000000000000",
        "  aula  aula@rooms.example  to be dialled at 09:00:00",
        "  boardroom  has no endpoint of its own that is dialled",
        "",
        "2026-11-25 17:00:00  seen      aula: 09:00:00 to 2026-11-27 09:00:00",
        f"2026-11-26 09:00:00  answered  {'x' * 200}",
    ]


def test_on_a_terminal_a_long_entry_goes_on_below_itself_and_keeps_its_ids_whole() -> None:
    page = Terminal(width=75)
    head = "2026-11-26 09:00:00  asked     "
    lines = page.hang(head, f"dial: POST {'i' * 36} remoteParty=aula@rooms.example").splitlines()
    assert lines == [
        f"{head}dial: POST",
        f"{' ' * len(head)}{'i' * 36}",
        f"{' ' * len(head)}remoteParty=aula@rooms.example",
    ]


def test_an_invitation_is_text_to_paste(settings: Settings) -> None:
    shown = {
        "booking": booking(end="2026-11-26T23:30:00Z"),
        "numeric_id": "8001",
        "uri": "8001@cms.example",
        "passcode": "",
        "link": "https://join.example/meeting/8001?secret=s",
    }
    assert (
        invite.rendered(shown, settings)
        == """\
Planning
Thursday 26 November 2026, 09:00 to Friday 27 November 2026, 00:30 (Europe/Berlin)

Number:        8001
Video address: 8001@cms.example
In a browser:  https://join.example/meeting/8001?secret=s"""
    )


def test_times_are_told_with_their_date_where_it_is_another_day() -> None:
    text = "2026-11-26T08:00:00Z, 2026-11-26T23:30:00.5+00:00, 2026-11-26"
    assert localised(text, BERLIN, "2026-11-26") == "09:00:00, 2026-11-27 00:30:00, 2026-11-26"
    night = span("2026-11-26T22:00:00Z", "2026-11-27T00:00:00Z", BERLIN)
    assert night == "Thu 2026-11-26 23:00-2026-11-27 01:00"


def test_columns_line_up_under_wide_characters() -> None:
    lines = table(["room", "x"], [["会議", "1"], ["aula", "2"]]).splitlines()
    assert lines == ["room  x", "会議  1", "aula  2"]

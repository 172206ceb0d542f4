"""Whoever may invite a room writes titles: none drives the terminal of whoever reads them."""

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.commands import asking, invite, status, why
from cospaced.commands.table import table
from cospaced.commands.terminal import Terminal, columns
from cospaced.doctor.base import Area, Check, Finding, warning
from cospaced.doctor.examination import Examined
from cospaced.doctor.rendering import text
from cospaced.doctor.site import Site
from cospaced.host.log_render import Record, as_console
from cospaced.host.printable import harmless, printable
from support.pages import NOW, SETTINGS


EVIL = "\x1b]0;owned\x07\x9b2J\r\u202egnp.exe\u2066\u061c\u200f\u2028\ud83d"
PLAIN = "\\x1b]0;owned\\x07\\x9b2J\\r\\u202egnp.exe\\u2066\\u061c\\u200f\\u2028\\ud83d"
SGR = re.compile(r"\x1b\[[0-9;]*m")


def harmful(shown: str) -> list[str]:
    """Return what of a text would drive a terminal, or turn its lines round."""
    return [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def booking(**changes: Any) -> dict[str, Any]:
    return {
        "id": "8a4108f3-7a03-5ac4-9c55-000000000000",
        "title": EVIL,
        "start": "2026-11-26T08:00:00Z",
        "end": "2026-11-26T09:00:00Z",
        "rooms": ["aula", EVIL],
        "numeric_id": "8001",
        "uri": "8001@cms.example",
        "state": "open",
        "reason": EVIL,
        "dials": [
            {"room": "aula", "endpoint": EVIL, "state": "due", "text": EVIL, "reason": EVIL},
        ],
    } | changes


HELD = {
    "version": "0.1.0",
    "running": True,
    "counts": {"open": 1, "planned": 2, "refused": 0},
    "bookings": [booking(), booking(state="planned"), booking(state="refused")],
    "slots": {"first": "8001", "last": "8005", "usable": 5, "in_use": 1, "problem": EVIL},
    "calendars": [
        {
            "room": "aula",
            "failing_since": "2026-11-26T07:00:00Z",
            "reason": EVIL,
            "read_at": "2026-11-26T07:00:00Z",
        }
    ],
    "bridges": [{"name": EVIL, "up": False, "down_since": "2026-11-26T07:00:00Z"}],
    "starts": [],
    "next": [],
    "store_failing_since": None,
}
STORY = {
    "booking": booking(),
    "dials": booking()["dials"],
    "story": [{"at": "2026-11-26T08:00:00Z", "event": "answered", "text": EVIL}],
}
INVITATION = {
    "booking": booking(),
    "numeric_id": "8001",
    "uri": EVIL,
    "passcode": "",
    "link": EVIL,
}


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "coloured"])
def test_no_page_lets_a_foreign_text_drive_the_terminal(colour: bool) -> None:
    page = Terminal(width=500, colour=colour)
    pages = (
        status.rendered(HELD, SETTINGS, NOW, page),
        why.rendered(STORY, SETTINGS, page),
        invite.rendered(INVITATION, SETTINGS),
    )
    for shown in pages:
        assert PLAIN in shown
        assert set(harmful(SGR.sub("", shown))) == {"\n"}


def test_columns_line_up_around_a_text_that_had_to_be_changed() -> None:
    lines = table(["title", "x"], [[EVIL, "1"], ["fine", "2"]]).splitlines()
    assert [columns(line) for line in lines] == [len(PLAIN) + 3] * 3


def test_what_the_doctor_saw_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    async def look(_: Site) -> tuple[Finding, ...]:
        return ()

    check = Check(slug="x", title="X", area=Area.CALENDARS, look=look)
    found = Examined(check=check, findings=(warning(EVIL, f"write {EVIL}", subject=EVIL),))
    assert set(harmful(text([found], width=200, coloured=False))) == {"\n"}
    with pytest.raises(SystemExit):
        asking.fail("why", EVIL)
    assert harmful(capsys.readouterr().err) == ["\n"]


def test_a_console_log_line_is_one_line_that_every_encoding_has() -> None:
    keys = {"room": "aula", "reason": EVIL}
    line = as_console(Record(at="2026", level=20, event="calendar.failed", keys=keys)).decode()
    assert PLAIN in line
    assert harmful(line) == ["\n"]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_shown_on_one_line_and_shown_twice_is_the_same(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert printable(shown) == shown
    assert harmless({"a": [text], "b": None}) == {"a": [shown], "b": None}

"""How the doctor takes sentences apart and puts findings into words."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from cospaced.doctor import room_mailboxes
from cospaced.doctor.base import (
    Area,
    Check,
    Finding,
    about,
    command_of,
    counted,
    error,
    listed,
    note,
    ok,
    split_fault,
    split_remedy,
    warning,
)
from cospaced.doctor.examination import Examined
from cospaced.doctor.rendering import document, summary, text
from cospaced.doctor.unread import Unread
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, SourceType


PIPED = "'a','b' | ForEach-Object { Set-Thing $_ }"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "seen", "remedy"),
    [
        ("/x is open (chmod 0640 /x)", "/x is open", "chmod 0640 /x"),
        ("no (a) and (write b (or c))", "no (a) and", "write b (or c)"),
        ("a bare sentence", "a bare sentence", ""),
        ("it failed (500); try again", "it failed (500)", "try again"),
    ],
)
def test_a_sentence_of_the_configuration_has_its_remedy_in_brackets(
    sentence: str, seen: str, remedy: str
) -> None:
    assert split_remedy(sentence) == (seen, remedy)


@pytest.mark.parametrize(
    ("sentence", "seen", "remedy"),
    [
        ("h: no connection (refused)", "h: no connection (refused)", ""),
        ("h: no trust (self-signed); name its CA", "h: no trust (self-signed)", "name its CA"),
        ("h refuses (status 401): check it", "h refuses (status 401)", "check it"),
    ],
)
def test_brackets_of_a_fault_are_detail_and_no_remedy(
    sentence: str, seen: str, remedy: str
) -> None:
    assert split_fault(sentence) == (seen, remedy)


def test_many_names_are_cut_and_counted() -> None:
    assert listed("abc") == "a, b, c"
    assert listed("abcdef", most=2) == "a, b and 4 more"
    assert about("room", ["aula"]) == "room aula"
    assert about("room", ["aula", "foyer"]) == "rooms aula, foyer"
    assert (counted(1, "room"), counted(0, "room")) == ("1 room", "0 rooms")
    assert counted(2, "room has", "rooms have") == "2 rooms have"


async def nothing(_):
    return ()


def examined(*findings):
    check = Check(slug="a", title="A", area=Area.CMS, look=nothing)
    return Examined(check=check, findings=findings)


def test_the_summary_says_first_what_wants_a_person() -> None:
    assert summary([examined(ok("x"), note("y"))]) == "1 check: all is well, 1 note."
    trouble = examined(error("x", "do"), warning("y", "do"), warning("z", "do"))
    assert summary([trouble]) == "1 check: 1 error, 2 warnings, 0 notes."


@pytest.mark.parametrize(
    ("remedy", "command", "words"),
    [
        ("chmod 0600 /x", "chmod 0600 /x", ""),
        ("systemctl restart x (calls (all) go on)", "systemctl restart x", "calls (all) go on"),
        ("Set-Thing a@b -Flag $false (for new ones)", "Set-Thing a@b -Flag $false", "for new ones"),
        (f"{PIPED} (new ones)", PIPED, "new ones"),
        ("raise a; systemctl reload x", "", "raise a; systemctl reload x"),
        ("run `cospaced doctor` as root", "", "run `cospaced doctor` as root"),
        ("", "", ""),
    ],
)
def test_a_command_stands_apart_from_words_about_it(remedy: str, command: str, words: str) -> None:
    assert command_of(remedy) == (command, words)
    (shown,) = document([examined(error("x", remedy))], NOW)["findings"]
    assert (shown["remedy"], shown["command"]) == (remedy, command)


def test_a_command_is_one_line_to_be_pasted_and_what_is_said_of_it_stands_below() -> None:
    command = f"chmod 0600 /srv/{'a' * 40} /srv/{'b' * 40}"
    finding = error("x", f"{command} ({'it holds ' * 8}for new ones)")
    assert text([examined(finding)], width=60, coloured=False).splitlines()[:5] == [
        "Call Bridges",
        "  ERROR   A: x",
        f"          -> {command}",
        "             (it holds it holds it holds it holds it holds",
        "             it holds it holds it holds for new ones)",
    ]


@pytest.mark.parametrize(
    ("mailbox", "word"),
    [
        ("aula@example.org", "aula@example.org"),
        ("o'brien@example.org", "'o''brien@example.org'"),
        ("o’brien@example.org", "'o’’brien@example.org'"),  # noqa: RUF001 - what PowerShell reads
        ("r&d@example.org", "'r&d@example.org'"),
        ("$room@example.org", "'$room@example.org'"),
        ("-room@example.org", "'-room@example.org'"),
        ("Ada's room", "'Ada''s room'"),
    ],
)
def test_a_name_that_is_no_single_word_is_quoted_for_powershell(mailbox: str, word: str) -> None:
    room = RoomSettings(name="aula", calendar="hq", mailbox=mailbox)
    (found,) = room_mailboxes._told((("DeleteSubject",), "", ""), [room])
    assert command_of(found.remedy)[0] == f"Set-CalendarProcessing {word} -DeleteSubject $false"


def test_words_are_never_broken_within_a_word() -> None:
    path = "/srv/" + "a" * 90
    shown = text([examined(error("x", f"see {path}"))], width=60, coloured=False)
    assert shown.startswith(f"Call Bridges\n  ERROR   A: x\n          -> see\n             {path}")


def told_of(fault: CalendarError) -> Finding:
    unread = Unread(SimpleNamespace(rooms=(), calendars=()))
    unread.add(RoomSettings(name="aula", calendar="hq"), fault)
    (found,) = unread.findings()
    return found


def test_rooms_that_are_to_wait_for_different_times_are_told_together() -> None:
    calendar = CalendarSettings(name="hq", type=SourceType.GRAPH)
    unread = Unread(SimpleNamespace(rooms=(), calendars=(calendar,)))
    for room, seconds in (("aula", 17), ("foyer", 120)):
        text = f"Graph is busy (status 503); it is asked again after {seconds} s"
        unread.add(RoomSettings(name=room, calendar="hq"), CalendarError("throttled", text))
    (found,) = unread.findings()
    assert (found.subject, found.seen) == ("rooms aula, foyer", "Graph is busy (status 503)")


def test_a_fault_that_says_what_to_do_is_not_taken_apart_at_its_punctuation() -> None:
    none = "no server for b.example: b.example: no connection; c.b.example: no connection"
    found = told_of(CalendarError("unreachable", none, remedy="write server = URL"))
    assert found.seen == none
    assert found.remedy == "write server = URL (see [room:aula] and [calendar:hq])"
    strange = "h: ErrorOther: try again; later (or): never"
    found = told_of(CalendarError("unreachable", strange, remedy=""))
    assert found.seen == strange
    assert found.remedy.startswith("see that this machine reaches the server")

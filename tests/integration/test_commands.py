"""The commands as an administrator meets them, on real files."""

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cospaced import __version__
from cospaced.commands import options
from cospaced.commands.cli import COMMANDS, cli


INI = """\
[daemon]
state_dir = state
time_zone = Europe/Berlin
[cms]
address = cms.example.org
username = admin
password = simulated
[pool]
domain = cms.example.org
numeric_id_base = 8001
numeric_id_quantity = 5
[calendar:files]
type = ical
[room:aula]
calendar = files
path = aula.ics
endpoints = aula@rooms.example.org
[room:boardroom]
calendar = files
path = boardroom.ics
endpoints = boardroom@rooms.example.org
"""


def event(uid: str, start: str, *lines: str, title: str = "Planning") -> str:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    rows = (
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20261101T000000Z",
        f"DTSTART:{begin:%Y%m%dT%H%M%SZ}",
        f"DTEND:{begin + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{title}",
        "ORGANIZER:mailto:ada@example.org",
        *lines,
        "END:VEVENT",
    )
    return "\r\n".join(rows)


def calendar(path: Path, *events: str) -> None:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN")
    path.write_text("\r\n".join((*head, *events, "END:VCALENDAR", "")), newline="")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Write a site with one booking, one private one, and three events that are none."""
    file = tmp_path / "cospaced.ini"
    file.write_text(INI)
    file.chmod(0o600)
    both = (
        event("one", "2026-11-23T09:00"),
        event("two", "2026-11-24T09:00", "CLASS:PRIVATE", title="Redundancies"),
    )
    calendar(
        tmp_path / "aula.ics",
        *both,
        event("alone", "2026-11-25T09:00"),
        event("free", "2026-11-25T12:00", "TRANSP:TRANSPARENT"),
        event("gone", "2026-11-25T15:00", "STATUS:CANCELLED"),
    )
    calendar(tmp_path / "boardroom.ics", *both)
    return file


def agenda(file: Path, *options: str) -> Result:
    span = ("--from", "2026-11-23", "--to", "2026-11-27")
    return CliRunner().invoke(cli, ["agenda", "-c", str(file), *span, *options])


def test_agenda_lists_bookings_in_local_time_and_counts_what_is_none(site: Path) -> None:
    done = agenda(site)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].split() == ["when", "number", "state", "rooms", "title"]
    assert lines[1].startswith("Mon 2026-11-23 10:00-11:00")
    assert lines[1].endswith("aula, boardroom  Planning")
    assert "Redundancies" not in done.output
    assert "Private meeting" in lines[2]
    assert lines[3] == (
        "3 events are no bookings: only 1 of at least 2 rooms with an endpoint (1), "
        "shown as free (1), cancelled (1); --all lists them"
    )
    calendar(site.parent / "aula.ics", event("gone", "2026-11-25T15:00", "STATUS:CANCELLED"))
    calendar(site.parent / "boardroom.ics")
    one = agenda(site).stdout
    assert one == "No bookings.\n1 event is no booking: cancelled (1); --all lists it\n"


def test_a_terminal_of_another_encoding_gets_escapes_for_what_it_lacks(site: Path) -> None:
    for room in ("aula", "boardroom"):
        calendar(site.parent / f"{room}.ics", event("x", "2026-11-23T09:00", title="Büro 会议"))
    done = subprocess.run(
        [sys.executable, "-m", "cospaced", "agenda", "-c", site, "--from", "2026-11-23"],
        check=True,
        capture_output=True,
        timeout=20,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert done.stdout.endswith(b"  B\xfcro \\u4f1a\\u8bae\n")


def test_agenda_lists_the_events_that_are_no_bookings_with_their_reasons(site: Path) -> None:
    shown = json.loads(agenda(site, "--all", "--json").stdout)
    assert [b["uid"] for b in shown["bookings"]] == ["one", "two"]
    assert [b["organizer"] for b in shown["bookings"]] == ["ada@example.org", ""]
    assert shown["bookings"][0]["start"] == "2026-11-23T09:00:00Z"
    reasons = {skip["uid"]: skip["reason"] for skip in shown["skipped"]}
    assert reasons == {
        "alone": "only 1 of at least 2 rooms with an endpoint",
        "free": "shown as free",
        "gone": "cancelled",
    }
    assert shown["problems"] == []


def test_agenda_tells_a_room_that_cannot_be_read_as_a_problem(site: Path) -> None:
    (site.parent / "boardroom.ics").unlink()
    done = agenda(site, "--json")
    shown = json.loads(done.stdout)
    assert [problem["room"] for problem in shown["problems"]] == ["boardroom"]
    assert "does not exist" in shown["problems"][0]["reason"]


def test_agenda_where_nothing_is_known_for_rooms_that_are_unread_fails(site: Path) -> None:
    calendar(site.parent / "aula.ics")
    calendar(site.parent / "boardroom.ics")
    assert (agenda(site).exit_code, agenda(site).stdout) == (0, "No bookings.\n")
    (site.parent / "boardroom.ics").unlink()
    done = agenda(site)
    assert (done.exit_code, done.stdout) == (1, "No bookings known: 1 of 2 rooms unread.\n")
    assert "problem: room boardroom: " in done.stderr
    assert agenda(site, "--room", "aula").exit_code == 0
    one = agenda(site, "--room", "boardroom")
    assert (one.exit_code, one.stdout) == (1, "No bookings known: 1 of 1 rooms unread.\n")
    (site.parent / "aula.ics").unlink()
    assert agenda(site).stdout == "No bookings known: 2 of 2 rooms unread.\n"
    assert agenda(site, "--json").exit_code == 0


def test_agenda_of_one_room_and_of_no_room(site: Path) -> None:
    for name in ("aula", "AULA", "Aula"):
        assert "Planning" in agenda(site, "--room", name).output
    done = agenda(site, "--room", "cellar")
    assert done.exit_code == 2
    assert "aula, boardroom" in done.output


def test_agenda_tells_the_date_of_an_end_on_another_day(site: Path) -> None:
    night = event("night", "2026-11-25T22:30")
    for room in ("aula", "boardroom"):
        calendar(site.parent / f"{room}.ics", night)
    assert "Wed 2026-11-25 23:30-2026-11-26 00:30" in agenda(site).output


def test_agenda_names_the_event_that_is_a_problem(site: Path) -> None:
    bad = event("bad@example.org", "2026-11-25T12:00").replace("DTEND:", "DTEND:nonsense")
    calendar(site.parent / "aula.ics", bad)
    (problem,) = json.loads(agenda(site, "--json").stdout)["problems"]
    assert (problem["room"], problem["uid"]) == ("aula", "bad@example.org")
    reason = problem["reason"]
    assert f"problem: room aula, event bad@example.org: {reason}\n" in agenda(site).stderr
    (site.parent / "aula.ics").unlink()
    (problem,) = json.loads(agenda(site, "--json").stdout)["problems"]
    assert set(problem) == {"room", "reason"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "tomorrow"), "ISO 8601"),
        (("--to", "2026-11-01"), "later than --from"),
        (("--from", "9999-12-30"), "out of range (1970 to 2199)"),
        (("--from", "0001-01-01"), "out of range (1970 to 2199)"),
        (("--to", "9999-12-31"), "out of range (1970 to 2199)"),
        (("--from", "0001-01-01T00:00+14:00"), "out of range (1970 to 2199)"),
        (("--to", "2099-12-31"), "within ten years"),
    ],
)
def test_agenda_says_what_is_wrong_with_a_time(
    site: Path, options: tuple[str, str], told: str
) -> None:
    done = agenda(site, *options)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("begin", "end"), [("1970-01-01", "1979-12-31"), ("2190-01-01", "2199-12-31T23:59")]
)
def test_agenda_reads_as_early_and_late_as_may_be_asked(site: Path, begin: str, end: str) -> None:
    yearly = event("yearly", "1970-01-01T09:00", "RRULE:FREQ=YEARLY")
    for room in ("aula", "boardroom"):
        calendar(site.parent / f"{room}.ics", yearly)
    done = agenda(site, "--from", begin, "--to", end, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["problems"] == []


def test_agenda_writes_nothing(site: Path) -> None:
    before = sorted(site.parent.rglob("*"))
    agenda(site)
    assert sorted(site.parent.rglob("*")) == before


def test_agenda_shows_no_text_of_a_calendar_that_would_drive_the_terminal(site: Path) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202e"
    calendar(
        site.parent / "aula.ics",
        event("one", "2026-11-23T09:00", title=evil),
        event(f"alone{evil}", "2026-11-25T09:00"),
        event(f"broken{evil}", "2026-11-25T09:00", f"RRULE:FREQ={evil}"),
    )
    done = agenda(site, "--all")
    assert done.exit_code == 0, done.output
    assert "alone" in done.stdout
    assert "problem: room aula" in done.stderr
    shown = set(done.stdout + done.stderr)
    assert {c for c in shown if not c.isprintable()} == {"\n"}


def test_status_without_a_daemon_says_so(site: Path) -> None:
    done = CliRunner().invoke(cli, ["status", "-c", str(site)])
    assert done.exit_code == 1
    assert "is it running?" in done.output


def test_the_units_credentials_belong_to_the_units_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(options, "CREDENTIALS", tmp_path)
    found = options.environment_for(options.DEFAULT_FILE)
    assert found["CREDENTIALS_DIRECTORY"] == str(tmp_path)
    assert "CREDENTIALS_DIRECTORY" not in options.environment_for(tmp_path / "other.ini")
    monkeypatch.setattr(options, "CREDENTIALS", tmp_path / "none")
    assert "CREDENTIALS_DIRECTORY" not in options.environment_for(options.DEFAULT_FILE)


def test_a_configuration_that_may_not_be_read_is_said_with_its_remedy(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # As it is for everybody but root and the daemon.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    done = CliRunner().invoke(cli, ["status", "-c", str(site)])
    assert done.exit_code == 2
    assert "may not be read by this user" in done.stderr
    assert "or run this command as root" in done.stderr
    doctor = CliRunner().invoke(cli, ["doctor", "-c", str(site)])
    assert "-> let the service's group read it" in doctor.stdout


@pytest.mark.parametrize("command", [("agenda",), ("status",), ("why", "aula")])
def test_a_state_that_may_not_be_read_is_said_in_a_sentence(
    site: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    real = Path.stat
    monkeypatch.setattr(
        Path,
        "stat",
        lambda path, **keys: (refuse if path.name == "state.db" else real)(path, **keys),
    )
    name, *words = command
    done = CliRunner().invoke(cli, [name, "-c", str(site), *words])
    assert done.exit_code == 1
    assert "cannot be read: Permission denied; become root" in done.stderr


def test_every_command_has_help_and_the_program_a_version() -> None:
    runner = CliRunner()
    for name in COMMANDS:
        done = runner.invoke(cli, [name, "--help"])
        assert done.exit_code == 0, name
        assert done.output.startswith("Usage: ")
    assert __version__ in runner.invoke(cli, ["--version"]).output
    assert runner.invoke(cli, ["no-such-command"]).exit_code == 2

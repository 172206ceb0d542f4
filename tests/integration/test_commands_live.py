"""The commands beside a real daemon and after its death: processes, socket, state file, TLS."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.host.control import ask
from support.process import Program


ENVIRONMENT = {"PATH": os.environ["PATH"], "TZ": "UTC"}
INI = """\
[daemon]
state_dir = state
log_format = json
poll_interval = 1s
time_zone = Europe/Berlin
[cms]
address = {address}
username = admin
password = simulated
ca_file = ca.pem
web_bridge = https://join.example.org
[pool]
domain = cms.example
numeric_id_base = 8001
numeric_id_quantity = 3
[conferences]
early_join = 2s
dial_attempts = 1
passcode = random:6
[calendar:files]
type = ical
"""


def program(folder: Path, *argv: str) -> Program:
    return Program(sys.executable, "-m", "cospaced", *argv, environment=ENVIRONMENT, cwd=folder)


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    name, *rest = argv
    return subprocess.run(
        [sys.executable, "-m", "cospaced", name, "-c", "cospaced.ini", *rest],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
        env=ENVIRONMENT,
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )


def calendars(folder: Path) -> None:
    start = datetime.now(UTC) + timedelta(seconds=5)
    event = (
        "BEGIN:VEVENT", "UID:live@example.org", "DTSTAMP:20261101T000000Z",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        "SUMMARY:Redundancies", "CLASS:PRIVATE", "ORGANIZER:mailto:ada@example.org", "END:VEVENT",
    )  # fmt: skip
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN")
    for room in ("aula", "boardroom"):
        text = "\r\n".join((*head, *event, "END:VCALENDAR", ""))
        (folder / f"{room}.ics").write_text(text, newline="")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Write a site on a simulated CMS whose endpoint of the aula is busy."""
    (tmp_path / "state").mkdir()
    argv = (
        "simulate-cms",
        "--port",
        "0",
        "--ca-out",
        "ca.pem",
        "--endpoint",
        "aula@r.example=busy",
    )
    with program(tmp_path, *argv) as cms:
        listening = cms.line("listens on https://")
        cms.line("Ctrl-C")
        found = re.search(r"https://\S+", listening)
        assert found is not None
        rooms = "".join(
            f"[room:{room}]\ncalendar = files\npath = {room}.ics\nendpoints = {room}@r.example\n"
            for room in ("aula", "boardroom")
        )
        file = tmp_path / "cospaced.ini"
        file.write_text(INI.format(address=found[0]) + rooms)
        file.chmod(0o600)
        yield tmp_path


@pytest.mark.timeout(90)
def test_a_dark_room_is_explained_and_the_pool_closed_with_and_without_a_daemon(
    folder: Path,
) -> None:
    calendars(folder)
    with program(folder, "run", "-c", "cospaced.ini") as daemon:
        daemon.event("leg.gave_up")
        daemon.event("leg.connected")
        live = _read_by_a_daemon(folder)
        refused = run(folder, "close-all", "--yes")
        assert refused.returncode == 1
        assert "stop it first (a second daemon needs a state_dir of its own)" in refused.stderr
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    dead = _read_from_the_state(folder)
    assert dead == live
    _all_closed(folder)


def _read_by_a_daemon(folder: Path) -> list[str]:
    status = run(folder, "status")
    assert status.returncode == 0, status.stderr
    assert re.search(r"aula: gave up after 1 attempt: busy or declined", status.stdout)
    assert "aula gave up, boardroom connected  Private meeting" in status.stdout
    why = run(folder, "why", "aula")
    assert why.returncode == 0
    assert "aula       aula@r.example       gave up after 1 attempt: busy or declined" in why.stdout
    assert re.search(r"answered  dial aula@r.example: 200 from .*, after \d+ ms", why.stdout)
    assert "Redundancies" not in status.stdout + why.stdout
    story = json.loads(run(folder, "why", "--json", "boardroom").stdout)
    invite = run(folder, "invite", "boardroom")
    assert (invite.returncode, invite.stderr) == (0, "")
    assert re.search(r"Number: +800\d\n", invite.stdout)
    assert re.search(r"Passcode: +\d{6}\n", invite.stdout)
    assert re.search(r"https://join.example.org/meeting/800\d\?secret=[\w-]{22}\n", invite.stdout)
    _answers_what_a_shell_and_a_terminal_ask(folder, story["booking"]["id"])
    unknown = run(folder, "why", "cellar")
    assert unknown.returncode == 1
    assert "no booking is known by 'cellar'" in unknown.stderr
    return [story["booking"]["id"], why.stdout, invite.stdout]


def _answers_what_a_shell_and_a_terminal_ask(folder: Path, booking: str) -> None:
    control = folder / "state" / "control"
    for begun, found in ((booking[:3], [booking]), ("800", [booking]), ("no", [])):
        shown = ask(control, {"command": "beginning", "booking": begun})
        assert [one["id"] for one in shown["bookings"]] == found
    short = ask(control, {"command": "status", "ahead": 0})
    assert [one["id"] for one in short["bookings"]] == [booking]
    assert short["counts"] == {"open": 1, "planned": 0, "refused": 0}


def _read_from_the_state(folder: Path) -> list[str]:
    status = run(folder, "status", "--json")
    assert status.returncode == 1
    assert "cospaced is not running: this is what" in status.stderr
    shown = json.loads(status.stdout)
    assert shown["running"] is False
    (booking,) = shown["bookings"]
    assert [dial["state"] for dial in booking["dials"]] == ["gave_up", "connected"]
    why, invite = run(folder, "why", booking["id"][:5]), run(folder, "invite", "aula")
    for done in (why, invite):
        assert done.returncode == 0
        assert "cospaced is not running" in done.stderr
    return [booking["id"], why.stdout, invite.stdout]


def _all_closed(folder: Path) -> None:
    unasked = run(folder, "close-all")
    assert unasked.returncode == 1
    assert "Open spaces: 1. Calls in spaces of the pool: 1. Connected" in unasked.stdout
    assert "say --yes" in unasked.stderr
    done = run(folder, "close-all", "--yes")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 are closed" in done.stdout
    again = run(folder, "close-all", "--yes")
    assert (again.returncode, again.stdout) == (
        0,
        "Nothing of the pool is open, and no call runs in it.\n",
    )
    why = run(folder, "why", "aula")
    assert why.stdout.splitlines()[-1].endswith("decided   closed by close-all")
    invite = run(folder, "invite", "aula")
    assert "nobody can join it: it is closed" in invite.stderr


@pytest.mark.timeout(60)
def test_a_daemon_that_only_observes_says_so(folder: Path) -> None:
    calendars(folder)
    with program(folder, "run", "-c", "cospaced.ini", "--observe") as daemon:
        started = daemon.event("daemon.started")["message"]
        daemon.event("booking.opened")
        status, invite = run(folder, "status"), run(folder, "invite", "aula")
    assert started.endswith(" is starting; it only observes")
    assert " (only observing): 1 open" in status.stdout.splitlines()[0]
    assert "nobody can join it: the daemon only observes" in invite.stderr


def test_without_daemon_and_state_every_command_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    file = tmp_path / "cospaced.ini"
    text = INI.format(address="cms.example").replace("ca_file = ca.pem\n", "")
    file.write_text(text)
    file.chmod(0o600)
    for argv in (("status",), ("why", "aula"), ("invite", "aula")):
        done = run(tmp_path, *argv)
        assert done.returncode == 1
        assert done.stderr.startswith(f"cospaced {argv[0]}: ")
        assert "there is no state file" in done.stderr
    done = run(tmp_path, "close-all", "--yes")
    assert done.returncode == 1
    assert "no daemon ever ran" in done.stderr
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["lock"]

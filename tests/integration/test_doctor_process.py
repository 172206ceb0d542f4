"""`cospaced doctor` as a process, against `simulate-cms`, beside a daemon and without one."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.process import Program


COSPACED = (sys.executable, "-m", "cospaced")
SOURCE = Path(__file__).parents[2] / "daemon"
INI = """\
[daemon]
state_dir = state
time_zone = UTC
log_format = json
[cms]
address = {cms}
username = admin
password = simulated
ca_file = ca.pem
[pool]
domain = cms.example.org
numeric_id_base = 82001
numeric_id_quantity = 3
[conferences]
min_rooms = 1
[calendar:files]
type = ical
[room:aula]
calendar = files
path = aula.ics
endpoints = aula@rooms.example.org
"""


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "TZ": "UTC", "COLUMNS": "100"}


def program(folder: Path, *argv: str) -> Program:
    return Program(*COSPACED, *argv, environment=environment(), cwd=folder)


def doctor(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COSPACED, "doctor", "-c", "cospaced.ini", *options],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=folder,
        timeout=25,
        check=False,
    )


def add_rule(folder: Path, cms: str, node: str, form: str) -> None:
    """Make a dial plan rule as the Web Admin does."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    request = urllib.request.Request(f"{cms}/api/v1/{node}", data=form.encode(), method="POST")
    request.add_header("Authorization", "Basic YWRtaW46c2ltdWxhdGVk")
    with urllib.request.urlopen(request, context=context, timeout=5) as answer:
        assert answer.status == 200


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Run a simulated CMS with two bridges, and lay a site beside it."""
    options = ("--bridges", "2", "--port", "0", "--ca-out", "ca.pem")
    with program(tmp_path, "simulate-cms", *options) as cms:
        listening = re.search(r"https://\S+", cms.line("listens on https://"))
        cms.line("Ctrl-C")
        assert listening is not None
        (tmp_path / "state").mkdir(mode=0o700)
        file = tmp_path / "cospaced.ini"
        file.write_text(INI.format(cms=listening[0]))
        file.chmod(0o600)
        start = datetime.now(UTC) + timedelta(days=1)
        lines = (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", "UID:one"),
            *("DTSTAMP:20261101T000000Z", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H"),
            *("SUMMARY:Planning", "END:VEVENT", "END:VCALENDAR", ""),
        )
        (tmp_path / "aula.ics").write_text("\r\n".join(lines), newline="")
        add_rule(tmp_path, listening[0], "inboundDialPlanRules", "domain=cms.example.org")
        add_rule(tmp_path, listening[0], "outboundDialPlanRules", "domain=*.example.org")
        yield tmp_path


@pytest.mark.parametrize(
    ("reader", "said"), [("| true", ""), ("> /dev/full", "cospaced: this cannot be written: ")]
)
def test_output_that_nobody_takes_costs_no_traceback(
    tmp_path: Path, reader: str, said: str
) -> None:
    file = tmp_path / "cospaced.ini"
    file.write_text(INI.format(cms="127.0.0.1:9").replace("ca_file = ca.pem\n", ""))
    file.chmod(0o600)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$@" {reader}', "-", *COSPACED, "doctor", "-c", file],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=25,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)


def worse_than_notes(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong, but for what hangs on the machine that the tests run on."""
    machine = ("clock", "journal", "time_zones", "unit", "urllib3")
    return [
        (one["check"], one["seen"])
        for one in shown["findings"]
        if one["severity"] in ("warning", "error") and one["check"] not in machine
    ]


def test_without_a_daemon_it_finds_nothing_wrong_and_leaves_no_trace(folder: Path) -> None:
    done = doctor(folder, "--json")
    shown = json.loads(done.stdout)
    assert worse_than_notes(shown) == []
    assert done.stderr == ""
    assert done.returncode == int(shown["worst"] in ("warning", "error"))
    assert list((folder / "state").iterdir()) == []


def test_it_reads_what_exchange_says_of_its_rooms_from_a_file(folder: Path) -> None:
    rows = '#TYPE Rooms\n"Identity","DeleteComments"\n"example.org/Rooms/Aula","True"\n'
    (folder / "rooms.csv").write_text(rows, encoding="utf-16")
    done = doctor(folder, "--processing", "rooms.csv", "--json")
    (found,) = worse_than_notes(json.loads(done.stdout))
    assert found[0] == "room_mailboxes"
    assert found[1].startswith("texts of invitations are deleted")
    assert (done.returncode, done.stderr) == (1, "")


def test_beside_a_running_daemon_it_sees_what_that_made_and_which_file_it_has(
    folder: Path,
) -> None:
    with program(folder, "run", "-c", "cospaced.ini") as daemon:
        daemon.event("pool.made")
        # The daemon tells in whole seconds when it read the file.
        later = time.time() + 2
        os.utime(folder / "cospaced.ini", (later, later))
        done = doctor(folder)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert done.returncode == 1
    assert "-> systemctl reload cospaced" in done.stdout
    assert "ok      Spaces of the pool, numbers 82001-82003: 3 slots locked, 0 open" in done.stdout
    assert "ok      Right to write: the daemon has written to CMS before" in done.stdout
    assert "ERROR" not in done.stdout


def test_a_file_that_cannot_be_used_is_told_with_every_problem_and_status_1(
    tmp_path: Path,
) -> None:
    (tmp_path / "cospaced.ini").write_text("[cms]\naddress = x\nusername = a\ncolour = red\n")
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "ERROR   Settings, file cospaced.ini:4: [cms] colour" in done.stdout
    assert "-> " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 check: ")
    assert done.stderr == ""


def test_a_thread_that_hangs_does_not_hold_the_exit_up() -> None:
    stuck = (
        "import sys, threading; from cospaced.host.leaving import leave_within, threads_end\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "guard = leave_within(0.5, 7)\n"
        "assert not threads_end(0.1)\n"
        "sys.exit(7)\n"
    )
    began = time.monotonic()
    argv = [sys.executable, "-c", stuck]
    done = subprocess.run(argv, env=environment(), timeout=20, check=False)
    assert done.returncode == 7
    assert time.monotonic() - began < 10


def test_without_such_a_thread_the_guard_is_called_off() -> None:
    ending = (
        "import sys, threading; from cospaced.host.leaving import leave_within, threads_end\n"
        "guard = leave_within(0.2, 7)\n"
        "assert threads_end(0.1)\n"
        "guard.cancel()\n"
        "threading.Event().wait(0.6)\n"
        "sys.exit(3)\n"
    )
    argv = [sys.executable, "-c", ending]
    assert subprocess.run(argv, env=environment(), timeout=20, check=False).returncode == 3


@pytest.mark.parametrize("hangs", ["threading.Thread(target=threading.Event().wait).start()", ""])
def test_what_is_left_with_a_status_ends_with_it(hangs: str) -> None:
    ending = f"import threading; from cospaced.host.leaving import leave; {hangs}\nleave(0.2, 4)\n"
    argv = [sys.executable, "-c", ending]
    assert subprocess.run(argv, env=environment(), timeout=20, check=False).returncode == 4

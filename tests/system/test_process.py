"""The installed wheel as a process, over TLS: start, reload, stop, start again."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.process import Program


@dataclass
class Installed:
    """The wheel's files, and a folder for one test."""

    files: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return an environment in which the wheel goes before this checkout."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.files), "TZ": "UTC"}

    def program(self, *argv: str) -> Program:
        """Start `cospaced` with arguments."""
        script = self.files / "bin" / "cospaced"
        return Program(
            sys.executable, "-W", "error", str(script), *argv,
            environment=self.environment, cwd=self.folder,
        )  # fmt: skip

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run `cospaced` to its end."""
        script = self.files / "bin" / "cospaced"
        return subprocess.run(
            [sys.executable, str(script), *argv],
            check=False, capture_output=True, text=True, timeout=30,
            env=self.environment, cwd=self.folder,
        )  # fmt: skip


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Installed:
    files = tmp_path / "files"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(files), str(wheel)],
        check=True,
        capture_output=True,
    )
    folder = tmp_path / "site"
    (folder / "state").mkdir(parents=True)
    return Installed(files, folder)


@pytest.fixture
def cms(installed: Installed) -> Iterator[str]:
    """Start a simulated CMS and return its address; its CA is `ca.pem` in the folder."""
    argv = (
        "simulate-cms",
        "--port",
        "0",
        "--ca-out",
        "ca.pem",
        "--endpoint",
        "aula@r.example=connect:1",
    )
    with installed.program(*argv) as program:
        listening = program.line("listens on https://")
        program.line("Ctrl-C")
        found = re.search(r"https://\S+", listening)
        assert found is not None
        yield found[0]
        program.signal(signal.SIGINT)
        assert program.wait() == 0


def calendar(folder: Path, room: str, start: datetime, end: datetime) -> None:
    """Write a room's calendar with one event."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT",
        "UID:process@example.org", "DTSTAMP:20261101T000000Z",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        "SUMMARY:Planning", "ORGANIZER:mailto:ada@example.org", "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    (folder / f"{room}.ics").write_text("\r\n".join(lines) + "\r\n", newline="")


def configuration(folder: Path, address: str, rooms: tuple[str, ...], extra: str = "") -> Path:
    """Write the daemon's file."""
    parts = [
        f"[daemon]\nstate_dir = {folder}/state\nlog_format = json\npoll_interval = 2s\n{extra}",
        f"[cms]\naddress = {address}\nusername = admin\npassword = simulated\nca_file = ca.pem\n",
        "[pool]\ndomain = cms.example\nnumeric_id_base = 8001\nnumeric_id_quantity = 3\n",
        "[conferences]\nearly_join = 3s\nend_warnings =\nmin_rooms = 1\n",
        "[calendar:files]\ntype = ical\n",
        *(
            f"[room:{r}]\ncalendar = files\npath = {r}.ics\nendpoints = {r}@r.example\n"
            for r in rooms
        ),
    ]
    file = folder / "cospaced.ini"
    file.write_text("\n".join(parts))
    file.chmod(0o600)
    return file


def legs(folder: Path, address: str) -> int:
    """Ask CMS itself how many call legs there are."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    request = urllib.request.Request(f"{address}/api/v1/callLegs")
    request.add_header("Authorization", "Basic YWRtaW46c2ltdWxhdGVk")
    with urllib.request.urlopen(request, context=context, timeout=5) as answer:
        found = re.search(rb'total="(\d+)"', answer.read())
    assert found is not None
    return int(found[1])


@pytest.mark.timeout(120)
def test_a_conference_outlives_reloads_and_a_restart(installed: Installed, cms: str) -> None:
    folder = installed.folder
    start = datetime.now(UTC) + timedelta(seconds=8)
    end = start + timedelta(seconds=22)
    calendar(folder, "aula", start, end)
    calendar(folder, "cellar", start, end)
    file = configuration(folder, cms, ("aula",))
    with installed.program("run", "-c", str(file)) as daemon:
        daemon.event("pool.made")
        daemon.event("leg.connected")
        file.write_text(file.read_text().replace("poll_interval = 2s", "poll_intervall = 2s"))
        daemon.signal(signal.SIGHUP)
        assert "poll_interval" in daemon.event("config.refused")["reason"]
        configuration(folder, cms, ("aula", "cellar"))
        daemon.signal(signal.SIGHUP)
        daemon.event("config.reloaded")
        assert daemon.event("leg.connected")["room"] == "cellar"
        asked = installed.run("status", "-c", str(file))
        assert "cellar connected" in asked.stdout, asked.stderr
        second = installed.run("run", "-c", str(file))
        assert second.returncode == 1
        assert "another cospaced" in second.stdout + second.stderr
        before = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - before < 5
    assert legs(folder, cms) == 2
    with installed.program("run", "-c", str(file)) as daemon:
        daemon.event("pool.found")
        daemon.event("booking.closed", within=40)
        told = [line for line in daemon.lines if '"leg.dialled"' in line]
        assert not told
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert legs(folder, cms) == 0


@pytest.mark.timeout(120)
def test_a_calendar_that_goes_bad_is_told_with_since_when_over_a_restart(
    installed: Installed, cms: str
) -> None:
    folder = installed.folder
    start = datetime.now(UTC) + timedelta(hours=5)
    calendar(folder, "aula", start, start + timedelta(hours=1))
    file = configuration(folder, cms, ("aula",), extra="stale_after = 2s\nstale_limit = 4s\n")
    with installed.program("run", "-c", str(file)) as daemon:
        daemon.event("booking.planned")
        (folder / "aula.ics").rename(folder / "away.ics")
        gone = datetime.now(UTC)
        assert daemon.event("calendar.failed")["kind"] == "not_found"
        since = datetime.fromisoformat(daemon.event("calendar.stale")["since"])
        assert -1 <= (since - gone).total_seconds() <= 5
        daemon.event("calendar.mute")
        shown = installed.run("status", "-c", str(file)).stdout
        assert f"unreadable since {since:%H:%M}" in shown
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    with installed.program("run", "-c", str(file)) as daemon:
        daemon.event("calendar.failed")
        again = datetime.fromisoformat(daemon.event("calendar.stale")["since"])
        assert abs(again - since) <= timedelta(seconds=1)
        (folder / "away.ics").rename(folder / "aula.ics")
        recovered = daemon.event("calendar.recovered")
        assert recovered["seconds"] >= 4
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        told = [line for line in daemon.lines if '"booking.' in line]
        assert not told


def test_a_bad_configuration_ends_with_status_2_and_every_problem(installed: Installed) -> None:
    file = configuration(installed.folder, "http://cms.example", ("aula",), extra="colour = red\n")
    (installed.folder / "ca.pem").write_text("no certificate")
    done = installed.run("run", "-c", str(file))
    assert done.returncode == 2
    problems = done.stderr.splitlines()
    assert len(problems) >= 3
    assert all(line.startswith(f"{file}:") for line in problems), problems


def test_agenda_reads_the_calendars_and_touches_nothing(installed: Installed) -> None:
    folder = installed.folder
    start = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    calendar(folder, "aula", start, start + timedelta(hours=1))
    file = configuration(folder, "cms.example", ("aula", "cellar"))
    file.write_text(file.read_text().replace("ca_file = ca.pem\n", ""))
    done = installed.run(
        "agenda", "-c", str(file), "--from", "2026-11-23", "--to", "2026-11-24", "--json"
    )
    assert '"start": "2026-11-23T09:00:00Z"' in done.stdout, done.stderr
    assert '"room": "cellar"' in done.stdout
    assert not list((folder / "state").iterdir())

"""CalDAV from the configuration on: `agenda`, the daemon, and what is said where it cannot be."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.bootstrap_calendars import calendar_sources
from cospaced.calendars.caldav.library import INSTALL
from cospaced.domain.timespan import Timespan
from cospaced.errors import ConfigurationError
from support import caldav_servers
from support.caldav_servers import PASSWORD, CaldavServer, Calendar
from support.configurations import CMS, POOL, loaded, write
from support.ical import calendar, event
from support.process import Program


@pytest.fixture(scope="module")
def server() -> Iterator[CaldavServer]:
    with caldav_servers.radicale(("aula",)) as server:
        yield server


def configuration(base: str, room: str, password: str = PASSWORD) -> str:
    return (
        "[daemon]\nstate_dir = .\nlog_format = json\n"
        + CMS.replace("cms.example.org", "127.0.0.1:9")
        + POOL
        + f"[calendar:dav]\ntype = caldav\nurl = {base}\nusername = aula\npassword = {password}\n"
        + f"[room:aula]\ncalendar = dav\nurl = {room}\nendpoints = aula@r.example\nalways = yes\n"
    )


async def soon(its: Calendar) -> None:
    start = datetime.now(UTC) + timedelta(hours=2)
    times = (f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", "SUMMARY:Board")
    await its.put("soon", calendar(event(*times, uid="soon")))


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@pytest.mark.parametrize("room", ["aula/calendar/", "aula"])
async def test_agenda_reads_a_room_whose_url_is_relative_to_the_calendars(
    server: CaldavServer, tmp_path: Path, room: str
):
    async with server.calendar() as its:
        await soon(its)
    base = f"http://127.0.0.1:{server.process.port}"
    write(tmp_path, configuration(base, room))
    told = subprocess.run(
        [sys.executable, "-m", "cospaced", "agenda", "-c", "cospaced.ini", "--json"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=25, check=False,
    )  # fmt: skip
    said = json.loads(told.stdout)
    assert said["problems"] == [], told.stderr
    assert [booking["title"] for booking in said["bookings"]] == ["Board"]


async def test_the_daemon_plans_a_booking_from_a_caldav_calendar(
    server: CaldavServer, tmp_path: Path
):
    async with server.calendar() as its:
        await soon(its)
    base = f"http://127.0.0.1:{server.process.port}"
    write(tmp_path, configuration(base, "aula/calendar/"))
    argv = (sys.executable, "-m", "cospaced", "run", "-c", "cospaced.ini")
    with Program(*argv, environment=environment(), cwd=tmp_path) as daemon:
        assert daemon.event("booking.planned")["number"]
    assert not any(PASSWORD in line for line in daemon.lines)


async def test_the_password_is_in_no_workers_arguments_or_environment(
    server: CaldavServer, tmp_path: Path
):
    settings = loaded(tmp_path, configuration(f"http://127.0.0.1:{server.process.port}", "aula"))
    async with calendar_sources(settings) as sources:
        source = sources["dav"]
        await source.poll(settings.rooms[0], None, _window())
        (pool,) = source._pools.values()  # type: ignore[attr-defined]
        (worker,) = pool._all
        for file in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{worker._process.pid}/{file}").read_bytes()


async def test_a_missing_library_is_a_configuration_error_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "cospaced.calendars.caldav.library.find_spec",
        lambda name: None if name == "caldav" else real(name),
    )
    settings = loaded(tmp_path, configuration("http://127.0.0.1:9", "aula"))
    with pytest.raises(ConfigurationError) as caught:
        async with calendar_sources(settings):
            raise AssertionError("there can be no source")
    said = str(caught.value)
    assert "[calendar:dav] type: the caldav library is not installed (no caldav)" in said
    assert INSTALL in said


def test_every_instruction_installs_the_library_in_the_same_way():
    step = INSTALL.split(" && ")[1]
    root = Path(__file__).parents[2]
    for name in ("README.md", "Makefile", "config/cospaced.ini.example", "pyproject.toml"):
        text = (root / name).read_text()
        words = step.removeprefix("pip install ")
        assert words in text, name
    assert step in (root / "daemon/cospaced/host/urllib3_shadow.py").read_text()


def _window() -> Timespan:
    now = datetime.now(UTC)
    return Timespan(now, now + timedelta(days=30))

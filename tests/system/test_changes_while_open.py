"""Events edited while their conferences run: the daemon as a process, CMS over HTTPS, real files.

One daemon and one simulated CMS serve the whole module; each test has two rooms of its own.
"""

import os
import re
import signal
import ssl
import sys
import threading
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.machine import wait_until
from support.process import Program
from support.rewriting import calendar_text, series
from support.site import Invitation


SECOND = timedelta(seconds=1)
PAIRS = ("end", "room", "anew", "split", "forged")
ROOMS = (*(f"{pair}{n}" for pair in PAIRS for n in (1, 2)), "room3")
FEEDS = ("split1", "split2")
"""Rooms that are read over HTTP; the others are files."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Running:
    """The daemon, its CMS, and the folder that holds calendars and configuration."""

    folder: Path
    address: str
    daemon: Program

    def write(self, room: str, *events: Invitation | str) -> None:
        """Write a room's calendar in one go."""
        fresh = self.folder / f"{room}.new"
        fresh.write_text(calendar_text(*events), newline="")
        fresh.replace(self.folder / f"{room}.ics")

    def get(self, path: str) -> ET.Element:
        """Ask CMS itself."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        request = urllib.request.Request(f"{self.address}/api/v1/{path}")
        request.add_header("Authorization", "Basic YWRtaW46c2ltdWxhdGVk")
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:
            return ET.fromstring(answer.read())

    def legs(self, *rooms: str) -> dict[str, str]:
        """Return the ids of the rooms' call legs, by room.

        Each is asked for by itself: CMS lists ten legs at the most, and other tests' rooms are in.
        """
        asked = {room: self.get(f"callLegs?filter={room}@r.example") for room in rooms}
        return {room: leg.attrib["id"] for room, listed in asked.items() for leg in listed}

    def names(self) -> list[str]:
        """Return the names of the spaces."""
        return [space.findtext("name", "") for space in self.get("coSpaces?limit=20")]

    def connected(self, *rooms: str) -> dict[str, str]:
        """Wait until these rooms, and no other, are in a call; return their legs."""
        try:
            wait_until(lambda: len(self.legs(*rooms)) == len(rooms), 20, f"{rooms} are in a call")
        except AssertionError as error:
            error.add_note("\n".join(self.daemon.lines[-40:]))
            raise
        return self.legs(*rooms)

    def told(self, event: str, *parts: str) -> None:
        """Wait for a log line that has these parts."""

        def there() -> bool:
            lines = [line for line in self.daemon.lines if f'"{event}"' in line]
            return any(all(part in line for part in parts) for line in lines)

        wait_until(there, 20, f"{event} {parts}")


def _environment() -> dict[str, str]:
    path = os.pathsep.join(part for part in sys.path if part)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "TZ": "UTC"}


def _program(folder: Path, *argv: str) -> Program:
    command = (sys.executable, "-W", "error", "-m", "cospaced", *argv)
    return Program(*command, environment=_environment(), cwd=folder)


def _configuration(folder: Path, address: str, feeds: str) -> Path:
    parts = [
        f"[daemon]\nstate_dir = {folder}/state\nlog_format = json\npoll_interval = 1s\n",
        f"[cms]\naddress = {address}\nusername = admin\npassword = simulated\nca_file = ca.pem\n",
        "[pool]\ndomain = cms.example\nnumeric_id_base = 8001\nnumeric_id_quantity = 9\n",
        "[conferences]\nearly_join = 2s\nend_warnings = 2s\n",
        f"[calendar:files]\ntype = ical\n[calendar:feeds]\ntype = ical\nurl = {feeds}\n",
    ]
    for room in ROOMS:
        kind, place = ("feeds", "url") if room in FEEDS else ("files", "path")
        where = f"calendar = {kind}\n{place} = {room}.ics\n"
        parts.append(f"[room:{room}]\n{where}endpoints = {room}@r.example\n")
    file = folder / "cospaced.ini"
    file.write_text("\n".join(parts))
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve a folder over HTTP."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def running(feeds: tuple[Path, str]) -> Iterator[Running]:
    folder, url = feeds
    (folder / "state").mkdir()
    endpoints = [f"--endpoint={room}@r.example=connect:0.3" for room in ROOMS]
    with _program(folder, "simulate-cms", "--port=0", "--ca-out=ca.pem", *endpoints) as cms:
        found = re.search(r"https://\S+", cms.line("listens on https://"))
        assert found is not None
        file = _configuration(folder, found[0], url)
        for room in ROOMS:
            (folder / f"{room}.ics").write_text(calendar_text(), newline="")
        with _program(folder, "run", "-c", str(file)) as daemon:
            daemon.event("daemon.ready")
            yield Running(folder, found[0], daemon)
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
        cms.signal(signal.SIGINT)
        assert cms.wait() == 0


def _soon(seconds: float = 3) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


@pytest.fixture
def begun(running: Running) -> Callable[..., tuple[Invitation, dict[str, str]]]:
    """Invite a pair of rooms at once, and wait until both are in."""

    def begin(pair: str, seconds: float) -> tuple[Invitation, dict[str, str]]:
        rooms = (f"{pair}1", f"{pair}2")
        start = _soon()
        one = Invitation(pair, start, start + timedelta(seconds=seconds), rooms=rooms, title=pair)
        for room in rooms:
            running.write(room, one)
        return one, running.connected(*rooms)

    return begin


Begun = Callable[..., tuple[Invitation, dict[str, str]]]


def test_a_later_end_and_a_new_title_count_at_once(running: Running, begun: Begun) -> None:
    one, legs = begun("end", 12)
    later = replace(one, end=one.end + 4 * SECOND, title="Longer", sequence=1)
    for room in one.rooms:
        running.write(room, later)
    wait_until(lambda: "Longer" in running.names(), 10, "the space has its new title")
    wait_until(lambda: datetime.now(UTC) > one.end + SECOND, 20, "the old end has passed")
    assert running.legs(*one.rooms) == legs
    wait_until(lambda: not running.legs(*one.rooms), 20, "the new end has come")
    assert datetime.now(UTC) >= later.end
    wait_until(lambda: "Longer" not in running.names(), 10, "the slot is closed")


def test_a_room_added_is_dialled_alone(running: Running, begun: Begun) -> None:
    one, legs = begun("room", 60)
    for room in (*one.rooms, "room3"):
        running.write(room, replace(one, sequence=1))
    after = running.connected(*one.rooms, "room3")
    assert {room: after[room] for room in one.rooms} == legs


def test_an_event_deleted_and_sent_anew_room_by_room_keeps_its_legs(
    running: Running, begun: Begun
) -> None:
    one, legs = begun("anew", 60)
    for room in one.rooms:
        running.write(room, replace(one, uid="sent-anew", title="Sent anew"))
    running.told("booking.inherited", "of the same organizer")
    wait_until(lambda: "Sent anew" in running.names(), 10, "the space has its new title")
    assert running.legs(*one.rooms) == legs
    assert "anew" not in running.names()


def test_a_series_split_in_a_feed_goes_on_under_the_uid_of_the_rest(running: Running) -> None:
    start = _soon(4)
    first = start - timedelta(days=2)
    for room in FEEDS:
        running.write(room, series(first, uid="daily", minutes=1))
    legs = running.connected(*FEEDS)
    ends = f"FREQ=DAILY;UNTIL={start - SECOND:%Y%m%dT%H%M%SZ}"
    old = series(first, uid="daily", minutes=1, rule=ends, sequence=1)
    rest = series(start, uid="rest", minutes=1).replace("SUMMARY:Daily", "SUMMARY:The rest")
    for room in FEEDS:
        running.write(room, old, rest)
    wait_until(lambda: "The rest" in running.names(), 20, "the space has the title of the rest")
    assert running.legs(*FEEDS) == legs


def test_a_forged_cancellation_is_told_and_changes_nothing(running: Running, begun: Begun) -> None:
    one, legs = begun("forged", 60)
    forged = replace(one, organizer="mallory@example.org", sequence=9, lines=("STATUS:CANCELLED",))
    for room in one.rooms:
        running.write(room, forged)
    running.told("event.skipped", "belongs to another organizer", "forged1")
    running.told("event.skipped", "belongs to another organizer", "forged2")
    # Well after the second poll, that would have believed it.
    passed = datetime.now(UTC) + 8 * SECOND
    wait_until(lambda: datetime.now(UTC) > passed, 20, "the calendars were read again")
    assert running.legs(*one.rooms) == legs
    assert not [line for line in running.daemon.lines if "cancelled while open" in line]

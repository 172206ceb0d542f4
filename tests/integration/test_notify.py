import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cospaced.host.notify import Notifier, one_ascii_line


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that takes what PID 1 would be told."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(tmp_path / "notify"))
    server.settimeout(2)
    yield server
    server.close()


@pytest.fixture
def notifier(tmp_path: Path, systemd: socket.socket) -> Iterator[Notifier]:
    made = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    yield made
    made.close()


def test_each_method_says_one_thing(systemd: socket.socket, notifier: Notifier) -> None:
    said = (
        (notifier.ready, b"READY=1"),
        (notifier.watchdog, b"WATCHDOG=1"),
        (notifier.stopping, b"STOPPING=1"),
        (lambda: notifier.status("3 rooms"), b"STATUS=3 rooms"),
    )
    assert notifier.active
    for say, heard in said:
        say()
        assert systemd.recv(4096) == heard


def test_a_reload_carries_the_machines_monotonic_time(
    systemd: socket.socket, notifier: Notifier
) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.reloading()
    first, second = systemd.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    key, _, moment = second.partition("=")
    assert key == "MONOTONIC_USEC"
    assert before <= int(moment) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("3 rooms, 2 open", "3 rooms, 2 open"),
        ("Málaga Größe é", "Malaga Grosse e"),
        ("東京", "??"),
        ("two\nlines\tand\x00 \x1bmore", "two lines and more"),
        ("a\nREADY=1", "a READY=1"),
        ("x" * 600, "x" * 500),
    ],
)
def test_a_status_is_one_line_of_ascii(
    systemd: socket.socket, notifier: Notifier, text: str, line: str
) -> None:
    assert one_ascii_line(text) == line
    notifier.status(text)
    assert systemd.recv(4096) == b"STATUS=" + line.encode("ascii")


def test_without_a_socket_everything_does_nothing() -> None:
    with capture_logs() as logs:
        notifier = Notifier({})
        notifier.ready()
        notifier.status("x")
        notifier.watchdog()
        notifier.reloading()
        notifier.stopping()
        notifier.close()
    assert not notifier.active
    assert notifier.watchdog_interval is None
    assert logs == []


def test_an_abstract_socket_is_reached() -> None:
    name = f"cospaced-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(f"\0{name}")
        server.settimeout(2)
        notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
        notifier.ready()
        assert server.recv(4096) == b"READY=1"
        notifier.close()


def test_a_socket_that_cannot_be_reached_is_told_once(tmp_path: Path) -> None:
    with capture_logs() as logs:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "none")})
        notifier.ready()
        notifier.watchdog()
    (record,) = logs
    assert record["event"] == "notify.failed"
    assert str(tmp_path / "none") in record["reason"]
    assert not notifier.active


def test_a_systemd_that_takes_nothing_blocks_nobody_and_is_told_once(
    systemd: socket.socket, notifier: Notifier
) -> None:
    begin = time.monotonic()
    with capture_logs() as logs:
        for _ in range(1_000):
            notifier.watchdog()
        notifier.ready()
    assert time.monotonic() - begin < 1.5
    assert [record["event"] for record in logs] == ["notify.failed"]
    assert systemd.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "{pid}"}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_interval_is_in_seconds_and_only_for_the_process_meant(
    environment: dict[str, str], interval: float | None
) -> None:
    given = {key: value.format(pid=os.getpid()) for key, value in environment.items()}
    assert Notifier(given).watchdog_interval == interval

import io
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from cospaced.host.log_setup import Logging, configure
from cospaced.settings import Secret


class StandingClock:
    """A clock that stands at nine."""

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


@pytest.fixture
def stderr() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def told(stderr: io.StringIO) -> Iterator[Logging]:
    """JSON at info on the fixture `stderr`."""
    made = made_log(stderr)
    yield made
    made.close()


def made_log(stderr: Any, **options: Any) -> Logging:
    given: dict[str, Any] = {"level": "info", "format": "json", "environment": {}, **options}
    return configure(clock=StandingClock(), stderr=stderr, **given)


def lines(stderr: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.getvalue().splitlines()]


def thrown() -> ValueError:
    try:
        int("no")
    except ValueError as error:
        return error
    raise AssertionError


log = structlog.get_logger()


@pytest.mark.usefixtures("told")
def test_a_record_has_the_clocks_time_its_level_and_its_keys(stderr: io.StringIO) -> None:
    log.warning("leg.left", endpoint="b@example.com", room="boardroom")
    assert lines(stderr) == [
        {
            "timestamp": "2026-11-23T09:00:00.123Z",
            "level": "warning",
            "event": "leg.left",
            "message": "b@example.com in room boardroom hung up; it is left in peace",
            "endpoint": "b@example.com",
            "room": "boardroom",
        }
    ]


def test_the_level_can_be_changed_at_any_time_and_for_bound_loggers_too(
    stderr: io.StringIO, told: Logging
) -> None:
    bound = log.bind(room="boardroom")
    bound.debug("room.one")
    told.set_level("debug")
    bound.debug("room.two")
    log.debug("room.three")
    told.set_level("error")
    bound.warning("room.four")
    log.error("room.five")
    assert [line["event"] for line in lines(stderr)] == ["room.two", "room.three", "room.five"]


@pytest.mark.usefixtures("told")
def test_no_secret_ever_reaches_a_record(stderr: io.StringIO) -> None:
    secret = Secret("hunter2")
    log.error("some.thing", reason=secret, passcode="123456", url="https://u:pw@h/?secret=abc")
    log.error("some.thing", reason=[secret], client_secret="hunter2", count={"password": "pw"})
    told = stderr.getvalue()
    for value in ("hunter2", "123456", "abc", "pw"):
        assert value not in told
    assert told.count("********") >= 6


@pytest.mark.usefixtures("told")
def test_an_exception_is_told_with_its_traceback(stderr: io.StringIO) -> None:
    log.error("daemon.failed", exc_info=thrown())
    (line,) = lines(stderr)
    assert line["level"] == "error"
    assert line["message"] == (
        "cospaced ends because of a fault "
        "(ValueError: invalid literal for int() with base 10: 'no')"
    )
    assert line["exception"].startswith("Traceback")
    assert "exc_info" not in line


def test_what_libraries_say_to_the_standard_logging_ends_here_too(
    stderr: io.StringIO, told: Logging
) -> None:
    library = logging.getLogger("aiohttp.client")
    library.info("nothing worth telling")
    library.warning("odd answer %d", 3)
    # Straight to our handler: pytest's own would raise for such a format.
    bad = {"msg": "bad %d", "args": ("format",), "levelno": logging.ERROR, "name": "x"}
    told._libraries.handle(logging.makeLogRecord(bad))
    first, second = lines(stderr)
    assert (first["event"], first["level"]) == ("library.warned", "warning")
    assert first["message"] == "aiohttp.client: odd answer 3"
    assert second["level"] == "error"
    assert second["reason"].startswith("'bad %d'")


def test_console_lines_have_no_colours_where_there_is_no_terminal(stderr: io.StringIO) -> None:
    made = made_log(stderr, format="console")
    log.error("leg.left", endpoint="b@x")
    made.close()
    assert stderr.getvalue().startswith("2026-11-23T09:00:00.123Z error   b@x hung up")
    assert "\x1b" not in stderr.getvalue()


def test_a_terminal_gets_colours_unless_it_says_no() -> None:
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stderr:
        for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            made = made_log(stderr, format="console", environment=environment)
            log.error("leg.left", endpoint="b@x")
            made.close()
            assert (b"\x1b[31m" in os.read(controller, 4096)) is coloured
    os.close(controller)


def test_journal_means_console_where_stderr_is_no_journal(stderr: io.StringIO) -> None:
    made = made_log(stderr, format="journal", environment={"JOURNAL_STREAM": "1:2"})
    log.info("leg.left", endpoint="b@x")
    made.close()
    assert "b@x hung up" in stderr.getvalue()


def test_journal_means_datagrams_where_stderr_is_the_journal(tmp_path: Path) -> None:
    journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journald.bind(str(tmp_path / "socket"))
    with (tmp_path / "stderr").open("w") as stderr:
        seen = os.fstat(stderr.fileno())
        made = made_log(
            stderr,
            format="journal",
            environment={"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"},
            journal_socket=tmp_path / "socket",
        )
        log.info("leg.left", endpoint="b@x", room="boardroom")
        record = journald.recv(4096)
        assert b"\nROOM=boardroom\n" in record
        assert b"\nEVENT=leg.left\n" in record
        assert b"\nTIMESTAMP=2026-11-23T09:00:00.123Z\n" in record
        # journald stands still: what it cannot take is counted, and told afterwards.
        for number in range(2_000):
            log.debug("not.told")
            log.info("leg.left", endpoint=f"{number}@x")
        assert made.lost > 900
        assert not made.flush()
        told = b""
        journald.setblocking(False)
        while b"EVENT=log.lost" not in told:
            made.flush()
            told = journald.recv(4096)
        assert f"MESSAGE={made.lost} records were lost".encode() in told
        assert b"\nPRIORITY=4\n" in told
        made.close()
    journald.close()


def test_after_close_structlog_and_logging_are_as_they_were(stderr: io.StringIO) -> None:
    before = list(logging.getLogger().handlers)
    made = made_log(stderr)
    made.close()
    assert logging.getLogger().handlers == before
    assert not structlog.is_configured()


@pytest.mark.usefixtures("told")
def test_tests_can_capture_events_while_it_is_configured(stderr: io.StringIO) -> None:
    with capture_logs() as captured:
        log.info("leg.left", endpoint="b@x")
    assert captured == [{"event": "leg.left", "endpoint": "b@x", "log_level": "info"}]
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(("key", "value"), [("level", "loud"), ("format", "xml")])
def test_another_level_or_format_is_refused_with_the_known_ones(
    stderr: io.StringIO, key: str, value: str
) -> None:
    with pytest.raises(ValueError, match=f"'{value}' is no log {key} .write"):
        made_log(stderr, **{key: value})


def test_a_process_whose_stderr_is_a_full_pipe_goes_on_working() -> None:
    program = (
        "import sys; import structlog\n"
        "from cospaced.host.clock import SystemClock\n"
        "from cospaced.host.log_setup import configure\n"
        "told = configure(level='info', format='json', clock=SystemClock(),"
        " stderr=sys.stderr, environment={})\n"
        "log = structlog.get_logger()\n"
        "for number in range(20_000): log.info('leg.left', endpoint='b@x', count=number)\n"
        "print(told.lost)\n"
    )
    source = Path(__file__).parents[2] / "daemon"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(source)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert int(process.stdout.readline()) > 15_000
    process.stderr.read()
    assert process.wait() == 0
    process.stdout.close()
    process.stderr.close()

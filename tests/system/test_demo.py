"""`cospaced demo` as a newcomer starts it: to its end, stopped in the middle, killed outright."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support.process import Program


def started(folder: Path, *options: str, first: Path | None = None) -> Program:
    """Start the demo; modules in `first` go before all others."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "TZ": "UTC"}
    path = [str(first)] if first else []
    environment["PYTHONPATH"] = os.pathsep.join([*path, *(part for part in sys.path if part)])
    argv = (sys.executable, "-W", "error", "-m", "cospaced", "demo", "--plain", *options)
    return Program(*argv, environment=environment, cwd=folder)


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has, too)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def watched(folder: Path, *options: str) -> tuple[str, Path]:
    """Let a demo come to its good end; return what it wrote and the folder that it kept."""
    with started(folder, "--keep", *options) as demo:
        demo.line("promises kept", within=90)
        status = demo.wait()
    output = "\n".join(demo.lines)
    assert status == 0, output
    assert "FAIL" not in output
    assert "Traceback" not in output
    return output, Path(demo.lines[-1].removeprefix("kept: "))


@pytest.mark.timeout(120)
def test_the_demo_ends_by_itself_with_every_promise_kept(tmp_path: Path) -> None:
    output, kept = watched(tmp_path)
    assert "PASS Each room rang exactly once" in output
    assert "PASS kill -9: nobody lost, nobody rung again" in output
    assert "PASS All spaces are closed, no call is left" in output
    assert {"cospaced.ini", "Aula.ics", "daemon.log"} <= {path.name for path in kept.iterdir()}


@pytest.mark.timeout(120)
def test_the_demo_keeps_the_same_promises_with_rooms_in_exchange(tmp_path: Path) -> None:
    output, kept = watched(tmp_path, "--exchange")
    assert "Aula's mailbox calls it 'Ada Budget review'" in output
    assert "PASS Each bore the title that its organizer gave it" in output
    assert "type = exchange" in (kept / "cospaced.ini").read_text()
    assert not list(kept.glob("*.ics"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_demo_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    with started(tmp_path) as demo:
        demo.line("Made the pool")
        demo.signal(number)
        status = demo.wait()
    assert status == 130, "\n".join(demo.lines)
    assert "cospaced has stopped" in "\n".join(demo.lines)
    assert demo.lines[-1].startswith("Interrupted")
    assert not list(tmp_path.iterdir())


def test_a_killed_demo_takes_its_daemon_with_it(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        demo.line("Made the pool")
        children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text()
        demo.signal(signal.SIGKILL)
        demo.wait()
    daemons = [int(pid) for pid in children.split()]
    assert daemons
    deadline = time.monotonic() + 10
    while not all(gone(pid) for pid in daemons):
        assert time.monotonic() < deadline, "the daemon lives on"
        time.sleep(0.05)


def test_a_daemon_that_does_not_start_is_exit_status_1_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    # Only the daemon reads it, not the simulator.
    (broken / "sdnotify.py").write_text("raise RuntimeError('broken for the test')\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with started(scratch, first=broken) as demo:
        status = demo.wait(within=15)
    output = "\n".join(demo.lines)
    assert status == 1
    assert "the daemon ended by itself with status 1" in output
    assert "FAIL Awaited in vain: the pool was made" in output
    assert "RuntimeError: broken for the test" in output

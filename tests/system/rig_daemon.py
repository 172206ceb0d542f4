"""A small daemon on the host layer alone: what the unit runs while the host layer is tested.

It takes the daemon's command line, holds the state lock, answers on the control socket, beats the
watchdog and logs. SIGUSR1 makes it hang; its control commands try what the sandbox allows.
"""

import asyncio
import importlib
import os
import resource
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import structlog

from cospaced.errors import CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.control import ControlServer, Request, control_path
from cospaced.host.lock import StateLock
from cospaced.host.log_setup import Logging, configure
from cospaced.host.notify import Notifier


STATE = Path("/var/lib/cospaced")
LIBRARIES = (
    "aiohttp",
    "click",
    "cospaced.host.web",
    "defusedxml.ElementTree",
    "httpx",
    "icalendar",
    "pydantic",
    "recurring_ical_events",
)
CHILD = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path("{STATE}/signalled").touch())
print("ready", flush=True)
while True:
    time.sleep(60)
"""

log = structlog.get_logger()


async def answer(request: Request) -> dict[str, Any]:
    """Answer the tests' questions about the inside of the sandbox."""
    match request.command:
        case "status":
            return {"pid": os.getpid(), "uid": os.getuid()}
        case "log":
            log.warning(
                "leg.gave_up",
                room=request.arguments["room"],
                endpoint="board@example.com",
                reason=request.arguments["reason"] * int(request.arguments.get("times", "1")),
                passcode="123456",
            )
            return {}
        case "write":
            return {"error_of_write": _error_of(lambda: Path("/etc/x").write_text("x"))}
        case "libraries":
            return await asyncio.get_running_loop().run_in_executor(None, _libraries)
        case "child":
            return await asyncio.get_running_loop().run_in_executor(None, _child)
        case "capabilities":
            return {"capabilities": _capabilities()}
    raise CospacedError(f"no such command: {request.command}")


def _libraries() -> dict[str, Any]:
    """Do what the real daemon does to the kernel: import, encrypt, store, start a worker."""
    for name in LIBRARIES:
        importlib.import_module(name)
    ssl.create_default_context()
    database = sqlite3.connect(STATE / "try.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE IF NOT EXISTS t (x)")
    database.commit()
    database.close()
    worker = subprocess.run(
        [sys.executable, "-c", "import resource as r; print(r.getrlimit(r.RLIMIT_AS)[0])"],
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )
    return {"worker": worker.stdout.strip()}


def _child() -> dict[str, Any]:
    """Start a process that outlives a SIGTERM, and writes down that it got one."""
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    assert child.stdout is not None
    return {"ready": child.stdout.readline().decode().strip(), "pid": child.pid}


def _capabilities() -> list[str]:
    status = Path("/proc/self/status").read_text()
    return [line for line in status.splitlines() if line.startswith("Cap")]


def _error_of(work: Any) -> str:
    try:
        work()
    except OSError as error:
        return error.strerror or ""
    return ""


async def main(logging: Logging) -> None:
    """Run until SIGTERM."""
    notifier = Notifier(os.environ)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def reload() -> None:
        notifier.reloading()
        log.info("config.reloaded")
        notifier.ready()

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, time.sleep, 3600)
    with StateLock(STATE):
        server = ControlServer(control_path(STATE), answer)
        await server.start()
        log.info("daemon.ready", seconds=0)
        notifier.status("3 rooms, Málaga 東京")
        notifier.ready()
        interval = (notifier.watchdog_interval or 30) / 2
        while not stopping.is_set():
            notifier.watchdog()
            logging.flush()
            try:
                await asyncio.wait_for(stopping.wait(), interval)
            except TimeoutError:
                continue
        notifier.stopping()
        log.info("daemon.stopped")
        await server.close()


if __name__ == "__main__":
    if not Path(sys.argv[sys.argv.index("-c") + 1]).exists():
        sys.stderr.write("no configuration\n")
        sys.exit(2)
    told = configure(
        level="info",
        format="journal",
        clock=SystemClock(),
        stderr=sys.stderr,
        environment=os.environ,
    )
    try:
        asyncio.run(main(told))
    except CospacedError as error:
        log.error("daemon.failed", reason=str(error))  # noqa: TRY400 - the text says it all
        sys.exit(1)
    finally:
        told.close()

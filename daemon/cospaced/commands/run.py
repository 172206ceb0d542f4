"""`cospaced run`: the daemon, from the first line of the log to the last."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import structlog

from cospaced import __version__
from cospaced.bootstrap import Daemon, daemon
from cospaced.commands.options import BAD_CONFIGURATION, config_option, load_or_exit
from cospaced.configuration import changes_needing_restart, load, with_restart_keys_of
from cospaced.domain.document import moment
from cospaced.engine.machine import Machine
from cospaced.engine.questions import Questions
from cospaced.engine.report import status, status_line
from cospaced.errors import ConfigurationError, CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.control import ControlServer, Request, control_path
from cospaced.host.leaving import EXIT_WITHIN, leave_within
from cospaced.host.lock import StateLock
from cospaced.host.log_setup import Logging, configure
from cospaced.host.notify import Notifier
from cospaced.host.urllib3_shadow import shadow
from cospaced.ports import Clock
from cospaced.settings import Settings


log = structlog.get_logger()

READY_WITHIN = 30.0
"""Seconds after which READY is told whatever has not answered."""
STATUS_EVERY = 5.0
FAILED = 1


@click.command()
@config_option
@click.option("--observe", is_flag=True, help="Plan and log everything; write nothing to CMS.")
def run(file: Path, observe: bool) -> None:
    """Run the daemon in the foreground, as systemd starts it."""
    settings = load_or_exit(file)
    clock = SystemClock()
    logging = configure(
        level=settings.daemon.log_level,
        format=settings.daemon.log_format,
        clock=clock,
        stderr=sys.stderr,
        environment=os.environ,
    )
    notifier = Notifier(os.environ)
    try:
        with StateLock(settings.daemon.state_dir):
            asyncio.run(_Process(settings, logging, notifier, clock).run(observe=observe))
    except ConfigurationError as error:
        log.error("config.unusable", reason=str(error))  # noqa: TRY400 - a sentence, no traceback
        raise SystemExit(BAD_CONFIGURATION) from None
    except CospacedError as error:
        log.error("daemon.failed", reason=str(error))  # noqa: TRY400 - likewise
        raise SystemExit(FAILED) from None
    finally:
        notifier.close()
        logging.close()


class _Process:
    """The daemon's process: signals, systemd, the control socket, around the machine."""

    def __init__(
        self, settings: Settings, logging: Logging, notifier: Notifier, clock: Clock
    ) -> None:
        self._settings = settings
        self._logging = logging
        self._notifier = notifier
        self._clock = clock
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._ready = False
        self._settings_of = clock.now()

    def _configuration(self) -> dict[str, Any]:
        return {"file": str(self._settings.file), "read_at": moment(self._settings_of)}

    async def run(self, *, observe: bool) -> None:
        """Run until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        mode = {"reason": "it only observes"} if observe else {}
        log.info("daemon.started", version=__version__, **mode)
        for warning in self._settings.warnings:
            log.warning("config.warning", reason=warning)
        if reason := shadow():
            log.warning("library.warned", library="urllib3", reason=reason)
        async with daemon(self._settings, observe=observe) as made:
            handler = _Answers(made.machine, self._clock, self._configuration, observing=observe)
            control = ControlServer(control_path(self._settings.daemon.state_dir), handler.answer)
            await control.start()
            try:
                await self._serve(made, observing=observe)
            finally:
                await control.close()
        log.info("daemon.stopped")
        self._logging.flush()
        leave_within(EXIT_WITHIN, 0)

    async def _serve(self, made: Daemon, *, observing: bool) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.machine.run(), name="machine")
            others = [
                tasks.create_task(
                    self._tell_systemd(made.machine, observing=observing), name="systemd"
                ),
                tasks.create_task(self._reload_when_asked(made), name="reload"),
            ]
            await self._stop.wait()
            self._notifier.stopping()
            log.info("daemon.stopping")
            made.machine.stop()
            await running
            for task in others:
                task.cancel()

    async def _tell_systemd(self, machine: Machine, *, observing: bool) -> None:
        """Tell systemd of readiness, status, and the heart-beat of the timing loop."""
        interval = self._notifier.watchdog_interval
        pause = min(STATUS_EVERY, interval / 4 if interval else STATUS_EVERY, 1.0)
        began, said = self._clock.monotonic(), ""
        while True:
            now = self._clock.monotonic()
            if not self._ready and (machine.ready or now - began >= READY_WITHIN):
                self._ready = True
                self._notifier.ready()
                log.info("daemon.ready", seconds=round(now - began, 1))
            if interval and now - machine.timing.beat_at < interval / 2:
                self._notifier.watchdog()
            line = status_line(machine, observing=observing)
            if line != said:
                said = line
                self._notifier.status(line)
            self._logging.flush()
            await self._clock.sleep(pause)

    async def _reload_when_asked(self, made: Daemon) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading()
            await self._take_up(made)
            self._notifier.ready()

    async def _take_up(self, made: Daemon) -> None:
        """Take up the file as it is now, or keep what is in force and say why."""
        old, began = self._settings, self._clock.now()
        try:
            new = load(old.file, environment=os.environ)
            for text in changes_needing_restart(old, new):
                log.warning("config.needs_restart", reason=text)
            new = with_restart_keys_of(old, new)
            await made.reload(new)
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("config.refused", reason=str(problem))  # noqa: TRY400 - a sentence
            return
        self._settings, self._settings_of = new, began
        self._logging.set_level(new.daemon.log_level)
        log.info("config.reloaded", count=len(new.rooms))


class _Answers:
    """Answers what is asked over the control socket."""

    def __init__(
        self,
        machine: Machine,
        clock: Clock,
        configuration: Callable[[], dict[str, Any]],
        *,
        observing: bool,
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._observing = observing
        self._configuration = configuration
        self._questions = Questions(
            rows=machine.ledger.every,
            story=machine.ledger.story,
            settings=lambda: machine.settings,
            now=clock.now,
            observing=observing,
        )

    async def answer(self, request: Request) -> dict[str, Any]:
        """Answer one question."""
        if request.command == "status":
            ahead = request.arguments.get("ahead")
            shown = status(
                self._machine,
                self._clock.now(),
                ahead if isinstance(ahead, int) else None,
                observing=self._observing,
            )
            return shown | {"configuration": self._configuration()}
        if request.command == "beginning":
            return self._questions.beginning(str(request.arguments.get("booking", "")))
        if request.command in ("why", "invite"):
            name = str(request.arguments.get("booking", ""))
            return await self._questions.answer(request.command, name)
        raise CospacedError(f"this daemon knows no command {request.command!r}")

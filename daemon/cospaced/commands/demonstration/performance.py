"""One demo from curtain to curtain: cluster, files, daemon, story, verdict."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cospaced.commands.demonstration.board import Board, Conference, Line, Voice
from cospaced.commands.demonstration.daemon_log import DaemonLog
from cospaced.commands.demonstration.evidence import Facts, collect
from cospaced.commands.demonstration.promises import Promise, judge
from cospaced.commands.demonstration.service import Service
from cospaced.commands.demonstration.site import USERNAME, Calendars, Site, endpoint_of
from cospaced.commands.demonstration.story import Broken, Story
from cospaced.commands.demonstration.witness import Presence, Witness
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.ports import Clock, Entropy
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.serve import Served, serve


BRIDGES = ("core1", "core2")
_LATENCY = (0.005, 0.02)
"""Seconds, twice for each request: about what a CMS in the same building takes."""
_WATCH = 0.1
"""Seconds between looks at the rooms."""
_TOLD = {
    Presence.BUSY: "is busy",
    Presence.RINGING: "rings",
    Presence.IN: "picks up",
    Presence.LEFT: "is out",
}


class Audience(Protocol):
    """Whoever shows the board while it changes."""

    async def watch(self) -> None:
        """Show it until cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of it."""

    promises: tuple[Promise, ...]
    facts: Facts

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return all(promise.kept for promise in self.promises)


Opening = Callable[[Path, Clock, Entropy], AbstractAsyncContextManager[Calendars]]
"""Opens the rooms' calendars in the demo's folder, until the block is left."""


async def perform(
    folder: Path, seat: Callable[[Board, Clock], Audience], opening: Opening
) -> Verdict:
    """Play the demo in an empty folder; `seat` makes the audience of the board."""
    clock, entropy = SystemClock(), SystemEntropy()
    password = entropy.token(12).hex()
    knobs = Knobs(latency_before=_LATENCY, latency_after=_LATENCY)
    cluster = Cluster(
        clock, entropy, bridges=BRIDGES, username=USERNAME, password=password, knobs=knobs
    )
    certificates = folder / "cms"
    certificates.mkdir()
    async with (
        opening(folder, clock, entropy) as calendars,
        serve(cluster, certificate_dir=certificates) as served,
    ):
        witness = Witness(cluster)
        board = Board(witness=witness, requests=lambda: len(cluster.requests))
        site = Site(folder, calendars)
        board.file = str(site.file)
        board.configuration = site.write_configuration(
            url=served[0].url, ca_file=served[0].ca_file, password=password
        )
        return await _Stage(cluster, clock, board, site).play(served, seat(board, clock))


class _Stage:
    def __init__(self, cluster: Cluster, clock: Clock, board: Board, site: Site) -> None:
        self._cluster = cluster
        self._clock = clock
        self._board = board
        self._site = site

    async def play(self, served: tuple[Served, ...], audience: Audience) -> Verdict:
        names = {one.url.removeprefix("https://"): one.name for one in served}
        log = DaemonLog(self._board, {**names, f"{self._site.folder}/": ""})
        broken = ""
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(audience.watch()), tasks.create_task(self._watch())]
            async with self._service(tasks, log) as service:
                story = Story(
                    board=self._board,
                    calendars=self._site.calendars,
                    service=service,
                    log=log,
                    scenarios=self._cluster.scenarios,
                    clock=self._clock,
                )
                try:
                    with _strange_logs(self._tell_host):
                        await story.play()
                except Broken as failed:
                    broken = str(failed)
            for task in watching:
                task.cancel()
        self._site.file_away("daemon.log", [*map(json.dumps, log.records), *log.noise])
        writes = [
            f"{one.at:%H:%M:%S.%f} {one.status} {one.text}" for one in self._board.witness.writes
        ]
        self._site.file_away("writes.log", writes)
        facts = collect(
            cluster=self._cluster,
            witness=self._board.witness,
            conferences=self._board.conferences,
            log=log,
            notes=story.notes,
            exit_status=service.status,
        )
        return Verdict(promises=tuple(judge(facts, broken)), facts=facts)

    @asynccontextmanager
    async def _service(self, tasks: asyncio.TaskGroup, log: DaemonLog) -> AsyncIterator[Service]:
        service = Service(
            self._site.file,
            tasks,
            on_record=log.take,
            on_noise=lambda line: log.take_noise(self._clock.now(), line),
        )
        self._board.service = service
        try:
            yield service
        finally:
            await service.stop()

    async def _watch(self) -> None:
        """Tell what the rooms do."""
        known: dict[tuple[str, str], Presence] = {}
        while True:
            for conference in self._board.conferences:
                for room in conference.sent.rooms if conference.number else ():
                    self._tell_room(conference, room, known)
            await self._clock.sleep(_WATCH)

    def _tell_room(
        self, conference: Conference, room: str, known: dict[tuple[str, str], Presence]
    ) -> None:
        now = self._board.witness.presence(endpoint_of(room), conference.number)
        spot = (conference.booking, room)
        if known.get(spot, Presence.OUT) is now:
            return
        known[spot] = now
        by_hand = now is Presence.IN and not self._board.witness.endpoint(endpoint_of(room)).invites
        if now in _TOLD and not by_hand:
            text = f"{room} {_TOLD[now]}"
            self._board.say(Line(at=self._clock.now(), voice=Voice.ROOM, text=text))

    def _tell_host(self, text: str) -> None:
        at = self._clock.now()
        self._board.say(Line(at=at, voice=Voice.HOST, text=text, level="warning"))


@contextmanager
def _strange_logs(tell: Callable[[str], None]) -> Iterator[None]:
    """Bring what libraries log in this process to the board: a line must not spoil the screen."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(f"{record.name}: {record.getMessage()}")

    handler = Handler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)

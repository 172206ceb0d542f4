"""A whole site that is set up well, for tests to spoil: simulated CMS over TLS, feeds, files."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from cospaced.bootstrap import STATE_FILE
from cospaced.bootstrap_doctor import doctor_site
from cospaced.configuration import load
from cospaced.doctor.base import Check, Finding, Severity
from cospaced.doctor.examination import CHECKS, Examined, examine
from cospaced.doctor.site import HostLooks
from cospaced.domain.booking import Booking
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.host.offload import ThreadOffload
from cospaced.host.unit import Unit
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.serve import serve
from cospaced.store.site_key import load_or_make
from cospaced.store.sqlite import SqliteStore
from support.configurations import write
from support.ical import calendar, event
from support.web_server import Reply, Seen, web_server


INI = """\
[daemon]
state_dir = state
time_zone = Europe/Berlin
[cms]
address = {cms}
username = admin
password = simulated
ca_file = {ca_file}
web_bridge = {web}
[pool]
domain = cms.example.org
numeric_id_base = 82001
numeric_id_quantity = 5
[conferences]
min_rooms = 2
[calendar:feeds]
type = ical
url = {feeds}
ca_file = {ca_file}
[room:aula]
calendar = feeds
url = aula.ics
endpoints = aula@rooms.example.org
address = aula@example.org
[room:boardroom]
calendar = feeds
url = boardroom.ics
endpoints = boardroom@rooms.example.org
address = boardroom@example.org
"""
ROOMS = ("aula", "boardroom")


def a_well_kept_machine() -> HostLooks:
    """What this machine itself would say where it is set up well."""
    return HostLooks(
        unit=lambda: Unit(user="root"),
        synchronised=lambda: True,
        shadow=lambda: "",
        journal_kept=lambda: True,
    )


def invitation(number: int, *lines: str, rooms: tuple[str, ...] = ROOMS, title: str = "") -> str:
    """An event of an hour, `number` days from now, that the rooms accepted."""
    start = (datetime.now(UTC) + timedelta(days=number)).replace(minute=0, second=0)
    attendees = [
        f"ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:{room}@example.org" for room in rooms
    ]
    return event(
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{title or f'Planning {number}'}",
        "ORGANIZER;CN=Ada Lovelace:mailto:ada@example.org",
        *attendees,
        *lines,
        uid=f"planning-{number}",
    )


@dataclass
class Doctored:
    """The site; `ini` is written anew before each look."""

    folder: Path
    cluster: Cluster
    ini: str
    feeds: dict[str, bytes]
    host: HostLooks = field(default_factory=a_well_kept_machine)
    last: tuple[Finding, ...] = ()
    date: Callable[[], datetime] = lambda: datetime.now(UTC)
    processing: Path | None = None

    @property
    def file(self) -> Path:
        return self.folder / "cospaced.ini"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def change(self, old: str, new: str) -> None:
        """Replace a part of the configuration."""
        assert old in self.ini
        self.ini = self.ini.replace(old, new)

    def hold(self, room: str, *events: str) -> None:
        """Put a calendar in place."""
        self.feeds[f"/{room}.ics"] = calendar(*events)

    async def examined(self, *checks: Check) -> tuple[Examined, ...]:
        write(self.folder, self.ini)
        settings = load(self.file, environment={"TZ": "UTC"})
        async with doctor_site(settings, self.host, self.processing) as site:
            return await examine(site, checks or CHECKS)

    async def look(self, slug: str) -> tuple[Finding, ...]:
        """Return what one check finds."""
        (check,) = (check for check in CHECKS if check.slug == slug)
        (one,) = await self.examined(check)
        assert one.findings
        return one.findings

    async def the(self, severity: Severity, slug: str) -> Finding:
        """Return the only finding of a check that is so severe, which is also its worst."""
        findings = await self.look(slug)
        told = [finding for finding in findings if finding.severity is severity]
        assert len(told) == 1, findings
        assert max(finding.severity for finding in findings) is severity, findings
        return told[0]


async def make_state(
    state_dir: Path, *rows: Booking, facts: Mapping[str, str] | None = None
) -> None:
    """Leave what a daemon that ran once leaves behind."""
    load_or_make(state_dir, SystemEntropy())
    offload = ThreadOffload("state")
    store = await SqliteStore.open(state_dir / STATE_FILE, offload=offload, clock=SystemClock())
    for row in rows:
        await store.save(row)
    for key, value in (facts or {}).items():
        await store.save_fact(key, value)
    await store.close()
    offload.close()


@asynccontextmanager
async def doctored(folder: Path, *, bridges: int = 2) -> AsyncIterator[Doctored]:
    """Serve a well set-up site until the block ends."""
    cluster = Cluster(
        SystemClock(), SystemEntropy(), bridges=[f"core{number + 1}" for number in range(bridges)]
    )
    cluster.scenarios.route_in("cms.example.org")
    cluster.scenarios.route_out("rooms.example.org", sipProxy="cucm.example.org")
    if bridges > 1:
        cluster.scenarios.group_bridges("all")
    for bridge in cluster.bridges:
        bridge.state.started_at -= 86400
    (folder / "state").mkdir(mode=0o700)
    site: list[Doctored] = []

    def answer(seen: Seen) -> Reply:
        headers = {"Date": format_datetime(site[0].date(), usegmt=True)}
        body = site[0].feeds.get(seen.path)
        if seen.path == "/":
            return Reply(headers=headers, body=b"hello")
        return Reply(status=404) if body is None else Reply(headers=headers, body=body)

    async with (
        serve(cluster, certificate_dir=folder / "tls") as served,
        web_server(answer) as web,
    ):
        ini = INI.format(
            cms=served[0].url, ca_file=served[0].ca_file, web=web.url(""), feeds=web.url("/")
        )
        site.append(Doctored(folder=folder, cluster=cluster, ini=ini, feeds={}))
        for room in ROOMS:
            site[0].hold(room, *(invitation(number) for number in (1, 2, 3)))
        yield site[0]

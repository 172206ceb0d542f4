"""Real CalDAV servers, each a process of its own, behind a front that counts what they are asked.

`radicale` and `xandikos` run a CaldavServer whose users have one empty calendar each. What a source
reads goes through a front, which can speak TLS, ask for Digest, and break connections; what a test
writes goes past it.
"""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import bcrypt
import httpx
from dulwich import porcelain

from support.caldav_front import Front, front


PASSWORD = "s3cret"
"""Of every user."""
_STARTS_WITHIN = 20.0
MKCALENDAR = b"""<?xml version="1.0"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""


@dataclass
class Process:
    """A server's process, which can be started again on the same port."""

    argv: Sequence[str]
    port: int
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its port answers."""
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until:
            assert self.running.poll() is None, self.log.read_text()
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        """End it by its pid."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()


@dataclass(kw_only=True)
class CaldavServer:
    """A server that runs; every user has a calendar, in which nothing stands at first."""

    process: Process
    folder: Path
    users: Sequence[str]
    home: str
    """The path of the collection in which `{user}` has calendars."""
    secure: bool = False
    """Whether it speaks TLS itself, by a certificate that nobody can verify."""
    fill: Callable[["CaldavServer", str, Mapping[str, bytes]], None]
    """Puts many events into a user's calendar at once; see `Calendar.put` for one."""

    @asynccontextmanager
    async def calendar(
        self, user: str = "aula", *, context: ssl.SSLContext | None = None
    ) -> AsyncIterator["Calendar"]:
        """Yield a user's calendar behind a front of its own; `context` makes that TLS."""
        behind = _unverified() if self.secure else None
        base = f"{'https' if self.secure else 'http'}://127.0.0.1:{self.process.port}"
        async with (
            front(self.process.port, behind=behind, context=context) as made,
            httpx.AsyncClient(base_url=base, verify=behind or True, timeout=20) as direct,
        ):
            yield Calendar(
                server=self,
                front=made,
                direct=direct,
                user=user,
                scheme="https" if context else "http",
            )


@dataclass(kw_only=True)
class Calendar:
    """One user's calendar, and the ways to it."""

    server: CaldavServer
    front: Front
    direct: httpx.AsyncClient
    """Speaks to the server past the front."""
    user: str
    scheme: str

    @property
    def base(self) -> str:
        """The server's URL, through the front."""
        return f"{self.scheme}://localhost:{self.front.port}/"

    @property
    def home(self) -> str:
        """The path of the collection in which the calendar stands."""
        return self.server.home.format(user=self.user)

    @property
    def path(self) -> str:
        """The calendar's path."""
        return f"{self.home}calendar/"

    @property
    def url(self) -> str:
        """The calendar's URL, through the front."""
        return self.base[:-1] + self.path

    async def put(self, name: str, text: str | bytes) -> None:
        """Put an event into the calendar as `name`.ics."""
        answer = await self.ask("PUT", f"{self.path}{name}.ics", text)
        assert answer.status_code in (200, 201, 204), answer.text

    async def get(self, name: str) -> str:
        """Return an event of the calendar."""
        answer = await self.ask("GET", f"{self.path}{name}.ics")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def delete(self, name: str) -> None:
        """Take an event out of the calendar."""
        answer = await self.ask("DELETE", f"{self.path}{name}.ics")
        assert answer.status_code in (200, 204), answer.text

    def fill(self, events: Mapping[str, bytes]) -> None:
        """Put many events into the calendar, by name, faster than one by one."""
        self.server.fill(self.server, self.user, events)

    async def ask(
        self, method: str, path: str, content: str | bytes = b"", **headers: str
    ) -> httpx.Response:
        """Send one request as the calendar's user, past the front."""
        kind = "text/calendar" if method == "PUT" else "application/xml"
        return await self.direct.request(
            method,
            path,
            content=content,
            auth=(self.user, PASSWORD),
            headers={"Content-Type": kind, **headers},
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder in memory, where there is one: these servers sync each of their many files."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@contextmanager
def radicale(users: Sequence[str] = ("aula",)) -> Iterator[CaldavServer]:
    """Run Radicale, with Basic logins."""
    with _folder() as folder:
        (folder / "users").write_text("".join(f"{user}:{PASSWORD}\n" for user in users))
        port = free_port()
        options = {
            "config": "",
            "server-hosts": f"127.0.0.1:{port}",
            "auth-type": "htpasswd",
            "auth-htpasswd-filename": str(folder / "users"),
            "auth-htpasswd-encryption": "plain",
            "auth-delay": "0",
            "storage-filesystem-folder": str(folder / "data"),
        }
        argv = [f"--{name}={value}" for name, value in options.items()]
        with _running([sys.executable, "-m", "radicale", *argv], port, folder) as process:
            server = CaldavServer(
                process=process, folder=folder, users=users, home="/{user}/", fill=_fill_radicale
            )
            for user in users:
                path = f"{server.home.format(user=user)}calendar/"
                made = _ask(server, "MKCALENDAR", path, user, MKCALENDAR)
                assert made.status_code == 201, made.text
            yield server


@contextmanager
def xandikos(users: Sequence[str] = ("aula",)) -> Iterator[CaldavServer]:
    """Run Xandikos for several users, who may invite each other (RFC 6638).

    It asks for logins only where it speaks TLS.
    """
    word = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    with _folder() as folder:
        (folder / "users").write_text("".join(f"{user}:{word}\n" for user in users))
        port = free_port()
        options = {
            "directory": str(folder / "data"),
            "state-dir": str(folder / "state"),
            "htpasswd": str(folder / "users"),
            "listen-address": "127.0.0.1",
            "port": str(port),
        }
        argv = [
            "--autocert",
            "--defaults",
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with _running(
            [sys.executable, "-m", "xandikos", "multi-user", *argv], port, folder
        ) as process:
            server = CaldavServer(
                process=process,
                folder=folder,
                users=users,
                home="/{user}/calendars/",
                secure=True,
                fill=_fill_xandikos,
            )
            for user in users:
                made = _ask(server, "PROPFIND", f"/{user}/", user)
                assert made.status_code == 207, made.text
            yield server


@contextmanager
def _running(argv: Sequence[str], port: int, folder: Path) -> Iterator[Process]:
    process = Process(argv, port, folder / "server.log")
    try:
        process.start()
        yield process
    finally:
        process.stop()


def _ask(
    server: CaldavServer, method: str, path: str, user: str, content: bytes = b""
) -> httpx.Response:
    scheme, verify = ("https", _unverified()) if server.secure else ("http", True)
    return httpx.request(
        method,
        f"{scheme}://127.0.0.1:{server.process.port}{path}",
        content=content,
        auth=(user, PASSWORD),
        headers={"Depth": "0", "Content-Type": "application/xml"},
        verify=verify,
        timeout=20,
    )


def _fill_radicale(server: CaldavServer, user: str, events: Mapping[str, bytes]) -> None:
    """Write members where Radicale keeps them: it looks at its files at each request."""
    folder = server.folder / "data/collection-root" / user / "calendar"
    for name, text in events.items():
        (folder / f"{name}.ics").write_bytes(text)


def _fill_xandikos(server: CaldavServer, user: str, events: Mapping[str, bytes]) -> None:
    """Commit members to the Git repository that a calendar of Xandikos is."""
    folder = server.folder / "data" / user / "calendars/calendar"
    for name, text in events.items():
        (folder / f"{name}.ics").write_bytes(text)
    porcelain.add(folder, [str(folder / f"{name}.ics") for name in events])
    porcelain.commit(
        folder, message=b"fill", author=b"t <t@example.org>", committer=b"t <t@example.org>"
    )


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def free_port() -> int:
    """Return a port that was free a moment ago, for servers that cannot choose one."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

"""Real CalDAV servers, each a process of its own, behind a front that counts what they are asked.

`radicale`, `xandikos` and `cyrus` run a CaldavServer whose users have one empty calendar each. What
a source reads goes through a front, which can speak TLS, ask for Digest, and break connections;
what a test writes goes past it.
"""

import imaplib
import os
import shutil
import signal
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
import pytest
from dulwich import porcelain

from support.caldav_front import Front, front


PASSWORD = "s3cret"
"""Of every user."""
_STARTS_WITHIN = 20.0
MKCALENDAR = b"""<?xml version="1.0"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""


_CYRUS = Path("/usr/lib/cyrus/bin")
_SASLPASSWD = Path("/usr/sbin/saslpasswd2")
_POSTMASTER = "postmaster"
_IMAPD_CONF = """\
configdirectory: {folder}/state
defaultpartition: default
partition-default: {folder}/spool
servername: localhost
admins: {postmaster}
virtdomains: off
unixhierarchysep: yes
allowplaintext: yes
sasl_mech_list: PLAIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/logins
httpmodules: caldav
caldav_create_default: no
calendar_user_address_set: example.org
"""
_CYRUS_CONF = """\
START {{ recover cmd="{bin}/ctl_cyrusdb -C {conf} -r" }}
SERVICES {{
  imap cmd="{bin}/imapd -C {conf}" listen="127.0.0.1:{imap}" prefork=0
  http cmd="{bin}/httpd -C {conf}" listen="127.0.0.1:{port}" prefork=1
}}
EVENTS {{ }}
"""
"""A service does not hear from its master which configuration is meant."""


@dataclass
class Process:
    """A server's process, which can be started again on the same port."""

    argv: Sequence[str]
    port: int
    log: Path
    ends_by: signal.Signals = signal.SIGKILL
    """A server with children must be told, so that they end as well."""
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its port answers."""
        with self.log.open("ab") as log:
            # When Cyrus's master ends, it ends all of its process group that it may.
            self.running = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until:
            ended = self.running.poll()
            assert ended is None, f"{self.argv[0]} ended with {ended}: {self.log.read_text()}"
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        """End it by its pid."""
        if self.running is not None:
            self.running.send_signal(self.ends_by)
            self.running.wait()


@dataclass(kw_only=True)
class CaldavServer:
    """A server that runs; every user has a calendar, in which nothing stands at first."""

    process: Process
    folder: Path
    users: Sequence[str]
    home: str
    """The path of the collection in which `{user}` has calendars."""
    principal: str = "/{user}/"
    """The path of the principal that `{user}` is."""
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
    def principal(self) -> str:
        """The path of the principal that the user is."""
        return self.server.principal.format(user=self.user)

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
def cyrus(users: Sequence[str] = ("aula",)) -> Iterator[CaldavServer]:
    """Run Cyrus IMAP's CalDAV server, with Basic logins; skips where it cannot be run."""
    if why_not := _why_no_cyrus():
        pytest.skip(why_not)
    with _folder() as folder:
        port, imap = free_port(), free_port()
        argv = _laid_out(folder, users, port, imap)
        with _running(argv, port, folder, ends_by=signal.SIGTERM) as process:
            home = "/dav/calendars/user/{user}/"
            server = CaldavServer(
                process=process,
                folder=folder,
                users=users,
                home=home,
                principal="/dav/principals/user/{user}/",
                fill=_fill_by_requests,
            )
            with imaplib.IMAP4("127.0.0.1", imap, timeout=20) as postmaster:
                postmaster.login(_POSTMASTER, PASSWORD)
                for user in users:
                    status, told = postmaster.create(f"user/{user}")
                    assert status == "OK", told
            for user in users:
                path = f"{home.format(user=user)}calendar/"
                made = _ask(server, "MKCALENDAR", path, user, MKCALENDAR)
                assert made.status_code == 201, made.text
            yield server


def _why_no_cyrus() -> str:
    if os.geteuid() != 0:
        return "Cyrus wants root, to run as its own user"
    wanted = (_CYRUS / "httpd", _CYRUS / "imapd", _SASLPASSWD)
    missing = [str(path) for path in wanted if not path.exists()]
    return f"no {missing[0]} (packages cyrus-caldav, cyrus-imapd, sasl2-bin)" if missing else ""


def _laid_out(folder: Path, users: Sequence[str], port: int, imap: int) -> list[str]:
    """Write what Cyrus reads, make its folders and logins; return how it is run."""
    conf, services = folder / "imapd.conf", folder / "cyrus.conf"
    conf.write_text(_IMAPD_CONF.format(folder=folder, postmaster=_POSTMASTER))
    services.write_text(_CYRUS_CONF.format(bin=_CYRUS, conf=conf, port=port, imap=imap))
    for name in ("db", "proc", "log", "socket"):
        (folder / "state" / name).mkdir(parents=True)
    (folder / "spool").mkdir()
    for user in (_POSTMASTER, *users):
        argv = [_SASLPASSWD, "-p", "-c", "-f", folder / "logins", "-u", "localhost", user]
        subprocess.run(argv, input=PASSWORD.encode(), check=True, capture_output=True)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "cyrus", "mail")
    pid = str(folder / "state/master.pid")
    return [str(_CYRUS / "master"), "-C", str(conf), "-M", str(services), "-p", pid]


@contextmanager
def _running(
    argv: Sequence[str], port: int, folder: Path, ends_by: signal.Signals = signal.SIGKILL
) -> Iterator[Process]:
    process = Process(argv, port, folder / "server.log", ends_by)
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


def _fill_by_requests(server: CaldavServer, user: str, events: Mapping[str, bytes]) -> None:
    """Put members one by one: Cyrus keeps them in files and indexes of its own."""
    base = f"http://127.0.0.1:{server.process.port}{server.home.format(user=user)}calendar/"
    with httpx.Client(base_url=base, auth=(user, PASSWORD), timeout=20) as client:
        for name, text in events.items():
            headers = {"Content-Type": "text/calendar"}
            made = client.put(f"{name}.ics", content=text, headers=headers)
            assert made.status_code == 201, made.text


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

"""What the doctor asks the machine and servers: rights, unit, lock, clocks, certificates."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cospaced.host import journal, kernel_clock, lock, unit
from cospaced.host.access import account, allowed, current, owner
from cospaced.host.clock import SystemClock
from cospaced.host.probe import Server, certificate_end, clock_offset
from cospaced.host.web import WebError
from support.certificates import make_certificate
from support.loopback import listening
from support.web_server import Reply, Seen, web_server


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for another user")
def test_rights_are_those_of_the_user_asked_about_every_directory_included() -> None:
    nobody = account("nobody")
    assert nobody is not None
    with TemporaryDirectory(prefix="cospaced-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        files = {"open file": 0o644, "own": 0o600, "mine": 0o600, "closed/open": 0o644}
        for file, mode in files.items():
            (folder / file).touch()
            (folder / file).chmod(mode)
        os.chown(folder / "mine", nobody.uid, nobody.gid)
        paths = [folder / file for file in (*files, "absent")]
        found = allowed(nobody, "r", paths)
        assert found is not None
        assert [found[path] for path in paths] == [True, False, True, False, False]
        assert allowed(current(), "r", paths) == {path: path.exists() for path in paths}
        assert allowed(nobody, "w", [folder / "mine"]) == {folder / "mine": True}


def test_an_unknown_user_is_none() -> None:
    assert account("no-such-user") is None
    assert owner(Path("/no/such/file")) is None
    mine = owner(Path(__file__))
    assert mine is None or mine.uid == Path(__file__).stat().st_uid


def test_many_paths_are_asked_about_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(1203)]
    paths[700].touch()
    found = allowed(current(), "r", paths)
    assert found is not None
    assert [path for path, may in found.items() if may] == [paths[700]]


def test_the_units_properties_are_read_as_systemd_writes_them() -> None:
    told = (
        "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=disabled\n"
        "FragmentPath=/etc/systemd/system/cospaced.service\nUser=cospaced\nNeedDaemonReload=yes\n"
        "ProtectHome=yes\nPrivateTmp=yes\nProtectSystem=strict\n"
        "ReadWritePaths=-/srv/state /data\nStateDirectory=cospaced\n"
    )
    found = unit.read(told)
    assert found == unit.Unit(
        load="loaded",
        active="failed",
        sub="failed",
        enabled="disabled",
        file="/etc/systemd/system/cospaced.service",
        user="cospaced",
        outdated=True,
        hides_home=True,
        private_tmp=True,
        strict=True,
        writable=(Path("/srv/state"), Path("/data"), Path("/var/lib/cospaced")),
    )
    assert found.installed
    assert not unit.read("LoadState=not-found\n").installed


def test_the_holder_of_a_lock_is_known_without_touching_it(tmp_path: Path) -> None:
    assert lock.holder(tmp_path) is None
    program = (
        "import sys; from pathlib import Path; from cospaced.host.lock import StateLock\n"
        "lock = StateLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "daemon")},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert lock.holder(tmp_path) == holder.pid
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(10)
    assert lock.holder(tmp_path) is None


def test_the_kernel_says_whether_its_clock_is_held() -> None:
    assert kernel_clock.synchronised() in (True, False)


def test_a_journal_on_disk_outlives_a_restart(tmp_path: Path) -> None:
    kept, lost, none = tmp_path / "kept", tmp_path / "lost", tmp_path / "none"
    kept.mkdir()
    lost.mkdir()
    assert journal.kept(kept, lost) is True
    assert journal.kept(none, lost) is False
    assert journal.kept(none, none) is None


async def test_a_certificates_end_is_read_over_tls_once_it_is_trusted(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    async with web_server(lambda _: Reply(), certificate) as server:
        trusted = Server(url=server.url(""), ca_file=certificate.file)
        end = await certificate_end(trusted, 5)
        assert abs(end - datetime.now(UTC) - timedelta(days=30)) < timedelta(hours=1)
        with pytest.raises(WebError, match="not trusted") as caught:
            await certificate_end(Server(url=server.url("")), 5)
        assert caught.value.kind == "certificate"
        assert server.seen == []
    with pytest.raises(WebError, match="no connection"):
        await certificate_end(trusted, 5)


async def test_a_server_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        with pytest.raises(WebError, match=r"no answer within 0\.2 s"):
            await certificate_end(Server(url=f"https://127.0.0.1:{port}"), 0.2)


@pytest.mark.parametrize("seconds", [0, -90, 3600])
async def test_a_date_header_tells_how_far_a_clock_is_off(seconds: int) -> None:
    def answer(_: Seen) -> Reply:
        told = datetime.now(UTC) + timedelta(seconds=seconds)
        return Reply(status=401, headers={"Date": format_datetime(told, usegmt=True)})

    async with web_server(answer) as server:
        offset = await clock_offset(Server(url=server.url("")), SystemClock(), 5)
    assert offset is not None
    assert abs(offset.total_seconds() - seconds) < 1.5


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}])
async def test_without_a_readable_date_nothing_is_said(date: dict[str, str]) -> None:
    async with web_server(lambda _: Reply(headers=date)) as server:
        assert await clock_offset(Server(url=server.url("")), SystemClock(), 5) is None

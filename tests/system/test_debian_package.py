"""The Debian package: what is in it, and its life on a machine with a real systemd."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installed_site import (
    AUTHORITY,
    CALENDAR,
    CONFIGURATION,
    INI,
    book,
    simulated_cms,
    told,
)
from support.machine import Machine, wait_until


pytestmark = pytest.mark.timeout(300)  # the first test also waits for the package to be built

PYTHON = "/usr/lib/cospaced/bin/python"
DROP_IN = "/etc/systemd/system/cospaced.service.d/ours.conf"
TRIAL = "/srv/calendars/trial.py"
WRITTEN = ("/etc/cospaced", str(Path(DROP_IN).parent), AUTHORITY)
OTHERS = re.compile(
    r"(var/lib/(dpkg|apt)|var/log/(apt|dpkg\.log|alternatives\.log)|var/cache/(apt|man|debconf))\b"
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|etc/\.pwd\.lock$"
)
"""What dpkg, apt and their like keep for themselves."""
IMPORT_ALL = """\
import importlib, pkgutil, socket, ssl, subprocess, sys
import cospaced
libraries = pkgutil.iter_modules([path for path in sys.path if path.endswith("site-packages")])
ours = pkgutil.walk_packages(cospaced.__path__, "cospaced.")
for module in (*libraries, *ours):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
socket.getaddrinfo("localhost", 443)
assert len(ssl.create_default_context().get_ca_certs()) > 0
context = ssl.create_default_context(cafile="/srv/ca.pem")
with socket.create_connection(("127.0.0.1", 9443)) as plain:
    context.wrap_socket(plain, server_hostname="127.0.0.1").close()
subprocess.run([sys.executable, "-c", ""], check=True)
"""


@pytest.fixture(scope="module")
def content(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the package's files."""
    into = tmp_path_factory.mktemp("content")
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(into)], check=True)
    return into


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Boot a machine that knows nothing of cospaced, and lets packages start what they want."""
    booted = Machine(f"deb{os.getpid()}", tmp_path_factory.mktemp("machine"))
    try:
        booted.exec("rm", "-f", "/usr/sbin/policy-rc.d")
        yield booted
    finally:
        booted.close()


@pytest.fixture(scope="module")
def untouched(machine: Machine) -> set[str]:
    """Return what differed on the machine before anything was installed."""
    return machine.written()


@pytest.fixture
def fresh(machine: Machine, untouched: set[str]) -> Iterator[Machine]:
    """Lend the machine to a test; what an administrator wrote, and the state, are removed after."""
    yield machine
    machine.exec("systemctl", "stop", "cospaced", check=False, seconds=20)
    machine.exec("rm", "-rf", *WRITTEN, "/srv/calendars", "/var/lib/cospaced")


@pytest.fixture
def installed(fresh: Machine, deb: Path) -> Machine:
    """Have the package installed."""
    if not exists(fresh, "/usr/bin/cospaced"):
        install(fresh, deb)
    return fresh


@pytest.fixture
def running(installed: Machine) -> Iterator[Machine]:
    """Have the packaged daemon hold a conference."""
    with simulated_cms(installed):
        book(installed)
        installed.exec("systemctl", "start", "cospaced", seconds=40)
        wait_until(lambda: connected(installed), 30, "the room is connected")
        yield installed


def field(deb: Path, name: str) -> str:
    done = subprocess.run(
        ["dpkg-deb", "--field", str(deb), name], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def install(machine: Machine, deb: Path) -> None:
    """Install the package, or the same again as an upgrade, as README says."""
    machine.write_bytes(Path("/tmp") / deb.name, deb.read_bytes())
    machine.exec("apt-get", "install", "--yes", "--reinstall", f"/tmp/{deb.name}", seconds=60)


def connected(machine: Machine) -> bool:
    return "aula connected" in status(machine)


def status(machine: Machine) -> str:
    return machine.exec("cospaced", "status", check=False).stdout


def exists(machine: Machine, path: str) -> bool:
    return machine.exec("test", "-e", path, check=False).returncode == 0


def test_the_package_names_what_it_needs_and_no_more_than_its_interpreter(deb: Path) -> None:
    minor = Path("/usr/bin/python3").resolve().name
    needed = {name.split()[0] for name in field(deb, "Depends").split(", ")}
    assert {"python3", minor, "libc6", "systemd"} <= needed
    assert needed <= {"python3", minor, "libc6", "libgcc-s1", "libstdc++6", "systemd", "zlib1g"}
    assert deb.name == f"cospaced_{field(deb, 'Version')}_{field(deb, 'Architecture')}.deb"


def test_nothing_in_the_package_speaks_of_the_place_where_it_was_built(
    deb: Path, content: Path
) -> None:
    places = [str(Path(__file__).parents[2]).encode(), b"/debian/cospaced/", b"/tmp/tmp"]
    files = [path for path in content.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 1000
    texts = ((path, path.read_bytes()) for path in files)
    assert [path for path, text in texts if any(place in text for place in places)] == []


def test_every_module_is_compiled_for_where_it_will_lie(content: Path) -> None:
    site = next(content.glob("usr/lib/cospaced/lib/python*/site-packages"))
    sources = set(site.glob("cospaced/**/*.py"))
    compiled = {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in site.rglob("*.pyc")}
    assert sources - compiled == set()
    one = next(site.glob("cospaced/__pycache__/bootstrap.*.pyc"))
    assert b"/usr/lib/cospaced/lib/python3" in one.read_bytes()


def test_nothing_runs_at_each_start_of_the_interpreter_and_urllib3_is_its_own(
    content: Path,
) -> None:
    assert list(content.rglob("*.pth")) == []
    assert list(content.rglob("niquests")) == []


def test_links_and_shebang_lead_to_the_distributions_interpreter(content: Path) -> None:
    program = content / "usr" / "bin" / "cospaced"
    assert str(program.readlink()) == "../lib/cospaced/bin/cospaced"
    assert program.resolve().read_text().splitlines()[0] == f"#!{PYTHON}"
    names = sorted(path.name for path in (content / "usr/lib/cospaced/bin").iterdir())
    minor = Path("/usr/bin/python3").resolve().name
    assert names == ["cospaced", "python", "python3", minor]


def test_debians_own_judge_of_packages_finds_nothing(deb: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    argv = ("lintian", "--allow-root", "--fail-on", "error,warning", str(deb))
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.real_systemd
def test_an_installation_makes_user_and_directories_and_starts_and_enables_nothing(
    fresh: Machine, deb: Path
) -> None:
    fresh.exec("dpkg", "--purge", "cospaced", check=False, seconds=60)
    install(fresh, deb)
    unit = fresh.unit()
    assert (unit["ActiveState"], unit["UnitFileState"]) == ("inactive", "disabled")
    verified = fresh.exec("systemd-analyze", "verify", "cospaced.service")
    assert (unit["NeedDaemonReload"], verified.stderr) == ("no", "")
    assert fresh.exec("getent", "passwd", "cospaced").stdout.startswith("cospaced:")
    assert fresh.exec("ls", "-A", "/etc/cospaced").stdout == ""
    assert fresh.exec("cospaced", "--version").stdout.startswith("cospaced")
    assert fresh.exec("dpkg", "--verify", "cospaced").stdout == ""
    assert fresh.exec("systemctl", "start", "cospaced", check=False).returncode != 0
    unit = fresh.unit()
    assert (unit["ActiveState"], unit["ExecMainStatus"]) == ("failed", "2")
    said = [str(line["MESSAGE"]) for line in told(fresh)]
    assert any(re.match(r"/etc/cospaced/cospaced\.ini:.* no such file", line) for line in said), (
        said
    )


@pytest.mark.real_systemd
def test_whoever_looks_before_the_first_start_may_do_so_as_the_readme_says(
    fresh: Machine, deb: Path
) -> None:
    fresh.exec("dpkg", "--purge", "cospaced", check=False, seconds=60)
    install(fresh, deb)
    with simulated_cms(fresh):
        book(fresh)
        argv = ("runuser", "-u", "cospaced", "--", "cospaced", "run", "--observe")
        fresh.exec("systemd-run", "--collect", "--unit=pilot", *argv)
        wait_until(lambda: "(only observing): 1 open" in status(fresh), 30, "it observes")
        fresh.exec("systemctl", "stop", "pilot")
        fresh.exec("systemctl", "start", "cospaced", seconds=40)
        wait_until(lambda: connected(fresh), 30, "the room is connected")


@pytest.mark.real_systemd
def test_the_packaged_daemon_holds_a_conference_and_an_upgrade_hangs_up_on_nobody(
    running: Machine, deb: Path
) -> None:
    assert connected(running)
    before = running.unit()["MainPID"]
    dialled = len(told(running, "EVENT=leg.dialled"))
    install(running, deb)
    unit = running.unit()
    assert unit["SubState"] == "running"
    assert unit["MainPID"] != before
    wait_until(lambda: connected(running), 10, "the conference is found again")
    assert len(told(running, "EVENT=leg.dialled")) == dialled
    assert told(running, "EVENT=booking.closed") == []


@pytest.mark.real_systemd
def test_what_the_package_brings_works_within_what_the_unit_allows(running: Machine) -> None:
    running.exec("systemctl", "stop", "cospaced", seconds=20)
    running.write(TRIAL, IMPORT_ALL)
    running.write(DROP_IN, f"[Service]\nExecStartPre={PYTHON} -I {TRIAL}\n")
    running.exec("systemctl", "daemon-reload")
    running.exec("systemctl", "start", "cospaced", seconds=60)
    assert running.unit()["SubState"] == "running"


@pytest.mark.real_systemd
def test_a_removal_stops_the_daemon_and_keeps_what_a_new_installation_goes_on_with(
    running: Machine, deb: Path
) -> None:
    key = running.exec("sha256sum", "/var/lib/cospaced/site.key").stdout
    running.exec("dpkg", "--remove", "cospaced", seconds=60)
    assert told(running, "EVENT=daemon.stopped")
    assert not exists(running, "/usr/lib/cospaced")
    assert running.exec("cat", CONFIGURATION).stdout == INI
    assert running.exec("sha256sum", "/var/lib/cospaced/site.key").stdout == key
    install(running, deb)
    assert running.unit()["ActiveState"] == "inactive"
    running.exec("systemctl", "start", "cospaced", seconds=40)
    wait_until(lambda: connected(running), 10, "the conference is found again")


@pytest.mark.real_systemd
def test_a_purge_leaves_nothing_but_what_the_administrator_wrote(
    running: Machine, untouched: set[str]
) -> None:
    running.write(DROP_IN, "[Service]\nNice=1\n")
    running.exec("systemctl", "enable", "cospaced")
    running.exec("cospaced", "check-config")
    assert "usr/lib/cospaced/bin/cospaced" in running.written()
    running.exec("dpkg", "--purge", "cospaced", seconds=60)
    assert running.unit()["ActiveState"] == "inactive"
    left = {path for path in running.written() - untouched if not OTHERS.match(path)}
    theirs = {*WRITTEN, CONFIGURATION, "/srv/calendars", CALENDAR, DROP_IN}
    assert left == {path.removeprefix("/") for path in theirs}
    # Whoever gets the group's number next cannot read the passwords in it.
    shown = running.exec("stat", "-c", "%U %G %a", CONFIGURATION).stdout
    assert shown == "root root 640\n"
    assert running.exec("getent", "passwd", "cospaced", check=False).returncode == 2
    assert running.exec("getent", "group", "cospaced", check=False).returncode == 2

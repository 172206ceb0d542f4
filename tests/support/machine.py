"""A machine with a real systemd, booted in namespaces: what system tests run a unit on.

`Machine` drives tests/system/real_systemd.sh. The new machine sees this one's files through a
throw-away layer, so whatever is written there is gone at the end. It has a network of its own with
nothing but loopback: what a unit talks to must be started inside, by `exec` or `spawn`.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "system" / "real_systemd.sh"
SYSTEMD = Path("/lib/systemd/systemd")
PREFIX = Path("/opt/cospaced")
"""Where the rig has the program: a place that a unit with ProtectHome= can see."""
DEPENDENCIES = PREFIX / "dependencies"
HOMES = (Path("/root"), Path("/home"), Path("/run/user"))
BOOT_SECONDS = 10.0


def why_not() -> str:
    """Why no machine can be booted here; empty where one can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if os.geteuid() != 0:
        return "booting a systemd in namespaces needs root"
    if not SYSTEMD.exists():
        return f"no systemd at {SYSTEMD}: install the package systemd"
    missing = [tool for tool in ("unshare", "nsenter", "setpriv", "ip") if not shutil.which(tool)]
    if missing:
        return f"not installed: {', '.join(missing)} (packages util-linux, iproute2)"
    if interpreter() is None:
        return (
            f"no Python {sys.version_info.major}.{sys.version_info.minor} outside the home "
            "directories: a unit with ProtectHome= cannot run this one"
        )
    return ""


def interpreter() -> Path | None:
    """Return a Python of our version that a unit can run: one that lies in no home directory."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.base_prefix) / "bin" / name, Path("/usr/bin") / name):
        found = path.resolve()
        if found.exists() and not any(found.is_relative_to(home) for home in HOMES):
            return path
    return None


def site_packages() -> Path:
    """Return where the tests' own environment has the libraries."""
    return Path(next(path for path in sys.path if path.endswith("site-packages")))


class Machine:
    """One booted machine; `close` ends it and everything in it."""

    def __init__(self, name: str, work: Path) -> None:
        self.name = name
        binds = {
            site_packages(): DEPENDENCIES,
            ROOT / "daemon": PREFIX / "source",
            ROOT / "tests": PREFIX / "tests",
            ROOT / "systemd": PREFIX / "systemd",
        }
        self._log = (work / "boot.log").open("wb")
        root = work / "machine"
        root.mkdir()
        pairs = (f"{source}:{target}" for source, target in binds.items())
        self._outer = subprocess.Popen(
            ["bash", str(SCRIPT), name, str(root), *pairs],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._pid = 0
        try:
            wait_until(self._booted, BOOT_SECONDS, "the machine runs")
        except AssertionError as error:
            self.close()
            told = (work / "boot.log").read_text(errors="replace")
            raise AssertionError(f"no machine: {told or error}") from error

    def exec(
        self, *argv: str, check: bool = True, seconds: float = 20, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as root in the machine; without `check`, whatever its exit status."""
        done = subprocess.run(
            [*self._enter(), *argv],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            input=given,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program as root in the machine (a CMS simulator, say); it ends with it."""
        return subprocess.Popen([*self._enter(), *argv], cwd="/", **options)

    def write(self, path: str | Path, text: str, mode: str = "0644") -> None:
        """Write a file in the machine; its directory is made."""
        self.exec("mkdir", "-p", str(Path(path).parent))
        self.exec("install", "-m", mode, "/dev/stdin", str(path), given=text)

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """Return the journal's records that match (`ROOM=boardroom`, `-u`, `cospaced`)."""
        self.exec("journalctl", "--sync")
        told = self.exec("journalctl", "-o", "json", "--all", "--no-pager", *matches, check=False)
        return [json.loads(line) for line in told.stdout.splitlines()]

    def unit(self, name: str = "cospaced.service") -> dict[str, str]:
        """Return a unit's properties as systemd shows them."""
        shown = self.exec("systemctl", "show", "--all", name).stdout
        return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)

    def install_unit(self) -> None:
        """Install the project's unit, user and directories, as a package would."""
        for kind, target in (
            ("service", "systemd/system/cospaced.service"),
            ("sysusers", "sysusers.d/cospaced.conf"),
            ("tmpfiles", "tmpfiles.d/cospaced.conf"),
        ):
            source = PREFIX / "systemd" / f"cospaced.{kind}"
            self.exec("install", "-D", "-m", "0644", str(source), f"/usr/lib/{target}")
        self.exec("systemd-sysusers", "cospaced.conf")
        self.exec("systemd-tmpfiles", "--create", "cospaced.conf")
        self.exec("systemctl", "daemon-reload")

    def install_command(self, program: str) -> None:
        """Put a script at /usr/bin/cospaced that runs `program` (Python) from the sources here."""
        lines = (
            "#!/bin/sh",
            f"export PYTHONPATH={PREFIX / 'source'}:{DEPENDENCIES}",
            f'exec {interpreter()} {program} "$@"',
        )
        self.write("/usr/bin/cospaced", "\n".join(lines) + "\n", "0755")

    def install_wheel(self, wheel: Path) -> None:
        """Install a wheel in an environment of its own, with /usr/bin/cospaced pointing there.

        The libraries are the tests' own, by a .pth file: the machine has no network.
        """
        venv = PREFIX / "venv"
        self.exec(str(interpreter()), "-m", "venv", "--without-pip", str(venv))
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = venv / "lib" / version / "site-packages"
        self.write(site / "dependencies.pth", f"{DEPENDENCIES}\n")
        # Not the tests' own interpreter: where the checkout lies, the machine may not see.
        library = f"PYTHONPATH={DEPENDENCIES}"
        pip = ("env", library, str(interpreter()), "-m", "pip", "--disable-pip-version-check", "-q")
        place = ("--python", str(venv / "bin" / "python"))
        self.write_bytes(Path("/tmp") / wheel.name, wheel.read_bytes())
        options = ("--no-deps", "--no-index", "--root-user-action=ignore")
        self.exec(*pip, *place, "install", *options, f"/tmp/{wheel.name}", seconds=60)
        self.exec("ln", "-sf", str(venv / "bin" / "cospaced"), "/usr/bin/cospaced")

    def write_bytes(self, path: Path, data: bytes) -> None:
        """Write a file of any content in the machine."""
        subprocess.run(
            [*self._enter(), "tee", str(path)], check=True, input=data, stdout=subprocess.DEVNULL
        )

    def written(self) -> set[str]:
        """Return what differs from the machine outside: paths without their leading slash.

        A file or directory that was written and is again as it was outside does not differ.
        """
        upper = Path(f"/proc/{self._pid}/root/run/written")
        return {
            name
            for path in upper.rglob("*")
            if _differ(path, Path("/") / (name := str(path.relative_to(upper))))
        }

    def drop_in(self, name: str, text: str) -> None:
        """Change the unit by a drop-in."""
        self.write(f"/etc/systemd/system/cospaced.service.d/{name}.conf", text)
        self.exec("systemctl", "daemon-reload")

    def close(self) -> None:
        """End the machine; unshare's death is PID 1's, and PID 1's is everybody's."""
        self._outer.kill()
        self._outer.wait()
        self._log.close()
        for base in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
            group = base / f"cospaced-rig-{self.name}"
            if group.is_dir():
                wait_until(lambda group=group: _removed(group), 10, "the machine is gone")

    def _enter(self) -> list[str]:
        return ["nsenter", "-t", str(self._pid), "-m", "-p", "-n", "-i", "-u", "-C"]

    def _booted(self) -> bool:
        if self._outer.poll() is not None:
            raise AssertionError("the machine ended at boot")
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text()
        if not children.split():
            return False
        self._pid = int(children.split()[0])
        asked = self.exec("systemctl", "is-system-running", check=False)
        return asked.stdout.strip() == "running"


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return the first true answer of `holds`; AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return answer


def _differ(one: Path, other: Path) -> bool:
    """Whether two paths differ in kind, owner, mode, target or content."""
    if not os.path.lexists(other):
        return True
    here, there = one.lstat(), other.lstat()
    if (here.st_mode, here.st_uid, here.st_gid) != (there.st_mode, there.st_uid, there.st_gid):
        return True
    if one.is_symlink():
        return one.readlink() != other.readlink()
    return one.is_file() and one.read_bytes() != other.read_bytes()


def _removed(group: Path) -> bool:
    for path in sorted(group.rglob("*"), reverse=True):
        if path.is_dir():
            try:
                path.rmdir()
            except OSError:
                return False
    try:
        group.rmdir()
    except OSError:
        return False
    return True

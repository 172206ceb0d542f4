"""The daemon's unit as systemd knows it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


NAME = "cospaced.service"
CREDENTIALS = Path("/run/credentials") / NAME
"""Where a running unit's credentials are, for itself and for root."""
_BOOTED = Path("/run/systemd/system")
_SECONDS = 5
_PROPERTIES = (
    "LoadState,ActiveState,SubState,UnitFileState,FragmentPath,User,NeedDaemonReload,"
    "ProtectHome,PrivateTmp,ProtectSystem,ReadWritePaths,StateDirectory"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What `systemctl show` says; states are systemd's words."""

    load: str = "loaded"
    active: str = "active"
    sub: str = "running"
    enabled: str = "enabled"
    file: str = ""
    user: str = ""
    outdated: bool = False
    """Its file changed and systemd has not read it again."""
    hides_home: bool = False
    private_tmp: bool = False
    strict: bool = False
    """The whole file system is read-only but for `writable`."""
    writable: tuple[Path, ...] = ()

    @property
    def installed(self) -> bool:
        """Whether systemd has found its file."""
        return self.load == "loaded"


def unit() -> Unit | None:
    """Ask systemd; None on a machine that does not run it, or where it does not answer.

    Blocks for a few seconds at most.
    """
    if not _BOOTED.is_dir():
        return None
    command = ("systemctl", "show", NAME, "--no-pager", f"--property={_PROPERTIES}")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return read(done.stdout)


def read(text: str) -> Unit:
    """Return what the lines of `systemctl show` say."""
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Unit(
        load=told.get("LoadState", ""),
        active=told.get("ActiveState", ""),
        sub=told.get("SubState", ""),
        enabled=told.get("UnitFileState", ""),
        file=told.get("FragmentPath", ""),
        user=told.get("User", ""),
        outdated=told.get("NeedDaemonReload") == "yes",
        hides_home=told.get("ProtectHome") in ("yes", "tmpfs"),
        private_tmp=told.get("PrivateTmp") == "yes",
        strict=told.get("ProtectSystem") == "strict",
        writable=_writable(told),
    )


def _writable(told: Mapping[str, str]) -> tuple[Path, ...]:
    # A dash in front: a path that need not exist; a plus: seen from the unit's own root.
    named = [path.lstrip("-+") for path in told.get("ReadWritePaths", "").split()]
    kept = [f"/var/lib/{name}" for name in told.get("StateDirectory", "").split()]
    return tuple(Path(path) for path in (*named, *kept))

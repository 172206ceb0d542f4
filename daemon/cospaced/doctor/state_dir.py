"""The state directory: there, the daemon's own, writable, and with room."""

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.host.access import Account
from cospaced.host.unit import Unit
from cospaced.settings import DaemonSettings


TIGHT, FULL = 500, 50
"""Free megabytes below which it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    exists: bool
    folder: bool = False
    owner: str = ""
    mode: int = 0
    free: int = 0
    """Megabytes."""


async def look(site: Site) -> Sequence[Finding]:
    """Judge it for the user that the daemon runs as."""
    path = site.settings.daemon.state_dir
    user = await site.account()
    subject = f"directory {path}"
    seen = await site.aside("state_dir", lambda: _look(path))
    if not seen.exists:
        return [_absent(path, user, subject)]
    if not seen.folder:
        return [
            error("is no directory", f"mv {path} {path}.old, or mend [daemon] state_dir", subject)
        ]
    found = _read_only(path, await site.unit(), subject)
    writable = await site.aside("state_dir", lambda: site.host.allowed(user, "w", [path]))
    if writable is None:
        found.append(
            note(f"not checked for user {user.name}", "run `cospaced doctor` as root", subject)
        )
    elif not writable[path]:
        seen_ = f"user {user.name}, as which the daemon runs, cannot write it (owner {seen.owner})"
        remedy = f"chown -R {user.name}: {path}; chmod 0700 {path}"
        found.append(error(seen_, remedy, subject))
    if seen.mode & 0o077:
        seen_ = f"others than its owner may look into it (mode {seen.mode:04o})"
        found.append(warning(seen_, f"chmod 0700 {path}", subject))
    found += _space(path, seen.free, subject)
    return found or [ok(f"belongs to {seen.owner}, {seen.free} MB free", subject)]


def _read_only(path: Path, unit: Unit | None, subject: str) -> list[Finding]:
    """Return a finding where the unit does not let the daemon write there, whoever owns it."""
    if unit is None or not unit.installed or not unit.strict:
        return []
    if any(path.is_relative_to(open_) for open_ in unit.writable):
        return []
    remedy = f"`systemctl edit cospaced`: [Service] ReadWritePaths={path}"
    return [error("is read-only for the unit (ProtectSystem=strict)", remedy, subject)]


def _look(path: Path) -> _Seen:
    try:
        status = path.stat()
    except OSError:
        return _Seen(exists=False)
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    disk = os.statvfs(path)
    return _Seen(
        exists=True,
        folder=path.is_dir(),
        owner=owner,
        mode=status.st_mode & 0o7777,
        free=disk.f_bavail * disk.f_frsize // 1_000_000,
    )


def _absent(path: Path, user: Account, subject: str) -> Finding:
    if path == DaemonSettings().state_dir:
        return note("is not there yet; the unit makes it at its first start", subject=subject)
    remedy = f"install -d -m 0700 -o {user.name} {path}"
    return error("does not exist, and the daemon does not make it", remedy, subject)


def _space(path: Path, free: int, subject: str) -> list[Finding]:
    remedy = f"make room on the disk of {path}; `df -h {path}` shows it"
    if free < FULL:
        return [error(f"only {free} MB are free", remedy, subject)]
    return [warning(f"only {free} MB are free", remedy, subject)] if free < TIGHT else []


CHECK = Check(slug="state_dir", title="State directory", area=Area.MACHINE, look=look)

"""What another user of this machine may do with files, judged by the kernel.

A child that has become that user asks for each file, so that every directory on the way, groups
and access lists count, as they do for the daemon. Only root can ask for others.
"""

import grp
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


_SHELL = "/bin/sh"
_SECONDS = 10
_AT_ONCE = 500
_ASKS = 'for file do if test -{} "$file"; then echo yes; else echo no; fi; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this machine with all groups."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def account(name: str) -> Account | None:
    """Return a user by name, None where there is none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = tuple(group.gr_gid for group in grp.getgrall() if name in group.gr_mem)
    return Account(name=name, uid=found.pw_uid, gid=found.pw_gid, groups=groups)


def owner(path: Path) -> Account | None:
    """Return the user to whom a file belongs; None where it is not there, or its user is not."""
    try:
        return account(pwd.getpwuid(path.stat().st_uid).pw_name)
    except (OSError, KeyError):
        return None


def current() -> Account:
    """Return the user who asks."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Account(name=name, uid=uid, gid=os.getegid(), groups=tuple(os.getgroups()))


def allowed(user: Account, how: str, paths: Sequence[Path]) -> dict[Path, bool] | None:
    """Say for each path whether the user may read (`how` r), write (w) or search (x) it.

    None where it cannot be found out: only root may ask for somebody else. Blocks.
    """
    other = user.uid != os.geteuid()
    if other and os.geteuid() != 0:
        return None
    found: dict[Path, bool] = {}
    for begin in range(0, len(paths), _AT_ONCE):
        some = paths[begin : begin + _AT_ONCE]
        answers = _asked(user if other else None, how, some)
        if answers is None:
            return None
        found.update(zip(some, answers, strict=True))
    return found


def _asked(user: Account | None, how: str, paths: Sequence[Path]) -> list[bool] | None:
    command = [_SHELL, "-c", _ASKS.format(how), _SHELL, *map(str, paths)]
    become = {"user": user.uid, "group": user.gid, "extra_groups": user.groups} if user else {}
    try:
        done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - a fixed script; paths are its arguments
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
            cwd="/",
            **become,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    answers = [line == "yes" for line in done.stdout.splitlines()]
    return answers if len(answers) == len(paths) else None

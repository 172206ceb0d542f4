"""Files that the daemon must read: whether its user may, and its unit lets it see them."""

from collections.abc import Sequence
from pathlib import Path

from cospaced.doctor.base import Area, Check, Finding, counted, error, note, ok
from cospaced.doctor.site import Site
from cospaced.host.unit import Unit


_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - directories that the unit hides


async def look(site: Site) -> Sequence[Finding]:
    """Judge every file that the configuration consists of or names."""
    named = _named(site)
    user, unit = await site.account(), await site.unit()
    readable = await site.aside("rights", lambda: site.host.allowed(user, "r", list(named)))
    if readable is None:
        seen = f"not checked whether user {user.name} may read the files of the configuration"
        return [note(seen, "run `cospaced doctor` as root")]
    found = []
    for path, what in named.items():
        hidden = _hidden(path, unit)
        if hidden:
            found.append(hidden)
        elif not readable[path] and (path.exists() or not what.startswith("room ")):
            # A room's calendar that is not there is told where it is read.
            found.append(_unreadable(path, what, user.name))
    files = counted(len(named), "file")
    return found or [ok(f"user {user.name} can read the {files} that the configuration names")]


def _named(site: Site) -> dict[Path, str]:
    """Return the files and what each is; where a room's calendar is one, `room NAME`."""
    settings = site.settings
    named = dict.fromkeys(site.files or (settings.file,), "the configuration")
    named |= dict.fromkeys(site.secrets, "a secret")
    for ca_file in (settings.cms.ca_file, *(c.ca_file for c in settings.calendars)):
        if ca_file is not None:
            named[ca_file] = "a ca_file"
    named |= {room.path: f"room {room.name}" for room in settings.rooms if room.path is not None}
    return {path.absolute(): what for path, what in named.items()}


def _unreadable(path: Path, what: str, user: str) -> Finding:
    if not path.exists():
        return error(f"{what} is not there", "mend the configuration, or make it", f"file {path}")
    if what.startswith("room "):
        remedy = f"let others read it: chmod o+r {path}, and o+x on the directories above it"
    else:
        remedy = f"chown root:{user} {path}; chmod 0640 {path}"
    seen = f"user {user}, as which the daemon runs, cannot read {what}"
    return error(seen, remedy, f"file {path}")


def _hidden(path: Path, unit: Unit | None) -> Finding | None:
    if unit is None or not unit.installed:
        return None
    below = next((folder for folder in _HOMES if path.is_relative_to(folder)), None)
    if below is not None and unit.hides_home:
        why = f"the unit hides {below} from the daemon (ProtectHome=)"
    elif unit.private_tmp and any(path.is_relative_to(folder) for folder in _TEMPORARY):
        why = "the unit gives the daemon a /tmp of its own (PrivateTmp=)"
    else:
        return None
    remedy = f"move it, or `systemctl edit cospaced`: [Service] BindReadOnlyPaths={path.parent}"
    return error(why, remedy, f"file {path}")


CHECK = Check(slug="rights", title="Rights", area=Area.MACHINE, look=look)

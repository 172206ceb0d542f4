"""The key that numbers, passcodes and links derive from."""

from collections.abc import Sequence
from pathlib import Path

from cospaced.doctor.base import Area, Check, Finding, error, note, ok
from cospaced.doctor.site import Site


LENGTH = 32


async def look(site: Site) -> Sequence[Finding]:
    """Judge its presence, length and mode; its content is told to nobody."""
    path = site.site_key
    return await site.aside("site_key", lambda: [_judged(path, f"file {path}")])


def _judged(path: Path, subject: str) -> Finding:
    try:
        status = path.stat()
    except FileNotFoundError:
        seen = "is not there yet; the daemon makes it at its first start"
        remedy = "if this machine takes another one's place, put that one's site.key here first"
        return note(seen, remedy, subject)
    except OSError as fault:
        return note(f"not checked: {fault.strerror}", "run `cospaced doctor` as root", subject)
    if status.st_size != LENGTH:
        seen = f"holds {status.st_size} bytes instead of {LENGTH}, and the daemon will not start"
        remedy = f"put it back from a backup, or rm {path} (all bookings get other numbers)"
        return error(seen, remedy, subject)
    if status.st_mode & 0o077:
        seen = (
            f"others may read it (mode {status.st_mode & 0o7777:04o}): they can work out passcodes"
        )
        return error(seen, f"chmod 0600 {path}", subject)
    return ok("is private; back it up: numbers, passcodes and links derive from it", subject)


CHECK = Check(slug="site_key", title="Site key", area=Area.MACHINE, look=look)

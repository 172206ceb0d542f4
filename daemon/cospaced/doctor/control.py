"""The running daemon: that it answers, which release it is, and whether the file is in force."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cospaced import __version__
from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Site, local
from cospaced.errors import CospacedError


async def look(site: Site) -> Sequence[Finding]:
    """Ask it for its status."""
    told = await site.told()
    if isinstance(told, CospacedError):
        return [await _silent(site, told)]
    found = [*_release(told), *_troubles(told)]
    newer = await site.aside("control", lambda: _newer(site, told))
    if newer:
        found.append(newer)
    return found or [ok(f"runs, release {told['version']}, with the file as it is now")]


async def _silent(site: Site, told: CospacedError) -> Finding:
    folder = site.settings.daemon.state_dir
    holder = await site.aside("lock", lambda: site.host.lock_holder(folder))
    if holder is None:
        return note("no daemon runs in this state_dir", "systemctl start cospaced")
    seen = f"a daemon (pid {holder or 'unknown'}) holds {folder}, and does not answer: {told}"
    remedy = "ask as root; if it hangs: systemctl restart cospaced (running conferences go on)"
    return warning(seen, remedy)


def _release(told: Mapping[str, Any]) -> list[Finding]:
    if told.get("version") == __version__:
        return []
    seen = f"release {told.get('version', 'unknown')} runs, and {__version__} is installed"
    return [warning(seen, "systemctl restart cospaced (running conferences go on)")]


def _troubles(told: Mapping[str, Any]) -> list[Finding]:
    found = []
    if told.get("store_failing_since"):
        seen = f"it cannot store its state since {told['store_failing_since']}"
        found.append(error(seen, "see State directory and State file here, and the journal"))
    for one in told.get("calendars", ()):
        if one.get("failing_since"):
            seen = f"it cannot read it since {one['failing_since']}: {one['reason']}"
            remedy = f"see Calendars here; journalctl -u cospaced ROOM={one['room']}"
            found.append(warning(seen, remedy, f"room {one['room']}"))
    return found


def _newer(site: Site, told: Mapping[str, Any]) -> Finding | None:
    """Return a finding where a file changed after the daemon had read it."""
    read_at = told.get("configuration", {}).get("read_at")
    if not read_at:
        return None
    since = datetime.fromisoformat(read_at)
    for path in site.files or (site.settings.file,):
        try:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:
            continue
        if changed.replace(microsecond=0) > since:
            seen = f"changed {local(changed, site.settings)}, after the daemon had read it"
            return warning(seen, "systemctl reload cospaced", f"file {path}")
    return None


CHECK = Check(slug="control", title="Running daemon", area=Area.MACHINE, look=look)

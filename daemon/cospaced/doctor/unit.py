"""The systemd unit: installed, enabled, running."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.host.unit import NAME


async def look(site: Site) -> Sequence[Finding]:
    """Tell what keeps the daemon from running, now or after the next start of the machine."""
    unit = await site.unit()
    subject = f"unit {NAME}"
    if unit is None:
        return [note("not checked: this machine does not run systemd", subject=subject)]
    if not unit.installed:
        remedy = (
            "cp systemd/cospaced.service /etc/systemd/system/; systemctl daemon-reload; "
            "systemctl enable --now cospaced"
        )
        return [warning(f"systemd does not know it ({unit.load})", remedy, subject)]
    found: list[Finding] = []
    if unit.active == "failed":
        seen = "has failed and is not started again"
        remedy = "journalctl -u cospaced -n 50 (says why; then systemctl restart cospaced)"
        found.append(error(seen, remedy, subject))
    elif unit.active != "active":
        seen = f"is not running ({unit.active})"
        found.append(error(seen, "systemctl start cospaced", subject))
    if unit.enabled not in ("enabled", "enabled-runtime", "static", "alias"):
        seen = f"will not start with the machine ({unit.enabled or 'disabled'})"
        found.append(warning(seen, "systemctl enable cospaced", subject))
    if unit.outdated:
        seen = "its file was changed and systemd still goes by the old one"
        remedy = "systemctl daemon-reload; systemctl restart cospaced"
        found.append(warning(seen, remedy, subject))
    return found or [ok(f"runs as {unit.user or 'root'} and starts with the machine", subject)]


CHECK = Check(slug="unit", title="Service", area=Area.MACHINE, look=look)

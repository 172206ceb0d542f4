"""Whether the journal outlives a restart of the machine."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, note, ok
from cospaced.doctor.site import Site


async def look(site: Site) -> Sequence[Finding]:
    """Tell where yesterday's reasons will be gone."""
    kept = await site.aside("journal", site.host.journal_kept)
    if kept is None:
        return [note("not checked: there is no journal on this machine")]
    if kept:
        return [ok("is kept on disk")]
    remedy = "mkdir -p /var/log/journal; systemctl restart systemd-journald"
    return [note("is lost at each restart: what happened before cannot be looked up", remedy)]


CHECK = Check(slug="journal", title="Journal", area=Area.MACHINE, look=look)

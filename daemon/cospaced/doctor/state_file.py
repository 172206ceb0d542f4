"""The state file: readable, and of this release."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, error, note, ok, split_fault
from cospaced.doctor.site import Site
from cospaced.errors import StoreUnusable


async def look(site: Site) -> Sequence[Finding]:
    """Open it as `agenda` does, and count what it holds."""
    subject = f"file {site.state_file}"
    try:
        await site.aside("state_file", site.state_file.stat)
        rows = await (await site.store()).bookings()
    except FileNotFoundError:
        return [note("is not there yet; the daemon makes it at its first start", "", subject)]
    except PermissionError:
        return [note("not checked: it may not be read", "run `cospaced doctor` as root", subject)]
    except StoreUnusable as fault:
        seen, remedy = split_fault(str(fault))
        return [error(seen, remedy, subject)]
    return [ok(f"holds {counted(len(rows), 'booking')}", subject)]


CHECK = Check(slug="state_file", title="State file", area=Area.MACHINE, look=look)

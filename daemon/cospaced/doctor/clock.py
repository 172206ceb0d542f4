"""This machine's clock: held to a time server or not."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, note, ok, warning
from cospaced.doctor.site import Site


async def look(site: Site) -> Sequence[Finding]:
    """Ask the kernel."""
    held = await site.aside("clock", site.host.synchronised)
    if held is None:
        return [note("not checked: the kernel does not tell")]
    if held:
        return [ok("is synchronised")]
    remedy = "timedatectl set-ntp true (or install chrony)"
    return [warning("is not synchronised: conferences start and end when it says so", remedy)]


CHECK = Check(slug="clock", title="Clock", area=Area.MACHINE, look=look)

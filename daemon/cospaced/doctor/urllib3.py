"""Whether another library stands in urllib3's place, on which Exchange calendars are read."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, ok, split_remedy, warning
from cospaced.doctor.site import Site


async def look(site: Site) -> Sequence[Finding]:
    """Ask the host."""
    told = await site.aside("urllib3", site.host.shadow)
    return [warning(*split_remedy(told))] if told else [ok("is itself, or not installed")]


CHECK = Check(slug="urllib3", title="urllib3", area=Area.SOFTWARE, look=look)

"""The configuration file: that it loads was seen before; its warnings."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, ok, split_remedy, warning
from cospaced.doctor.site import Site


async def look(site: Site) -> Sequence[Finding]:
    """Tell what every start of the daemon warns of."""
    settings = site.settings
    found = [warning(*split_remedy(text)) for text in settings.warnings]
    rooms = counted(len(settings.rooms), "room")
    seen = f"{rooms} in {counted(len(settings.calendars), 'calendar')}, no problems"
    return [ok(seen, f"file {settings.file}"), *found]


CHECK = Check(slug="configuration", title="Settings", area=Area.CONFIGURATION, look=look)

"""Whether the pool is large enough for what the calendars hold."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, error, warning
from cospaced.doctor.site import Site, local
from cospaced.doctor.unread import judged
from cospaced.domain.booking import State
from cospaced.domain.sizing import peak
from cospaced.domain.timespan import Timespan


TIGHT = 80
"""Per cent of the numbers in use at once from which on growth will hurt soon."""


async def look(site: Site) -> Sequence[Finding]:
    """Count conferences at once over 30 days, and bookings that were refused a number."""
    calendars, terms = await site.calendars(), site.settings.conferences
    held = [Timespan(b.start, b.end + terms.close_after) for b in calendars.bookings]
    most = peak(held)
    early = peak(span.widened(terms.early_join, terms.close_after * 0) for span in held)
    size = site.settings.pool.numeric_id_quantity
    found = await _refused(site)
    remedy = f"raise [pool] numeric_id_quantity to {max(early.count * 5 // 4, size + 1)} or more"
    when = "" if most.at is None else f", {local(most.at, site.settings)}"
    seen = f"{counted(most.count, 'conference')} at once at the most (30 days{when})"
    if most.count > size:
        found.append(error(f"{seen}, and the pool has {size}: the rest is refused", remedy))
    elif early.count > size:
        text = f"{seen}, and the pool has {size}: some cannot be joined early"
        found.append(warning(text, remedy))
    elif early.count * 100 > size * TIGHT:
        found.append(warning(f"{seen}, {early.count} with early join, of {size} numbers", remedy))
    return found or [judged(calendars, f"{seen}, {size} numbers", "it may be more")]


async def _refused(site: Site) -> list[Finding]:
    now = site.clock.now()
    rows = (await site.rows()).values()
    refused = [row for row in rows if row.state is State.REFUSED and row.end > now]
    if not refused:
        return []
    first = min(refused, key=lambda row: row.start)
    seen = (
        f"{counted(len(refused), 'booking')} refused a number, the first one "
        f"{local(first.start, site.settings)}: {first.reason}"
    )
    return [error(seen, "raise [pool] numeric_id_quantity; systemctl reload cospaced")]


CHECK = Check(slug="sizing", title="Size of the pool", area=Area.NUMBERS, look=look, deadline=180)

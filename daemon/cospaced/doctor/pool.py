"""The pool's numbers on CMS, judged as the daemon does at its start, and nothing made."""

from collections.abc import Iterable, Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, error, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.domain.booking import State
from cospaced.domain.pool import Standing, Verdict, spans
from cospaced.engine.pool_look import Looker, View
from cospaced.engine.pool_memory import Memory
from cospaced.errors import PoolUnsettled, StoreUnusable


MOST = 5
"""Clashes that are told singly."""


async def look(site: Site) -> Sequence[Finding]:
    """List the spaces, look at those on our numbers, and tell what is not as it should be."""
    answering = (await site.cluster()).answering
    subject = _numbers(site.settings.pool.numbers)
    if not answering:
        return [note("not checked: no Call Bridge answers", subject=subject)]
    try:
        site_id = await site.aside("site_id", site.site_id)
    except StoreUnusable as fault:
        seen = f"not checked, because whose spaces they are hangs on the site key: {fault}"
        return [note(seen, "run `cospaced doctor` as root", subject)]
    rows = await site.rows()
    known = {*rows, *(booking.id for booking in (await site.calendars()).bookings)}
    looker = Looker(
        settings=site.settings.pool,
        site_id=site_id,
        memory=Memory(await site.memory()),
        ours=known.__contains__,
    )
    try:
        view = await looker.look(answering[0].at.bridge.auditing)
    except PoolUnsettled as unsettled:
        seen, _, remedy = str(unsettled).partition("; ")
        return [error(seen, remedy, subject)]
    running = {row.number for row in rows.values() if row.state is State.OPEN}
    found = [*_clashes(view), *_missing(view), *_open(view, running)]
    slots = len(view.inside.of(Standing.CLOSED)), len(view.inside.of(Standing.OPEN))
    return [ok("{} slots locked, {} open".format(*slots), subject), *found]


def _clashes(view: View) -> list[Finding]:
    clashes = view.inside.of(Standing.CLASH)
    remedy = (
        "take the number off that space (Web Admin, Configuration > Spaces) or choose another "
        "range in [pool]; the daemon does without it until then"
    )
    found = [warning(_why(clash), remedy, f"number {clash.number}") for clash in clashes[:MOST]]
    if len(clashes) > MOST:
        seen = "spaces that are not ours, or that the daemon never writes, stand there, too"
        found.append(warning(seen, remedy, _numbers(clash.number for clash in clashes[MOST:])))
    return found


def _numbers(numbers: Iterable[int]) -> str:
    text = spans(numbers)
    return f"number {text}" if text.isdecimal() else f"numbers {text}"


def _why(clash: Verdict) -> str:
    return f"cannot be used: {clash.why}"


def _missing(view: View) -> list[Finding]:
    missing = view.inside.missing
    adoptable = view.inside.of(Standing.ADOPTABLE)
    found = []
    if adoptable:
        seen = f"{counted(len(adoptable), 'space')} of adopt_prefix will be taken over at a start"
        found.append(note(seen, subject=_numbers(v.number for v in adoptable)))
    if not missing:
        return found
    subject = _numbers(missing)
    if not view.inside.held:
        found.append(note("no spaces yet: the daemon makes them at its first start", "", subject))
    else:
        remedy = "systemctl restart cospaced (it makes what is missing; conferences go on)"
        found.append(warning("their spaces are missing on CMS", remedy, subject))
    return found


def _open(view: View, running: set[int | None]) -> list[Finding]:
    found = []
    left = [v.number for v in view.inside.of(Standing.OPEN) if v.number not in running]
    if left:
        seen = "open on CMS, and no booking that the state knows runs in them"
        remedy = "start the daemon: it closes what should be closed, people in it are warned first"
        found.append(note(seen, remedy, _numbers(left)))
    if view.outside:
        seen = "still open, though the range no longer holds them; the daemon closes them in time"
        found.append(note(seen, subject=_numbers(v.number for v in view.outside)))
    return found


CHECK = Check(slug="pool", title="Spaces of the pool", area=Area.NUMBERS, look=look, deadline=180)

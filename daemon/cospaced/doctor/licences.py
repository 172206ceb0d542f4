"""Licences of each Call Bridge."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Met, Site
from cospaced.domain.installation import Licence


NEEDED = ("callBridge", "callBridgeNoEncryption")
"""One of these a Call Bridge cannot do without."""
SOON = timedelta(days=30)
_LICENSED = ("activated", "grace")
_REMEDY = "`license` on its MMP shows the files; ask your Cisco partner for new ones"


async def look(site: Site) -> Sequence[Finding]:
    """Tell what is missing, expired, or soon will be; what was never bought is no fault."""
    found: list[Finding] = []
    answering = (await site.cluster()).answering
    for met in answering:
        licences = await met.at.installation.licences()
        if licences is None:
            found.append(note("not checked: it does not tell", subject=f"bridge {met.at.name}"))
        else:
            found += _judged(licences, met, site.clock.now())
    if not answering:
        return [note("not checked: no Call Bridge answers")]
    return found or [ok("the features in use are licensed")]


def _judged(licences: Sequence[Licence], met: Met, now: datetime) -> list[Finding]:
    subject = f"bridge {met.at.name}"
    needed = [licence for licence in licences if licence.feature in NEEDED]
    found = []
    if needed and not any(licence.status in _LICENSED for licence in needed):
        found.append(error("has no licence to hold conferences", _REMEDY, subject))
    for licence in licences:
        end = _end(licence.expiry)
        if licence.status == "expired" and licence not in needed:
            found.append(warning(f"the licence of {licence.feature} has expired", _REMEDY, subject))
        elif licence.status == "grace":
            found.append(warning(f"{licence.feature} is in its days of grace", _REMEDY, subject))
        elif licence.status == "activated" and end is not None and end - now < SOON:
            seen = f"the licence of {licence.feature} ends on {end:%Y-%m-%d}"
            found.append(warning(seen, _REMEDY, subject))
    return found


def _end(expiry: str) -> datetime | None:
    try:
        return datetime.strptime(expiry, "%Y-%b-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


CHECK = Check(slug="licences", title="Licences", area=Area.CMS, look=look, deadline=60)

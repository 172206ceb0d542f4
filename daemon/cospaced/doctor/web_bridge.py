"""The web bridge that join links lead to."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, split_fault, warning
from cospaced.doctor.call_bridges import version
from cospaced.doctor.site import Site
from cospaced.host.web import Web, WebError


ASKING = 8.0
_LIMIT = 4_000_000
_MEETING = "{base}/meeting/CALLID?secret=SECRET"
_INVITED = "{base}/invited.sf?secret=SECRET&id=CALLID"
_NEW = (3, 0)
_GONE = 400


async def look(site: Site) -> Sequence[Finding]:
    """Open its first page as a guest's browser would."""
    base = site.settings.cms.web_bridge.rstrip("/")
    if not base:
        remedy = "write [cms] web_bridge = https://... if guests join by browser"
        return [note("is not set: invitations hold no join link", remedy)]
    subject = f"web bridge {base}"
    try:
        status = await _status(Web(), base)
        found: list[Finding] = []
    except WebError as fault:
        found = [_fault(fault, subject)]
        if fault.kind != "certificate" or site.settings.cms.ca_file is None:
            return found
        try:
            status = await _status(Web(ca_file=site.settings.cms.ca_file), base)
        except WebError:
            return found
        seen = "its certificate is of a CA that only [cms] ca_file names: browsers will warn of it"
        found = [note(seen, "see that guests' devices trust that CA", subject)]
    if status >= _GONE:
        seen = f"answers with status {status}"
        found.append(warning(seen, "write the address that people type to join", subject))
    return found or [ok(f"answers; links are {await _form(site, base)}", subject)]


async def _status(web: Web, base: str) -> int:
    try:
        return (await web.request("GET", f"{base}/", total=ASKING, limit=_LIMIT)).status
    finally:
        await web.close()


def _fault(fault: WebError, subject: str) -> Finding:
    seen, remedy = split_fault(str(fault))
    if fault.kind == "certificate":
        return error(seen, "give it a certificate that browsers trust, for this name", subject)
    return error(seen, remedy or "mend [cms] web_bridge, or `webbridge3` on its MMP", subject)


async def _form(site: Site, base: str) -> str:
    """Return what join links look like on this release of CMS."""
    for met in (await site.cluster()).answering:
        number = version(met.status) if met.status else None
        if number:
            return (_MEETING if number >= _NEW else _INVITED).format(base=base)
    return _MEETING.format(base=base)


CHECK = Check(slug="web_bridge", title="Join links", area=Area.NUMBERS, look=look, deadline=60)

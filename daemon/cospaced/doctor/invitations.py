"""What guests must learn: nothing carries a passcode or a join link to them by itself."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.settings import PasscodeMode


_INVITE = "paste what `cospaced invite BOOKING` prints into the invitation"


async def look(site: Site) -> Sequence[Finding]:
    """Remind of passcodes that nobody is told."""
    terms, link = site.settings.conferences, site.settings.cms.web_bridge
    if terms.passcode is PasscodeMode.NONE:
        return [ok("conferences ask for no passcode")]
    if terms.passcode is PasscodeMode.FIXED:
        seen = "every conference has the passcode of the file; who learns it once knows it for all"
        return [note(seen, "write [conferences] passcode = random:6")]
    seen = "every conference has a passcode of its own, which guests must be told"
    if link:
        return [note(seen, _INVITE)]
    remedy = f"{_INVITE}; with [cms] web_bridge = https://... it holds a join link, too"
    return [warning(f"{seen}, and there is no join link to send them", remedy)]


CHECK = Check(slug="invitations", title="Guests", area=Area.CONFIGURATION, look=look)

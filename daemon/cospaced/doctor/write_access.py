"""Whether the user may write: only writing shows it, so past writes are looked for."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, note, ok
from cospaced.doctor.site import Site
from cospaced.engine.pool_memory import CALL_LEG_PROFILE
from cospaced.errors import StoreUnusable


async def look(site: Site) -> Sequence[Finding]:
    """Look for what the daemon wrote once, which this user then may."""
    try:
        written = await (await site.store()).fact(CALL_LEG_PROFILE)
    except StoreUnusable:
        return [note("not checked: the state cannot be read, where past writes would show")]
    if written:
        return [ok("the daemon has written to CMS before")]
    user = site.settings.cms.username
    seen = f"cannot be known without writing, and user {user!r} has not been seen to write yet"
    remedy = "on the MMP, `user list` must show it with the role api or admin"
    return [note(seen, remedy)]


CHECK = Check(slug="write_access", title="Right to write", area=Area.CMS, look=look)

"""Whether a collection changed: by its sync-token, else its CTag, else its members' ETags."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from cospaced.calendars.caldav import quirks
from cospaced.calendars.caldav.client import Answer, Client
from cospaced.calendars.caldav.jobs import CaldavStamp, Look, Looked, Member
from cospaced.calendars.caldav.multistatus import CTAG
from cospaced.calendars.stamps import digest
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError


MOST_REFUSED = 2
"""After so many sync-tokens in a row that a server did not take, it is asked by CTag."""
_MOST_PAGES = 200
_MARGIN = timedelta(days=1)
"""Servers place events without a zone, and in zones of their own, by a guess."""
_CANNOT = (*range(400, 500), 500, 501, 507)
"""Statuses of a server that does not do what it is asked, or not with this token. Where it is ill
altogether, reading the collection will tell."""
_OTHERWISE = (401, 407, 429)
"""Those among them that say something else."""


async def look(client: Client, job: Look) -> Looked:
    """Ask whether a collection changed; raises CalendarError."""
    stamp = job.stamp
    try:
        if stamp.token:
            looked = await _by_token(client, job)
        elif stamp.young:
            looked = Looked(stamp=stamp, changes=None)
        elif stamp.ctag:
            looked = await _by_ctag(client, stamp)
        elif stamp.members:
            looked = await _by_members(client, job)
        else:
            looked = Looked(stamp=stamp, changes=None)
    except CalendarError as error:
        if error.kind != "not_found":
            raise
        # It may have moved to where the room's url leads now.
        looked = Looked(stamp=stamp, changes=None)
    return replace(
        looked, stamp=replace(looked.stamp, login=client.login), requests=client.requests
    )


async def listing(client: Client, collection: str, covered: Timespan) -> tuple[Member, ...]:
    """Return the members of a collection with events in a window, or more of them."""
    answer = await client.listing(collection, covered.widened(_MARGIN, _MARGIN))
    key = quirks.key(answer.url, answer.url)
    if answer.found is None or answer.found.is_cut:
        raise CalendarError("truncated", f"{client.host} does not list the whole calendar (507)")
    return tuple(one.member() for one in answer.found.members(key) if not one.gone)


def members_digest(members: Iterable[Member]) -> str:
    """Return what changes when a member comes, changes or goes."""
    lines = sorted(f"{member.key} {member.etag}" for member in members)
    return digest("\n".join(lines).encode())


async def _by_token(client: Client, job: Look) -> Looked:
    """RFC 6578, section 3.2; an answer that was cut short is asked on for."""
    stamp, token = job.stamp, job.stamp.token
    changes: dict[str, Member] = {}
    for _ in range(_MOST_PAGES):
        answer = await client.changes(stamp.collection, token)
        if answer.found is None:
            return _refused(client, stamp, answer)
        key = quirks.key(answer.url, answer.url)
        changes |= {one.key: one.member() for one in answer.found.members(key)}
        following = answer.found.token
        if not answer.found.is_cut:
            at = answer.at or job.now
            after = quirks.advanced(stamp, following, at) if following else stamp
            return Looked(stamp=after, changes=tuple(changes.values()))
        if not following or following == token:
            break
        token = following
    raise CalendarError("truncated", f"{client.host} never comes to the end of its changes")


def _refused(client: Client, stamp: CaldavStamp, answer: Answer) -> Looked:
    """Return what to do where a sync-token, or the request itself, is refused."""
    known = quirks.refuses_token(answer.status, answer.preconditions)
    if not known and (answer.status not in _CANNOT or answer.status in _OTHERWISE):
        client.refuse(answer)
    return Looked(stamp=replace(stamp, token="", young="", refused=stamp.refused + 1), changes=None)


async def _by_ctag(client: Client, stamp: CaldavStamp) -> Looked:
    answer = await client.properties(stamp.collection, (CTAG,))
    resources = answer.found.resources if answer.found else ()
    same = any(one.text(CTAG) == stamp.ctag for one in resources)
    return Looked(stamp=stamp, changes=() if same else None)


async def _by_members(client: Client, job: Look) -> Looked:
    listed = await listing(client, job.stamp.collection, job.covered)
    same = members_digest(listed) == job.stamp.members
    return Looked(stamp=job.stamp, changes=() if same else None)

"""Reading what changed of a collection, or all of it, and working that out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cospaced.calendars import icalendar_text
from cospaced.calendars.caldav import discovery, entries, looking, quirks
from cospaced.calendars.caldav.client import Client
from cospaced.calendars.caldav.entries import Entries, Entry
from cospaced.calendars.caldav.jobs import CaldavStamp, Fetch, Fetched, Member
from cospaced.calendars.caldav.multistatus import DATA, OK, Resource
from cospaced.calendars.expand import Guard
from cospaced.calendars.job import expanded
from cospaced.domain.calendar import EventProblem, Occurrence
from cospaced.errors import CalendarError


_AT_ONCE = 50
"""Members that one request asks for."""
_MOST_MEMBERS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A collection as it is now; `entries` are its members, `before` those of the reading before.

    `stamp` says all but what the requests cost.
    """

    stamp: CaldavStamp
    entries: Entries
    before: Entries
    requests: int = 0


async def gather(client: Client, job: Fetch) -> Gathered:
    """Do the requests of a job; raises CalendarError."""
    before = entries.unpack(job.body)
    looked = job.looked
    if looked is None or looked.changes is None or quirks.is_whole(looked.changes, before):
        gathered = await _whole(client, job, before)
    else:
        gathered = await _changed(client, job, looked.stamp, looked.changes, before)
    broken = sum(not entry.etag for entry in gathered.entries.values())
    stamp = replace(gathered.stamp, broken=broken, login=client.login)
    return replace(gathered, stamp=stamp, requests=client.requests)


def work_out(job: Fetch, gathered: Gathered, guard: Guard) -> Fetched:
    """Work out what changed, or everything where nothing is to be reused."""
    now, before = gathered.entries, gathered.before
    if job.reuse and before:
        other = [key for key in before.keys() | now.keys() if before.get(key) != now.get(key)]
        changed = entries.uids_of(e for key in other for e in _versions(key, before, now))
    else:
        changed = entries.uids_of(now.values())
    occurrences, problems = _expanded(job, now, changed, guard)
    return Fetched(
        body=entries.pack(now),
        occurrences=occurrences,
        problems=(*problems, *entries.problems(now)),
        kept=entries.uids_of(now.values()) - changed,
        stamp=gathered.stamp,
        requests=gathered.requests,
    )


def _versions(key: str, before: Entries, now: Entries) -> Iterable[Entry]:
    return (known[key] for known in (before, now) if key in known)


def _expanded(
    job: Fetch, now: Entries, uids: frozenset[str], guard: Guard
) -> tuple[tuple[Occurrence, ...], tuple[EventProblem, ...]]:
    text = entries.text_of(now, uids)
    if not text:
        return (), ()
    calendar = icalendar_text.read(text, job.address)
    return expanded(
        calendar,
        [uid for uid in calendar.groups if uid in uids],
        job.covered,
        time_zone=job.time_zone,
        address=job.address,
        guard=guard,
    )


async def _whole(client: Client, job: Fetch, before: Entries) -> Gathered:
    """Find the collection, list it, and read what is new or changed."""
    old = job.looked.stamp if job.looked else None
    found = await discovery.find(client, job.url, job.account.url)
    listed = await looking.listing(client, found.url, job.covered)
    if len(listed) > _MOST_MEMBERS:
        raise CalendarError(
            "too_large", f"{client.host} lists {len(listed)} events; {_MOST_MEMBERS} are read"
        )
    same = {one.key for one in listed if one.etag and _etag(before, one.key) == one.etag}
    wanted = [one for one in listed if one.key not in same]
    fresh = await _read(client, found.url, job, wanted, before)
    now = {key: entry for key, entry in before.items() if key in same} | fresh
    return Gathered(stamp=_stamp(job, old, found, listed), entries=now, before=before)


async def _changed(
    client: Client,
    job: Fetch,
    stamp: CaldavStamp,
    changes: Sequence[Member],
    before: Entries,
) -> Gathered:
    """Read the members that changed."""
    wanted = [one for one in changes if not one.gone]
    fresh = await _read(client, stamp.collection, job, wanted, before)
    left = {one.key for one in changes}
    now = {key: entry for key, entry in before.items() if key not in left} | fresh
    return Gathered(stamp=stamp, entries=now, before=before)


def _etag(known: Entries, key: str) -> str:
    return known[key].etag if key in known else ""


def _stamp(
    job: Fetch,
    old: CaldavStamp | None,
    found: discovery.Collection,
    listed: Iterable[Member],
) -> CaldavStamp:
    """Return the stamp of a collection read whole; its tokens were told before it was listed."""
    at = found.at or job.now
    stamp = CaldavStamp(
        meant=job.meant,
        full=job.now.isoformat(),
        collection=found.url,
        refused=old.refused if old else 0,
        young=old.young if old and old.collection == found.url else "",
    )
    if found.token and stamp.refused < looking.MOST_REFUSED:
        return replace(quirks.advanced(stamp, found.token, at), refused=stamp.refused)
    stamp = replace(stamp, young="")
    if found.ctag and not quirks.is_young(found.ctag, at):
        return replace(stamp, ctag=found.ctag)
    return replace(stamp, members=looking.members_digest(listed))


async def _read(
    client: Client, collection: str, job: Fetch, wanted: Sequence[Member], before: Entries
) -> dict[str, Entry]:
    """Return members as entries; one that is not given, or not whole, is a problem of its own.

    Raises CalendarError where it gives none, or says nothing of some.
    """
    fresh: dict[str, Entry] = {}
    size = 0
    refused: list[int] = []
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        for member, resource in await _texts(client, collection, some):
            if resource.gone:
                continue
            data = resource.text(DATA).encode()
            status, known = _status(resource), before.get(member.key)
            if status in OK:
                etag = resource.member().etag or member.etag
                fresh[member.key] = entries.read(etag, data, job.address, known)
            else:
                refused.append(status)
                reason = f"{client.host} does not give it (status {status})"
                fresh[member.key] = entries.unreadable(known, reason)
            size += len(data)
        if size > client.limit:
            text = f"{client.host} has more than {client.limit} bytes of events"
            raise CalendarError("too_large", text)
    if 1 < len(refused) == len(wanted):
        text = f"{client.host} gives none of {len(refused)} events (status {refused[0]})"
        raise CalendarError("unreadable", text)
    return fresh


def _status(resource: Resource) -> int:
    """Return the status of a member's text."""
    if resource.status not in OK:
        return resource.status
    if DATA in resource.found:
        return 200
    return resource.refused.get(DATA, 500)


async def _texts(
    client: Client, collection: str, wanted: Sequence[Member]
) -> list[tuple[Member, Resource]]:
    """Return each member with what the server answered of it; what it omits is asked for again."""
    found: dict[str, Resource] = {}
    missing = list(wanted)
    for _ in range(2):
        answer = await client.texts(collection, [one.href for one in missing])
        found |= {one.key: one for one in answer.found.resources} if answer.found else {}
        missing = [one for one in wanted if one.key not in found]
        if not missing:
            return [(one, found[one.key]) for one in wanted]
    raise CalendarError(
        "truncated",
        f"{client.host} says nothing of {len(missing)} of {len(wanted)} events that it listed,"
        f" such as {missing[0].key}",
    )

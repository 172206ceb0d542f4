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
_MOST_SPOILT = 3
"""Where none of the first so many can be had by itself, nor are the others asked for."""


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
    if looked is None or looked.changes is None or not _few(looked.changes, before):
        gathered = await _whole(client, job, before)
    else:
        gathered = await _changed(client, job, looked.stamp, looked.changes, before)
    broken = sum(not entry.etag for entry in gathered.entries.values())
    stamp = replace(gathered.stamp, broken=broken, login=client.login)
    return replace(gathered, stamp=stamp, requests=client.requests)


def _few(changes: Sequence[Member], before: Entries) -> bool:
    """Whether changes are such, and no more than one request asks for.

    Of many, as after a migration, most lie outside the window, which a listing leaves out.
    """
    wanted = sum(not one.gone for one in changes)
    return wanted <= _AT_ONCE and not quirks.is_whole(changes, before)


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
    # Those that could not be read come last, lest they spoil the answer for new ones.
    wanted.sort(key=lambda one: one.key in before and not before[one.key].etag)
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
    listed: Sequence[Member],
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
    # Without ETags a list does not tell that an event changed: it is read whole each time.
    told = all(one.etag for one in listed)
    return replace(stamp, members=looking.members_digest(listed) if told else "")


async def _read(
    client: Client, collection: str, job: Fetch, wanted: Sequence[Member], before: Entries
) -> dict[str, Entry]:
    """Return members as entries; one that is not given, or not whole, is a problem of its own.

    Raises CalendarError where that would be all that is known of the calendar.
    """
    fresh: dict[str, Entry] = {}
    missed: list[CalendarError] = []
    alone = not before.keys() - {one.key for one in wanted}
    size = 0
    for at in range(0, len(wanted), _AT_ONCE):
        for member, got in await _texts(client, collection, wanted[at : at + _AT_ONCE]):
            known = before.get(member.key)
            if isinstance(got, CalendarError):
                missed.append(got)
                fresh[member.key] = entries.unreadable(known, str(got))
            elif got.gone:
                # A server that is behind with itself may have it later: it is asked for again.
                missed.append(CalendarError("unreadable", f"{client.host} has it no more"))
                fresh[member.key] = Entry(etag="")
            else:
                data = got.text(DATA).encode()
                size += len(data)
                etag = got.member().etag or member.etag
                fresh[member.key] = entries.read(etag, data, job.address, known)
        if size > client.limit:
            text = f"{client.host} has more than {client.limit} bytes of events"
            raise CalendarError("too_large", text)
        if alone and len(missed) == len(fresh):
            _check_believable(missed)
    return fresh


def _check_believable(missed: Sequence[CalendarError]) -> None:
    """Raise CalendarError where a server gives nothing at all, unless it is one event.

    Of one event it can tell what is wrong. Where it does not, it is likelier that its answer was
    cut off on its way.
    """
    first = missed[0]
    if len(missed) > 1:
        raise CalendarError(first.kind, f"none of {len(missed)} listed events is had: {first}")
    if first.kind == "truncated":
        raise first


Got = Resource | CalendarError
"""What was answered of a member, or why its text is not had."""


async def _texts(
    client: Client, collection: str, wanted: Sequence[Member]
) -> list[tuple[Member, Got]]:
    """Return each member with what the server answered of it.

    One event may spoil the answer for all (it holds what is no XML, or more than one text may; a
    server may leave it out): then each is asked for by itself, as long as that helps.
    """
    try:
        return await _together(client, collection, wanted)
    except CalendarError as error:
        if error.kind != "truncated":
            raise
    found: list[tuple[Member, Got]] = []
    for one in wanted:
        found.append((one, await _alone(client, collection, one)))
        spoilt = [got for _, got in found if isinstance(got, CalendarError)]
        if len(spoilt) == len(found) == _MOST_SPOILT:
            return [*found, *((rest, spoilt[0]) for rest in wanted[_MOST_SPOILT:])]
    return found


async def _alone(client: Client, collection: str, member: Member) -> Got:
    try:
        ((_, got),) = await _together(client, collection, [member])
    except CalendarError as error:
        if error.kind != "truncated":
            raise
        return error
    return got


async def _together(
    client: Client, collection: str, wanted: Sequence[Member]
) -> list[tuple[Member, Got]]:
    """Ask for members as the server writes them, and escaped for those that it leaves out."""
    found: dict[str, Resource] = {}
    missing = list(wanted)
    for spelt in (lambda one: one.href, lambda one: quirks.escaped(one.key)):
        answer = await client.texts(collection, [spelt(one) for one in missing])
        found |= {one.key: one for one in answer.found.resources} if answer.found else {}
        missing = [one for one in wanted if one.key not in found]
        if not missing:
            return [(one, _given(client, found[one.key])) for one in wanted]
    raise CalendarError(
        "truncated",
        f"{client.host} says nothing of {len(missing)} of {len(wanted)} events that it listed,"
        f" such as {missing[0].key}",
    )


def _given(client: Client, resource: Resource) -> Got:
    """Return a resource that has a text, or is gone; else why it has none."""
    status = resource.status
    if status in OK:
        status = 200 if DATA in resource.found else resource.refused.get(DATA, 500)
    if resource.gone or status in OK:
        return resource
    return CalendarError("unreadable", f"{client.host} does not give it (status {status})")

"""From room calendars to bookings: which copies count, and what they say together.

A booking is a pure fold over the copies of one occurrence in all room calendars; the daemon and
`cospaced agenda` use the same functions. Nothing here knows what was opened or stored.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cospaced.domain.calendar import Answer, Busy, Copy
from cospaced.domain.spoilt_title import is_only_name, without_name
from cospaced.settings import Choice, ConferenceSettings, PrivateMode, RoomSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the calendars want of one occurrence: a conference at this time in these rooms."""

    uid: str
    recurrence_id: str
    organizer: str
    organizer_name: str
    title: str
    private: bool
    start: datetime
    end: datetime
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A copy that is part of no booking, and why."""

    room: str
    uid: str
    recurrence_id: str
    start: datetime
    reason: str
    worth_telling: bool = False
    """People expect a conference and get none (too long, disagreeing copies)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What became of the copies of one occurrence.

    `strangers` are the rooms in which an event of another organizer stands under the same UID: what
    the owner's own event is there cannot be known.
    """

    wanted: Wanted | None
    skipped: tuple[Skipped, ...]
    strangers: tuple[str, ...] = ()


def fold(
    copies: Collection[Copy],
    rooms: Mapping[str, RoomSettings],
    terms: ConferenceSettings,
    read_at: Mapping[str, datetime],
    *,
    owner: str | None = None,
) -> Folded:
    """Fold the copies of one (uid, recurrence id) into at most one wanted conference.

    `owner` is the organizer of the booking that there is already: nobody else speaks for it,
    whenever his copies were seen. None: whoever was seen first owns the UID.

    `rooms` are the configured rooms by name; copies of others are ignored. `read_at` tells when
    each room's calendar was last read well: a copy that disagrees about the time stays in the
    booking until its room was read again after the newest revision appeared.
    """
    known = sorted((c for c in copies if c.room in rooms), key=lambda c: c.room)
    known, others = _of_one_organizer(known, terms, owner)
    strangers = tuple(copy.room for copy in others)
    skipped = [_skip(c, "its UID belongs to another organizer", worth_telling=True) for c in others]
    counting: list[Copy] = []
    for copy in known:
        reason = why_not(copy, terms)
        if reason:
            skipped.append(_skip(copy, reason, worth_telling=reason == _TOO_LONG))
        else:
            counting.append(copy)
    if not counting:
        return Folded(wanted=None, skipped=tuple(skipped), strangers=strangers)
    newest = max(counting, key=_revision)
    agreeing, left = _in_agreement(counting, newest, read_at)
    skipped += [
        _skip(c, "its copy names another time than the newest revision", worth_telling=True)
        for c in left
    ]
    reason = _too_few(agreeing, rooms, terms)
    if reason:
        skipped += [_skip(c, reason) for c in agreeing]
        return Folded(wanted=None, skipped=tuple(skipped), strangers=strangers)
    private = any(copy.occurrence.private for copy in counting)
    wanted = _wanted(agreeing, newest, private=private)
    return Folded(wanted=wanted, skipped=tuple(skipped), strangers=strangers)


_TOO_LONG = "longer than max_duration"


def why_not(copy: Copy, terms: ConferenceSettings) -> str:
    """Say why a copy is no booking by itself; empty where it counts."""
    event = copy.occurrence
    checks = (
        (event.cancelled, "cancelled"),
        (event.answer is Answer.DECLINED, "declined by the room"),
        (event.busy is Busy.FREE, "shown as free"),
        (event.end <= event.start, "has no length"),
        (_tentative(copy) and terms.tentative is Choice.SKIP, "tentative"),
        (event.all_day and terms.all_day is Choice.SKIP, "lasts all day"),
        (event.other_video and terms.other_video is Choice.SKIP, "carries another video link"),
        (event.private and terms.private is PrivateMode.SKIP, "private"),
        (event.end - event.start > terms.max_duration, _TOO_LONG),
    )
    return next((reason for applies, reason in checks if applies), "")


def _tentative(copy: Copy) -> bool:
    event = copy.occurrence
    if event.answer is Answer.UNANSWERED and copy.accepted_before:
        # Exchange turns an accepted copy unanswered (and tentative) at each update.
        return False
    return event.busy is Busy.TENTATIVE or event.answer is Answer.TENTATIVE


def _of_one_organizer(
    copies: list[Copy], terms: ConferenceSettings, owner: str | None
) -> tuple[list[Copy], list[Copy]]:
    """Split off the copies of other organizers than the owner.

    Without one, whoever was seen first owns the UID, by copies that count; of those seen in one
    moment (at a restart all are) whoever is in the most rooms.
    """
    candidates = [c for c in copies if owner is None or c.occurrence.organizer == owner]
    candidates = [c for c in candidates if not why_not(c, terms)] or candidates
    if not candidates:
        return [], copies if owner is not None else []
    in_rooms = Counter(_party(c) for c in copies)
    first = min(candidates, key=lambda c: (c.seen_at, -in_rooms[_party(c)], c.room))
    party = _party(first)
    return [c for c in copies if _party(c) == party], [c for c in copies if _party(c) != party]


def _party(copy: Copy) -> tuple[str, str]:
    organizer = copy.occurrence.organizer
    return (organizer, "") if organizer else ("", copy.source)


def _revision(copy: Copy) -> tuple[int, datetime, bool, datetime, str]:
    """Order copies; what goes on as last read is never newer than what can be read."""
    event = copy.occurrence
    return (event.sequence, event.stamp or _NEVER, not copy.held, copy.seen_at, copy.room)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _in_agreement(
    copies: list[Copy], newest: Copy, read_at: Mapping[str, datetime]
) -> tuple[list[Copy], list[Copy]]:
    agreeing: list[Copy] = []
    left: list[Copy] = []
    # Whoever did not take up the time then is not waited for again at a new title.
    named_at = newest.timed_at or newest.seen_at
    for copy in copies:
        # What one says now that goes on as last read is not known, so it contradicts nobody.
        same = copy.held or copy.occurrence.span == newest.occurrence.span
        read_since = read_at.get(copy.room, _NEVER) > named_at
        (agreeing if same or not read_since else left).append(copy)
    return agreeing, left


def _too_few(
    copies: list[Copy], rooms: Mapping[str, RoomSettings], terms: ConferenceSettings
) -> str:
    if any(rooms[c.room].always for c in copies):
        return ""
    equipped = sum(1 for c in copies if rooms[c.room].endpoints)
    if equipped >= terms.min_rooms:
        return ""
    return f"only {equipped} of at least {terms.min_rooms} rooms with an endpoint"


def _wanted(copies: list[Copy], newest: Copy, *, private: bool) -> Wanted:
    event = newest.occurrence
    return Wanted(
        uid=event.uid,
        recurrence_id=event.recurrence_id,
        organizer=event.organizer,
        organizer_name=event.organizer_name,
        title=_title(copies, newest),
        private=private,
        start=event.start,
        end=event.end,
        rooms=tuple(c.room for c in copies),
    )


def _title(copies: list[Copy], newest: Copy) -> str:
    """Return the title of the newest copy that has kept its own.

    Room mailboxes of Exchange spoil titles, each as it is set: see `spoilt_title`.
    """
    name = newest.occurrence.organizer_name
    titles = [c.occurrence.title for c in sorted(copies, key=_revision, reverse=True)]
    own = [title for title in titles if title and not is_only_name(title, name)]
    if not own:
        return newest.occurrence.title
    bare = without_name(own[0], name)
    return bare if bare in own else own[0]


def _skip(copy: Copy, reason: str, *, worth_telling: bool = False) -> Skipped:
    event = copy.occurrence
    return Skipped(
        room=copy.room,
        uid=event.uid,
        recurrence_id=event.recurrence_id,
        start=event.start,
        reason=reason,
        worth_telling=worth_telling,
    )


def groups(copies: Iterable[Copy]) -> dict[tuple[str, str], list[Copy]]:
    """Group copies by occurrence, in the order of the keys."""
    found: dict[tuple[str, str], list[Copy]] = {}
    for copy in copies:
        found.setdefault(copy.occurrence.key, []).append(copy)
    return dict(sorted(found.items()))

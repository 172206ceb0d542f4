"""What calendars say: occurrences, each room's copy of them, and its last good snapshot.

Sources translate whatever they read (iCalendar, EWS, Graph) into `Occurrence`; nothing above
them knows where a calendar came from.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cospaced.domain.clean_text import clean
from cospaced.domain.timespan import Timespan


class Busy(StrEnum):
    """How the event shows in the calendar (TRANSP, X-MICROSOFT-CDO-BUSYSTATUS, showAs)."""

    BUSY = "busy"
    TENTATIVE = "tentative"
    FREE = "free"


class Answer(StrEnum):
    """The room's own answer to the invitation (PARTSTAT, responseStatus)."""

    NONE = "none"
    """The copy says nothing of an answer: the event stands in the room's calendar, and counts."""
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One dated instance of an event as one calendar holds it.

    `uid` is normalised (Outlook's global object ids upper-case with bytes 17-20 zeroed).
    `recurrence_id` is empty for a single event, else the instance's *original* start as the UTC
    instant `2026-11-23T09:00:00Z`, or the day `2026-11-23` where the series is of dates.
    `start` and `end` are aware and in UTC, `end >= start`.
    `organizer` is a lower-case mail address without `mailto:`, empty where there is none.
    `title` is the subject without any "Canceled:" prefix; `cancelled` says whether it had one.
    """

    uid: str
    recurrence_id: str = ""
    start: datetime
    end: datetime
    all_day: bool = False
    title: str = ""
    organizer: str = ""
    organizer_name: str = ""
    sequence: int = 0
    stamp: datetime | None = None
    """DTSTAMP; orders revisions of one SEQUENCE."""
    busy: Busy = Busy.BUSY
    answer: Answer = Answer.NONE
    cancelled: bool = False
    private: bool = False
    other_video: bool = False
    """Carries a Teams, Zoom, Webex or Meet link."""

    @property
    def span(self) -> Timespan:
        """When it takes place."""
        return Timespan(self.start, self.end)

    @property
    def key(self) -> tuple[str, str]:
        """What tells occurrences of one calendar apart."""
        return (self.uid, self.recurrence_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A room's copy of an occurrence, with the moment it was first seen to say what it says."""

    room: str
    source: str
    """Name of the calendar (`[calendar:NAME]`) that the room is read from."""
    occurrence: Occurrence
    seen_at: datetime
    timed_at: datetime | None = None
    """When its room first named this time, where that is before `seen_at`."""
    accepted_before: bool = False
    """Was accepted last: an update that Exchange turns unanswered keeps the booking."""
    held: str = ""
    """Why it cannot be understood any more, so that it goes on as last read; see `unreadable`."""


class Loss(StrEnum):
    """Which occurrences of its UID a problem leaves unknown."""

    ALL = "all"
    """Every one that is not shown all the same."""
    LATER = "later"
    """The one that it names and those after it (RANGE=THISANDFUTURE)."""
    ONE = "one"
    """The one that it names."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProblem:
    """An event that could not be understood and was left out; it costs only itself.

    `recurrence_id` is what `loss` speaks of, empty where that is no single occurrence.
    """

    uid: str
    text: str
    loss: Loss = Loss.ALL
    recurrence_id: str = ""

    def hides(self, key: tuple[str, str]) -> bool:
        """Whether an occurrence that is not shown may be there still, but for this."""
        uid, recurrence_id = key
        if uid != self.uid:
            return False
        match self.loss:
            case Loss.ALL:
                return True
            case Loss.LATER:
                # Within a series all are written alike, so that their order is that of time.
                return recurrence_id >= self.recurrence_id
            case Loss.ONE:
                return recurrence_id == self.recurrence_id
            case Loss.NONE:
                return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An occurrence that a calendar held and shows no more.

    `since` is when it was first missed, put later by all the time in which nobody looked.
    """

    key: tuple[str, str]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the last readings of a calendar missed, and is not believed yet; see `confirm`."""

    missed: tuple[Missed, ...] = ()
    dangerous: bool = False
    """So much was missed at once that the calendar is suspected, not its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An occurrence that goes on as last read, and why it cannot be understood any more."""

    key: tuple[str, str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a room's calendar besides its last reading; stored with it, for a restart.

    `place` tells whether it still is the same calendar. `failing_since` is the first poll that
    failed after the reading.
    """

    place: str = ""
    doubt: Doubt = Doubt()
    failing_since: datetime | None = None
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one poll of one room found: a whole, trusted calendar over `covered`.

    `stamp` is opaque to all but the source (ETag, sync-token, SyncState); it lets the next poll
    of the room cost one small request. `body` is what the source needs to expand the same
    calendar over a later window without reading it again (compressed), empty where it needs none.
    """

    occurrences: tuple[Occurrence, ...]
    covered: Timespan
    stamp: str = ""
    body: bytes = b""
    problems: tuple[EventProblem, ...] = ()
    read_at: datetime
    requests: int = 1
    """How many requests (or file reads) it took."""
    unchanged: bool = False
    """The source said that nothing changed: occurrences are those of the reading before."""
    standing: Standing = Standing()
    """Left alone by the sources."""


def check(reading: Reading) -> None:
    """Raise where an occurrence breaks its word, so that whoever compares it later would fail.

    ValueError for a naive time or an end before the start, TypeError for a key that is no text.
    """
    for occurrence in reading.occurrences:
        occurrence.span  # noqa: B018 - the timespan looks at its ends
        if not all(isinstance(part, str) for part in occurrence.key):
            raise TypeError("an event's UID or recurrence id is no text")


def cleaned(reading: Reading) -> Reading:
    """Return the reading with every text in it fit to go on; the same one where all are."""
    occurrences = tuple(map(_cleaned_occurrence, reading.occurrences))
    problems = tuple(map(_cleaned_problem, reading.problems))
    if (occurrences, problems) == (reading.occurrences, reading.problems):
        return reading
    return replace(reading, occurrences=occurrences, problems=problems)


def _cleaned_occurrence(event: Occurrence) -> Occurrence:
    texts = (event.uid, event.title, event.organizer, event.organizer_name)
    if all(map(str.isprintable, texts)):
        return event
    return replace(
        event,
        uid=clean(event.uid),
        # What is left out leaves the blanks on both its sides.
        title=" ".join(clean(event.title).split()),
        organizer=clean(event.organizer),
        organizer_name=clean(event.organizer_name),
    )


def _cleaned_problem(problem: EventProblem) -> EventProblem:
    return replace(problem, uid=clean(problem.uid), text=clean(problem.text))

"""What a mailbox does with an invitation that reaches it.

Exchange does two things, one after the other: the invitation is written into the calendar as
tentative and unanswered; then a room that answers by itself accepts or declines it, and rewrites
subject, text and sensitivity by its settings. Every update begins anew with the first.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cospaced.exchange_simulator.expansion import view
from cospaced.exchange_simulator.records import Answer, Busy, Content, Item, Person, Sensitivity
from cospaced.exchange_simulator.state import Mailbox, Processing, State


_BOOKING_WINDOW = timedelta(days=180)


def as_arrived(content: Content) -> Content:
    """Return what an invitation says before anybody answered; attendees' answers are not told."""
    return replace(
        content,
        answer=Answer.UNANSWERED,
        busy=Busy.FREE if content.busy is Busy.FREE else Busy.TENTATIVE,
        intended=content.busy,
        required=_untold(content.required),
        optional=_untold(content.optional),
        resources=_untold(content.resources),
    )


def _untold(people: tuple[Person, ...]) -> tuple[Person, ...]:
    return tuple(replace(one, answer=Answer.UNKNOWN, answered_at=None) for one in people)


def as_processed(content: Content, organizer: Person, processing: Processing) -> Content:
    """Return what a room makes of an invitation that it accepts."""
    subject = "" if processing.delete_subject else content.subject
    if processing.add_organizer_to_subject:
        subject = f"{organizer.shown_name} {subject}"
    private = processing.remove_private_property
    return replace(
        content,
        answer=Answer.ACCEPT,
        busy=content.intended,
        subject=subject,
        body="" if processing.delete_comments else content.body,
        sensitivity=Sensitivity.NORMAL if private else content.sensitivity,
    )


def as_cancelled(content: Content, prefix: str) -> Content:
    """Return what stays of a cancelled event."""
    subject = content.subject
    if not subject.startswith(prefix):
        subject = prefix + subject
    return replace(content, subject=subject, cancelled=True, busy=Busy.FREE)


def process(state: State, box: Mailbox, item: Item) -> Answer:
    """Let a room answer everything in an item that is unanswered; says what it answered."""
    if not box.processing.allow_conflicts and _conflicts(box, item, state.clock.now()):
        state.remove(box, item)
        return Answer.DECLINE
    if item.content.answer is Answer.UNANSWERED:
        item.content = as_processed(item.content, item.organizer, box.processing)
    for planned, content in item.overrides.items():
        if content.answer is Answer.UNANSWERED and not content.cancelled:
            item.overrides[planned] = as_processed(content, item.organizer, box.processing)
    state.touch(box, item)
    return Answer.ACCEPT


def _conflicts(box: Mailbox, item: Item, now: datetime) -> bool:
    end = now + _BOOKING_WINDOW
    mine = [(shown.content.start, shown.content.end) for shown in view(item, now, end)]
    if not mine:
        return False
    others = (
        shown.content
        for other in box.items.values()
        if other is not item
        for shown in view(other, min(mine)[0], max(last for _, last in mine))
    )
    spans = sorted([(*span, True) for span in mine] + _busy(others))
    latest = {True: datetime.min.replace(tzinfo=UTC), False: datetime.min.replace(tzinfo=UTC)}
    for start, last, is_mine in spans:
        if latest[not is_mine] > start:
            return True
        latest[is_mine] = max(latest[is_mine], last)
    return False


def _busy(contents: Iterable[Content]) -> list[tuple[datetime, datetime, bool]]:
    return [(one.start, one.end, False) for one in contents if one.busy is not Busy.FREE]

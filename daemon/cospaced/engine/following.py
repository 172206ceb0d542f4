"""From changed calendars to changed rows: who is a booking, and what of it changed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from cospaced.domain.booking import Booking, State
from cospaced.domain.document import moment
from cospaced.domain.fold import Folded, Wanted
from cospaced.domain.follow import follow, inherited, renamed
from cospaced.domain.identity import booking_id, passcode, secret
from cospaced.domain.inheritance import PATIENCE, continues, forebear, heir, is_new
from cospaced.domain.lifecycle import FINISHED, Step, step
from cospaced.domain.story import moment_text
from cospaced.engine.copies import Copies, Key
from cospaced.engine.edges import Edges
from cospaced.engine.hearing import Hearing
from cospaced.engine.ledger import Ledger
from cospaced.engine.placing import Placing
from cospaced.engine.storyteller import Storyteller
from cospaced.ports import Clock
from cospaced.settings import Settings


log = structlog.get_logger()


class Following:
    """Lets rows follow their events; synchronous, and without a word to CMS."""

    def __init__(
        self, *, ledger: Ledger, copies: Copies, clock: Clock, settings: Settings, site_key: bytes
    ) -> None:
        self._ledger = ledger
        self._copies = copies
        self._clock = clock
        self._site_key = site_key
        self._edges = Edges()
        self.storyteller = Storyteller(ledger=ledger, copies=copies)
        self.hearing = Hearing(ledger=ledger, copies=copies, clock=clock, settings=settings)
        self.placing = Placing(ledger=ledger, clock=clock, settings=settings, site_key=site_key)
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = self.placing.settings = self.hearing.settings = settings
        self._rooms = {room.name: room for room in settings.rooms}

    def changed(self, keys: Iterable[Key]) -> list[str]:
        """Follow these occurrences; return the ids of the rows that changed."""
        touched: list[str] = []
        for key in keys:
            try:
                touched += self._follow(key)
            except Exception:
                # The edge of one occurrence: a fault in it must not stop the others.
                log.exception("event.fault", uid=key[0])
        if self.placing.freed:
            touched += self.placing.retry_refused()
        return touched

    def _follow(self, key: Key) -> list[str]:
        now = self._clock.now()
        row = self._ledger.latest(*key)
        folded = self.hearing.wanted(key, row)
        newly_skipped = self.storyteller.tell_skipped(key, folded.skipped)
        if folded.wanted is not None:
            goes_on = self._forebear(folded.wanted, row, now)
            if goes_on is not None:
                return self._inherit(goes_on, folded.wanted, now)
        if row is None:
            # A story begins with all copies; of what becomes no booking nothing is remembered.
            self._copies.news(key)
            return self._begin(folded, now)
        self.storyteller.tell_news(row, key, folded, newly_skipped)
        believed = self.hearing.believed(row, folded)
        if believed.doubted:
            rooms = ", ".join(believed.doubted)
            self._ledger.tell(row, f"missed in {rooms}: nothing changes until that is sure")
        if believed.unknown:
            return []
        if (heir := self._heir(row, now)) is not None:
            # The event that it leaves may have been moved, and be a booking of its own from now on.
            return self._inherit(row, heir, now) + self._follow(key)
        followed = follow(
            row,
            believed.wanted,
            now=now,
            rooms=self._rooms,
            series_goes_on=self._series_goes_on(row),
        )
        touched = self._put(row, followed.booking, followed.told)
        if followed.again:
            touched += self._begin(self.hearing.wanted(key), now)
        return touched

    # --- an open booking's event changes its identity -----------------------------------------

    def _forebear(self, wanted: Wanted, row: Booking | None, now: datetime) -> Booking | None:
        """Return the forsaken open booking that goes on for an event, None where there is none.

        `row` is the event's own: without a conference so far, or the booking that lost sight of it.
        """
        rows = [
            one
            for one in self._ledger.open_with(wanted.rooms)
            if continues(one, wanted, now)
            and self._lets_go(one, row, now)
            and self.hearing.fits(one, wanted)
        ]
        return forebear(wanted, rows, now)

    def _lets_go(self, one: Booking, row: Booking | None, now: datetime) -> bool:
        """Whether an open booking may pass to an event whose own row is `row`."""
        if one == row:
            return one.detached
        return is_new(one, row) and self.hearing.forsaken(one, now)

    def _heir(self, row: Booking, now: datetime) -> Wanted | None:
        """Return the event that goes on with an open booking whose own has left it."""
        if row.state is not State.OPEN or not self.hearing.forsaken(row, now):
            return None
        found = []
        for key in self._copies.covering(row.rooms, now, now + row.terms.early_join):
            claimant = self._ledger.latest(*key)
            if key != (row.uid, row.recurrence_id) and is_new(row, claimant):
                found.append(self.hearing.wanted(key, claimant).wanted)
        fitting = [event for event in found if event and self.hearing.fits(row, event)]
        return heir(row, fitting, now)

    def _inherit(self, row: Booking, wanted: Wanted, now: datetime) -> list[str]:
        """Let an open booking go on for an event, which has no row of its own from then on."""
        key = (wanted.uid, wanted.recurrence_id)
        self.hearing.leavers.forget((row.uid, row.recurrence_id))
        claimant, generation, touched = self._ledger.latest(*key), row.generation, []
        if claimant is None or claimant.id != row.id:
            generation = self._ledger.next_generation(*key)
            touched = self._give_up(claimant, row) if claimant is not None else []
        after = renamed(row, wanted, generation)
        folded = self.hearing.wanted(key, after)
        self.storyteller.tell_news(row, key, folded, ())
        whole = self.hearing.believed(after, folded, PATIENCE).wanted
        followed = inherited(row, whole or wanted, generation, now=now, rooms=self._rooms)
        return touched + self._put(row, followed.booking, followed.told, "booking.inherited")

    def _give_up(self, claimant: Booking, holder: Booking) -> list[str]:
        """End a row whose event goes on in another one."""
        if claimant.state is State.CANCELLED:
            return []
        reason = f"its event goes on in booking {holder.id}"
        return self._put(claimant, step(claimant, Step.CANCEL, reason), reason)

    def give_up_superseded(self) -> None:
        """End rows whose event had passed to another one when the daemon was killed."""
        for row in self._ledger.in_state(State.PLANNED, State.REFUSED):
            latest = self._ledger.latest(row.uid, row.recurrence_id)
            if latest is not None and latest.id != row.id:
                with self._edges.of("booking.fault", booking=row.id):
                    self._give_up(row, latest)

    # --- what the calendars say, and rows make of it ------------------------------------------

    def _series_goes_on(self, row: Booking) -> bool:
        """Whether later occurrences that were known when this one opened are there still.

        So it is where this one alone was cancelled. Where the series was edited or split, its later
        occurrences are others than before.
        """
        known_by = row.opened_at or row.created_at
        return any(
            other.start > row.start
            and other.created_at <= known_by
            and self._copies.of((other.uid, other.recurrence_id))
            for other in self._ledger.of_series(row.uid)
        )

    def _begin(self, folded: Folded, now: datetime) -> list[str]:
        wanted = folded.wanted
        if wanted is None or wanted.end <= now:
            return []
        terms = self.settings.conferences
        generation = self._ledger.next_generation(wanted.uid, wanted.recurrence_id)
        # Ids of conferences that the event had are taken, though they may be another's by now.
        while self._ledger.get(booking_id(wanted.uid, wanted.recurrence_id, generation)):
            generation += 1
        new_id = booking_id(wanted.uid, wanted.recurrence_id, generation)
        row = Booking(
            id=new_id,
            uid=wanted.uid,
            recurrence_id=wanted.recurrence_id,
            generation=generation,
            organizer=wanted.organizer,
            organizer_name=wanted.organizer_name,
            title=wanted.title,
            private=wanted.private,
            start=wanted.start,
            end=wanted.end,
            rooms=wanted.rooms,
            passcode=passcode(self._site_key, new_id, terms),
            secret=secret(self._site_key, new_id),
            terms=terms,
            created_at=now,
        )
        placed = self.placing.place(row)
        self._ledger.put(placed, self.storyteller.first_lines(placed, folded, now))
        if placed.state is State.REFUSED:
            self.placing.tell_refused(placed)
        else:
            log.info(
                "booking.planned",
                booking=placed.id,
                start=moment(placed.start),
                number=placed.number,
                count=len(placed.rooms),
            )
        return [placed.id]

    def _put(
        self, before: Booking, after: Booking, told: str, event: str = "booking.changed"
    ) -> list[str]:
        if after == before:
            return []
        if before.number is not None and before.span != after.span:
            self.placing.freed = True
        if after.state in FINISHED:
            self.placing.freed = True
        if after.state is State.OPEN:
            after, told = self._within_slot(before, after, told)
            if after == before:
                return []
        elif after.state in (State.PLANNED, State.REFUSED):
            after, told = self._placed(before, after, told)
        self._ledger.tell(after, told or "its details changed")
        if told:
            log.info(event, booking=after.id, reason=told)
        return [after.id]

    def _placed(self, before: Booking, after: Booking, told: str) -> tuple[Booking, str]:
        """Keep the number or find another, and say what became of it."""
        placed = self.placing.kept_or_placed(before, after)
        news = ""
        if placed.state is State.REFUSED and before.state is not State.REFUSED:
            self.placing.tell_refused(placed)
            news = f"refused: {placed.reason}"
        elif placed.number != before.number:
            news = f"on number {placed.number}"
        return placed, ", ".join(part for part in (told, news) if part)

    def _within_slot(self, before: Booking, after: Booking, told: str) -> tuple[Booking, str]:
        """Trim a later end to the next booking of the slot, and say so."""
        trimmed = self.placing.trimmed(before, after)
        if trimmed.end == after.end:
            return after, told
        if trimmed.end != before.end:
            until = moment_text(trimmed.end)
            return trimmed, f"{told}; trimmed to {until}: its number is needed then"
        # It was trimmed before, and nothing about its end is new.
        same = replace(
            trimmed,
            warned=before.warned,
            extended_to=before.extended_to,
            extensions=before.extensions,
            form=before.form,
        )
        return same, told

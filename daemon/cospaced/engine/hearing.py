"""What the calendars say of an occurrence, and how much of it an open booking believes.

A booking that is not open is what its calendars say at once. From an open one nobody is taken on
the word of a calendar that was never read, that holds somebody else's event, or that may not have
said its last word.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cospaced.domain.booking import Booking, State
from cospaced.domain.fold import Folded, Wanted, fold, why_not
from cospaced.domain.inheritance import PATIENCE, forsaken, is_new, patience
from cospaced.engine.copies import Copies, Key
from cospaced.engine.leavers import Leavers
from cospaced.engine.ledger import Ledger
from cospaced.ports import Clock
from cospaced.settings import ConferenceSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What the calendars want of a row, as far as it is believed."""

    wanted: Wanted | None
    unknown: bool = False
    """Nothing can be said: that they want nothing is not believed."""
    doubted: tuple[str, ...] = ()
    """Rooms that begin to be held, though their calendars show the event no more."""


class Hearing:
    """Folds copies for rows; remembers only which rooms are held (`leavers`)."""

    def __init__(self, *, ledger: Ledger, copies: Copies, clock: Clock, settings: Settings) -> None:
        self._ledger = ledger
        self._copies = copies
        self._clock = clock
        self.unread: Collection[str] = ()
        """Rooms whose calendar was never read: what they hold is unknown."""
        self.hides: Callable[[str, Key], bool] = lambda _room, _key: False
        """Whether something that cannot be read in a room's calendar may be an occurrence."""
        self.leavers = Leavers()
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._rooms = {room.name: room for room in settings.rooms}

    def wanted(self, key: Key, row: Booking | None = None) -> Folded:
        """Return what the calendars say of an occurrence, to its row if it has one.

        What opened stays a booking, whatever became of the rules by which it did: it keeps its
        terms, and ends neither for a room that leaves nor for one key in the file.
        """
        if row is not None and row.state is State.OPEN and not row.detached:
            return self._folded(key, replace(row.terms, min_rooms=0), row.organizer)
        copies = self._copies.of(key)
        known = row is not None and any(c.occurrence.organizer == row.organizer for c in copies)
        return self._folded(
            key, self.settings.conferences, row.organizer if row and known else None
        )

    def _folded(self, key: Key, terms: ConferenceSettings, owner: str | None) -> Folded:
        copies, read_at = self._copies.of(key), self._copies.read_at
        return fold(copies, self._rooms, terms, read_at, owner=owner)

    def forsaken(self, row: Booking, now: datetime) -> bool:
        """Whether an open booking's own event, by the rules it opened by, is elsewhere or gone.

        With as few rooms as are enough for an heir today, it stands: else two events of one room
        would take the conference by turns.
        """
        fewest = min(row.terms.min_rooms, self.settings.conferences.min_rooms)
        terms = replace(row.terms, min_rooms=fewest)
        own = self._folded((row.uid, row.recurrence_id), terms, row.organizer)
        if any(room in self.unread or room in own.strangers for room in row.rooms):
            return row.detached
        return forsaken(row, own.wanted, now)

    def fits(self, row: Booking, event: Wanted) -> bool:
        """Whether an event counts by the rules that an open booking keeps.

        One that only newer rules let count would be given up again as soon as it was taken on.
        """
        terms = replace(row.terms, min_rooms=0)
        key = (event.uid, event.recurrence_id)
        return self._folded(key, terms, row.organizer).wanted is not None

    def believed(self, row: Booking, folded: Folded, patience: timedelta | None = None) -> Believed:
        """Return what the calendars say with the rooms that a row keeps for now.

        `patience` with every room that an open row would lose; None: each has its own.
        """
        wanted = folded.wanted
        kept = self._unknown(row)
        held: list[str] = []
        doubted: tuple[str, ...] = ()
        if row.state is State.OPEN and not (row.detached or row.closing):
            # Nobody is hung up on because the file does not name the room any more, nor because
            # somebody else's event stands where the booking's own did.
            unknown = [r for r in row.rooms if r not in self._rooms or r in folded.strangers]
            kept += [room for room in unknown if room not in kept]
            others = () if wanted is None else wanted.rooms
            missed = [room for room in row.rooms if room not in (*others, *kept)]
            before = self.leavers.rooms(row.uid, row.recurrence_id)
            held = self._leaving(row, missed, others, patience)
            doubted = tuple(room for room in held if room not in before)
        kept += held
        if wanted is None or not kept:
            return Believed(wanted=wanted, unknown=bool(kept), doubted=doubted)
        whole = replace(wanted, rooms=tuple(sorted({*wanted.rooms, *kept})))
        return Believed(wanted=whole, doubted=doubted)

    def _unknown(self, row: Booking) -> list[str]:
        """Return the rooms of which nobody can tell whether they still hold a row's event."""
        key = (row.uid, row.recurrence_id)
        shown = {copy.room for copy in self._copies.of(key)}
        hidden = {room for room in row.rooms if room not in shown and self.hides(room, key)}
        return [room for room in row.rooms if room in self.unread or room in hidden]

    def _leaving(
        self, row: Booking, missed: Sequence[str], others: Sequence[str], patience: timedelta | None
    ) -> list[str]:
        """Return the rooms that an open row would lose and that stay for now."""
        key, now = (row.uid, row.recurrence_id), self._clock.now()
        patient = {
            room: self._patience(row, room, now) if patience is None else patience
            for room in missed
        }
        return self.leavers.held(key, patient, others, self._copies.read_at, now)

    def _patience(self, row: Booking, room: str, now: datetime) -> timedelta:
        """Return how long a room that an open row would lose may yet prove to stay."""
        copies = {copy.room: copy for copy in self._copies.of((row.uid, row.recurrence_id))}
        if room in copies:
            if why_not(copies[room], row.terms):
                return patience(copies[room])
            # It counts, so it differs: its server may be late, and would have it called again.
            named_at = max(copy.timed_at or copy.seen_at for copy in copies.values())
            return max(named_at + PATIENCE - now, timedelta(0))
        keys = self._copies.covering(row.rooms, now, now + row.terms.early_join)
        claimants = [key for key in keys if is_new(row, self._ledger.latest(*key))]
        # What it is about to become may already stand in some calendars.
        instead = any(
            copy.room in row.rooms and copy.occurrence.organizer == row.organizer
            for key in claimants
            for copy in self._copies.of(key)
        )
        return PATIENCE if row.organizer and instead else timedelta(0)

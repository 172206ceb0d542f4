"""What a mailbox shows, one for each occurrence."""

from datetime import UTC, datetime

from cospaced.calendars.expand import belongs
from cospaced.calendars.organizer_copies import Version
from cospaced.domain.calendar import Occurrence
from cospaced.domain.timespan import Timespan


Shown = tuple[Occurrence, Version]
_NEVER = datetime.min.replace(tzinfo=UTC)


class Collection:
    """Occurrences that belong to a span; of several items for one, the newest revision.

    A mailbox may hold two: an update that was processed twice, or a cancelled one beside the new.
    """

    def __init__(self, covered: Timespan) -> None:
        self._covered = covered
        self._found: dict[tuple[str, str], Shown] = {}

    def add(self, one: Occurrence, version: Version) -> None:
        """Take up an occurrence, unless a newer revision of it is here."""
        known = self._found.get(one.key)
        if belongs(one, self._covered) and (known is None or _revision(one) >= _revision(known[0])):
            self._found[one.key] = one, version

    def in_order(self) -> list[Shown]:
        """Return what was found, by start."""
        return sorted(self._found.values(), key=lambda pair: (pair[0].start, pair[0].key))


def _revision(one: Occurrence) -> tuple[int, datetime]:
    return one.sequence, one.stamp or _NEVER

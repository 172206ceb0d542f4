"""What SyncFolderItems says of a mailbox: whether anything changed, and its state now.

What exchangelib makes of its answer is mended here: it looks for the state in an error, too, which
may have none, and so tells no error by its name; and it knows what to make of some kinds of items
alone, though other kinds may stand in a calendar.
"""

from time import monotonic  # noqa: TID251 - a worker process has no loop, and so no Clock
from typing import Any

from exchangelib.errors import ErrorInvalidSyncStateData
from exchangelib.folders import Calendar
from exchangelib.items import ID_ONLY
from exchangelib.services import SyncFolderItems
from exchangelib.services.common import EWSService
from exchangelib.util import MNS

from cospaced.calendars.exchange.answers import Truncated
from cospaced.errors import CalendarError


_PAGE = 512
"""Changes of one answer; Exchange tells no more."""


def synced(calendar: Calendar, state: str, seconds: float) -> tuple[str, bool]:
    """Return the state now, and whether anything changed since; a state that is refused has.

    Where there is so much to tell that it takes longer than so many seconds (a mailbox of many
    years, at first), the rest is left for the next time.
    """
    try:
        return _told(calendar, state, monotonic() + seconds)
    except ErrorInvalidSyncStateData:
        if not state:
            raise
        return _told(calendar, "", monotonic() + seconds)[0], True


def _told(calendar: Calendar, state: str, end: float) -> tuple[str, bool]:
    changed = False
    while True:
        sync = _Sync(account=calendar.account)
        changed |= sync.has_changes(calendar, state)
        if sync.includes_last_item_in_range or sync.sync_state == state:
            return sync.sync_state, changed
        state = sync.sync_state
        if monotonic() > end:
            return state, True


class _Sync(SyncFolderItems):  # type: ignore[misc] # exchangelib has no types
    """The operation; no objects are made of what changed."""

    sync_state: str
    includes_last_item_in_range: bool | None

    def has_changes(self, calendar: Calendar, state: str) -> bool:
        """Ask for one page of changes since a state."""
        told = self.call(
            folder=calendar,
            shape=ID_ONLY,
            additional_fields=(),
            sync_state=state or None,
            ignore=None,
            max_changes_returned=_PAGE,
            sync_scope=None,
        )
        # To the end, for the state stands there.
        changed = len(list(told)) > 0
        if self.includes_last_item_in_range is None:
            raise Truncated("the answer says nothing of changes")
        return changed

    def _get_element_container(self, message: Any, name: str | None = None) -> Any:
        error = EWSService._get_element_container(self, message)  # noqa: SLF001 - not its own class's
        if isinstance(error, Exception):
            raise error
        if not message.findtext(f"{{{MNS}}}SyncState"):
            text = "Exchange told changes without a state to go on from"
            raise CalendarError("truncated", text)
        return super()._get_element_container(message=message, name=name)

    def _elem_to_obj(self, elem: Any) -> Any:
        return elem

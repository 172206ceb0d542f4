"""FindItem with a CalendarView: what stands in a calendar over a window, series expanded.

Such a view is not paged. Where Exchange cuts it, exchangelib asks for the same again and again,
and takes each answer for another page; here the window is read by halves.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from exchangelib import UTC, EWSDateTime
from exchangelib.errors import ErrorExceededFindCountLimit
from exchangelib.folders import Calendar
from exchangelib.items import ID_ONLY, SHALLOW, CalendarItem
from exchangelib.properties import CalendarView
from exchangelib.services import FindItem

from cospaced.calendars.exchange import items
from cospaced.calendars.exchange.answers import Truncated
from cospaced.errors import CalendarError


_MOST = 1000
"""Exchange's own limit (EWSFindCountLimit), unless an administrator set a lower one."""
_SHORTEST = timedelta(hours=1)


def view(calendar: Calendar, start: datetime, end: datetime) -> Iterator[CalendarItem]:
    """Yield what a calendar shows.

    An item that reaches over the middle stands in both halves; whoever asks keeps it once.
    """
    try:
        found, whole = _View(account=calendar.account).shown(calendar, start, end)
    except ErrorExceededFindCountLimit:
        found, whole = [], False
    if whole and len(found) < _MOST:
        yield from found
        return
    if end - start < _SHORTEST:
        text = f"more events than Exchange shows stand within an hour at {start:%Y-%m-%d %H:%M}"
        raise CalendarError("too_large", text)
    middle = start + (end - start) / 2
    yield from view(calendar, start, middle)
    yield from view(calendar, middle, end)


class _View(FindItem):  # type: ignore[misc] # exchangelib has no types
    """The operation, asked once."""

    def shown(
        self, calendar: Calendar, start: datetime, end: datetime
    ) -> tuple[list[CalendarItem], bool]:
        """Return what the answer shows, and whether that is all."""
        self.shape, self.additional_fields = ID_ONLY, _fields(calendar)
        payload = self.get_payload(
            folders=[calendar],
            additional_fields=self.additional_fields,
            restriction=None,
            order_fields=None,
            query_string=None,
            shape=ID_ONLY,
            depth=SHALLOW,
            calendar_view=CalendarView(start=_ews(start), end=_ews(end), max_items=_MOST),
            page_size=None,
        )
        roots = list(self._get_elements(payload=payload))
        listed = roots[0].find(self.element_container_name) if len(roots) == 1 else None
        if listed is None:
            raise Truncated("the answer lacks its list of items")
        found = [self._elem_to_obj(one) for one in listed.iterfind(CalendarItem.response_tag())]
        return found, roots[0].get("IncludesLastItemInRange") not in ("false", "0")

    def _get_page(self, message: Any) -> Any:
        root = self._get_element_container(message=message, name=self.paging_container_name)
        if isinstance(root, Exception):
            raise root
        return root


def _fields(calendar: Calendar) -> list[Any]:
    # Ids are told unasked.
    return [one for one in calendar.normalize_fields(items.VIEW) if not one.field.is_attribute]


def _ews(moment: datetime) -> EWSDateTime:
    return EWSDateTime.from_datetime(moment.replace(tzinfo=UTC))

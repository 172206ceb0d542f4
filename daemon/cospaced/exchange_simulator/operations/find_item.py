"""FindItem: a calendar view, which expands series and is not paged; or an indexed page of items."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, timedelta

from cospaced.exchange_simulator.asking import Call, failure, number, success
from cospaced.exchange_simulator.expansion import itself, view
from cospaced.exchange_simulator.fields import calendar_item
from cospaced.exchange_simulator.markup import every, first, instant, tag
from cospaced.exchange_simulator.records import Shown
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.restriction import matching
from cospaced.exchange_simulator.state import Mailbox


_LONGEST_VIEW = timedelta(days=2 * 366)


def find_item(call: Call) -> Iterator[str]:
    """Return one message for each folder."""
    for element in every(call.request, "m:ParentFolderIds/*"):
        try:
            box, name = call.folder(element)
            yield _found(call, box, name)
        except Refusal as refusal:
            yield failure("FindItem", refusal)


def _found(call: Call, box: Mailbox, folder: str) -> str:
    items = list(box.items.values()) if folder == "calendar" else []
    window = first(call.request, "m:CalendarView")
    if window is None:
        return _page(call, box, [itself(item) for item in items])
    start, end = _bounds(window)
    shown = [one for item in items for one in view(item, start, end)]
    shown.sort(key=lambda one: (one.content.start, one.item.created_number))
    most = window.get("MaxEntriesReturned")
    limit = call.knobs.find_limit
    if most is None and len(shown) > limit:
        raise Refusal("ErrorExceededFindCountLimit", values={"PolicyLimit": str(limit)})
    told = shown if most is None else shown[: number(most)]
    return _root(call, box, told, total=len(shown), last=len(told) == len(shown))


def _bounds(window: ET.Element) -> tuple[datetime, datetime]:
    try:
        start, end = instant(window.get("StartDate", "")), instant(window.get("EndDate", ""))
    except ValueError as error:
        raise Refusal("ErrorInvalidRequest") from error
    if end < start:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate")
    if end - start > _LONGEST_VIEW:
        raise Refusal("ErrorCalendarViewRangeTooBig")
    return start, end


def _page(call: Call, box: Mailbox, shown: list[Shown]) -> str:
    wanted = first(call.request, "m:Restriction/*")
    if wanted is not None:
        matches = matching(wanted)
        shown = [one for one in shown if matches(one)]
    view_asked = first(call.request, "m:IndexedPageItemView")
    offset = number(view_asked.get("Offset", "0")) if view_asked is not None else 0
    most = view_asked.get("MaxEntriesReturned") if view_asked is not None else None
    size = min(call.knobs.page_limit, number(most) if most else call.knobs.page_limit)
    told = shown[offset : offset + size]
    after = offset + len(told)
    return _root(
        call, box, told, total=len(shown), last=after >= len(shown), IndexedPagingOffset=str(after)
    )


def _root(
    call: Call, box: Mailbox, told: list[Shown], *, total: int, last: bool, **attributes: str
) -> str:
    page = call.page(box, found=True)
    items = tag("t:Items", *(calendar_item(one, page) for one in told))
    attributes |= {
        "TotalItemsInView": str(total),
        "IncludesLastItemInRange": "true" if last else "false",
    }
    return success("FindItem", tag("m:RootFolder", items, **attributes))

"""GetItem: what a calendar view does not tell of an item, asked of what is new or changed alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exchangelib import errors
from exchangelib.folders import Calendar
from exchangelib.items import ID_ONLY, CalendarItem
from exchangelib.services import GetItem

from cospaced.calendars.exchange import items
from cospaced.calendars.exchange.answers import Truncated
from cospaced.calendars.exchange.jobs import Details


_OF_THE_SERVER = (
    errors.ErrorConnectionFailed,
    errors.ErrorConnectionFailedTransientError,
    errors.ErrorExceededConnectionCount,
    errors.ErrorInsufficientResources,
    errors.ErrorInternalServerTransientError,
    errors.ErrorMailboxFailover,
    errors.ErrorMailboxMoveInProgress,
    errors.ErrorMailboxStoreUnavailable,
    errors.ErrorNonExistentMailbox,
    errors.ErrorNotEnoughMemory,
    errors.ErrorServerBusy,
    errors.ErrorTimeoutExpired,
    errors.ErrorTooManyObjectsOpened,
)
"""Errors that say nothing of an item. Most others may be an item's own: one that is corrupt, or
protected, or private, has many names."""
_OF_AN_ITEM = GetItem.ERRORS_TO_CATCH_IN_RESPONSE
"""Errors that say nothing of the server."""

Told = Mapping[str, Any]
"""An item, or the exception that came instead, by id."""


def details(
    calendar: Calendar, shown: Sequence[CalendarItem], known: Mapping[str, Details]
) -> dict[str, Details]:
    """Return the details of all that is shown.

    What cannot be told now (it is corrupt, or vanished since the view) stays as it was known.
    """
    kept = {item.id: known[item.id] for item in shown if item.id in known}
    wanted = {item.id: item.changekey for item in shown if is_new(item, known)}
    witness = next((item for item in kept if item not in wanted), None)
    for item, found in _fetched(calendar, list(wanted), witness).items():
        if not isinstance(found, Exception):
            kept[item] = items.details(found, wanted[item])
    return kept


def is_new(item: CalendarItem, known: Mapping[str, Details]) -> bool:
    """Whether the details that are known of an item are not those of this version of it."""
    return item.id not in known or known[item.id].change_key != item.changekey


def _fetched(calendar: Calendar, wanted: list[str], witness: str | None) -> Told:
    """Return what is told of items.

    An error that may be an item's own is, where another item can be told: if need be, `witness`,
    one that could be told before. Whatever failed is asked for once more, for it may have passed.
    """
    told = dict(_asked(calendar, wanted))
    failed = [item for item, found in told.items() if _may_be_of_all(found)]
    if not failed:
        return told
    more = [witness] if witness is not None and len(failed) == len(told) else []
    told |= _asked(calendar, [*failed, *more])
    if all(_may_be_of_all(found) for found in told.values()):
        raise told[failed[0]]
    return {item: told[item] for item in wanted}


def _may_be_of_all(found: Any) -> bool:
    return isinstance(found, Exception) and not isinstance(found, _OF_AN_ITEM)


def _asked(calendar: Calendar, wanted: Sequence[str]) -> Iterable[tuple[str, Any]]:
    """Ask for items, and return what is told of each; raises what is an error of the server."""
    told = list(_GetItem(account=calendar.account).told(calendar, wanted)) if wanted else []
    if len(told) != len(wanted):
        errors = (found for found in told if isinstance(found, Exception))
        raise next(errors, Truncated(f"the answer tells {len(told)} of {len(wanted)} items"))
    return zip(wanted, told, strict=True)


class _GetItem(GetItem):  # type: ignore[misc] # exchangelib has no types
    """The operation; an error of one item does not keep it from telling the others."""

    ERRORS_TO_CATCH_IN_RESPONSE = (*_OF_AN_ITEM, errors.ResponseMessageError)

    def told(self, calendar: Calendar, wanted: Sequence[str]) -> Iterable[Any]:
        """Yield for each id an item or an exception, in order."""
        ids = [(item, None) for item in wanted]
        fields = calendar.normalize_fields(items.DETAILS)
        yield from self.call(items=ids, additional_fields=fields, shape=ID_ONLY)

    def _get_element_container(self, message: Any, name: str | None = None) -> Any:
        found = super()._get_element_container(message=message, name=name)
        if isinstance(found, _OF_THE_SERVER):
            raise found
        return found

    def _elem_to_obj(self, elem: Any) -> Any:
        try:
            return super()._elem_to_obj(elem)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # A value in it of which exchangelib makes no sense.
            return errors.ErrorItemCorrupt(str(error))

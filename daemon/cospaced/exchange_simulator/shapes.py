"""What a request asks to be told about each item: a base shape, and further fields by URI."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from cospaced.exchange_simulator.markup import content, every


_DEFAULT = frozenset(
    (
        "item:ItemId",
        "item:Subject",
        "item:HasAttachments",
        "calendar:Start",
        "calendar:End",
        "calendar:Location",
        "calendar:LegacyFreeBusyStatus",
        "calendar:IsRecurring",
        "calendar:CalendarItemType",
        "calendar:MyResponseType",
        "calendar:Organizer",
    )
)

_MEETING_SET = "6ed8da90-450b-101b-98da-00aa003f1305"
_GLOBAL_OBJECT_ID, _CLEAN_GLOBAL_OBJECT_ID = "3", "35"


@dataclass(frozen=True, slots=True)
class ExtendedField:
    """A MAPI property; `attributes` are those of `t:ExtendedFieldURI`."""

    attributes: dict[str, str]

    @property
    def is_global_object_id(self) -> bool:
        """PidLidGlobalObjectId."""
        return self._is(_GLOBAL_OBJECT_ID)

    @property
    def is_clean_global_object_id(self) -> bool:
        """PidLidCleanGlobalObjectId."""
        return self._is(_CLEAN_GLOBAL_OBJECT_ID)

    def _is(self, number: str) -> bool:
        of_set = (
            self.attributes.get("DistinguishedPropertySetId") == "Meeting"
            or self.attributes.get("PropertySetId", "").lower() == _MEETING_SET
        )
        return of_set and self.attributes.get("PropertyId") == number


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An ItemShape."""

    everything: bool = False
    fields: frozenset[str] = frozenset(("item:ItemId",))
    extended: tuple[ExtendedField, ...] = ()
    body_type: str = "Best"

    def asks(self, uri: str) -> bool:
        """Whether a field was asked for."""
        return self.everything or uri in self.fields


def item_shape(request: ET.Element) -> Shape:
    """Return the `m:ItemShape` of a request."""
    base = content(request, "m:ItemShape/t:BaseShape", "IdOnly")
    further = {
        one.get("FieldURI", "")
        for one in every(request, "m:ItemShape/t:AdditionalProperties/t:FieldURI")
    }
    extended = every(request, "m:ItemShape/t:AdditionalProperties/t:ExtendedFieldURI")
    known = _DEFAULT if base == "Default" else frozenset(("item:ItemId",))
    return Shape(
        everything=base == "AllProperties",
        fields=known | further,
        extended=tuple(ExtendedField(dict(one.attrib)) for one in extended),
        body_type=content(request, "m:ItemShape/t:BodyType", "Best"),
    )

"""What a request asks to be told about each item: a base shape, and further fields by URI."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from enum import Enum, auto

from cospaced.exchange_simulator.markup import content, every
from cospaced.exchange_simulator.refusals import SoapFault


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


@dataclass(frozen=True, slots=True)
class ExtendedField:
    """A MAPI property; `attributes` are those of `t:ExtendedFieldURI`."""

    attributes: dict[str, str]

    @property
    def known(self) -> "Known | None":
        """Which of the properties of an event it is; SoapFault where its number is none."""
        given = self.attributes
        number = given.get("PropertyId", "")
        where = given.get("DistinguishedPropertySetId") or _SETS.get(
            given.get("PropertySetId", "").lower(), ""
        )
        try:
            identity = where, int(number or "0", 0), given.get("PropertyType", "")
        except ValueError as error:
            told = f"{number!r} is no PropertyId."
            raise SoapFault("ErrorSchemaValidation", told) from error
        return _KNOWN.get(identity)


class Known(Enum):
    """The MAPI properties of an event that are told ([MS-OXOCAL] 2.2)."""

    GLOBAL_OBJECT_ID = auto()
    CLEAN_GLOBAL_OBJECT_ID = auto()
    OWNER_CRITICAL_CHANGE = auto()
    EXCEPTION_REPLACE_TIME = auto()


_SETS = {
    "6ed8da90-450b-101b-98da-00aa003f1305": "Meeting",
    "00062002-0000-0000-c000-000000000046": "Appointment",
}
_KNOWN = {
    ("Meeting", 0x03, "Binary"): Known.GLOBAL_OBJECT_ID,
    ("Meeting", 0x23, "Binary"): Known.CLEAN_GLOBAL_OBJECT_ID,
    ("Meeting", 0x1A, "SystemTime"): Known.OWNER_CRITICAL_CHANGE,
    ("Appointment", 0x8228, "SystemTime"): Known.EXCEPTION_REPLACE_TIME,
}


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

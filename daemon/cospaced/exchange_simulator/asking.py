"""A request as an operation sees it, and how it is answered."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from cospaced.exchange_simulator.expansion import is_planned, itself, occurrence
from cospaced.exchange_simulator.identity import split_id
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.markup import content, first, tag, text
from cospaced.exchange_simulator.post import Post
from cospaced.exchange_simulator.records import Item, Kind, Shown
from cospaced.exchange_simulator.refusals import Refusal, SoapFault
from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.shapes import item_shape
from cospaced.exchange_simulator.state import Mailbox, State
from cospaced.exchange_simulator.subscriptions import Subscriptions
from cospaced.exchange_simulator.writers import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation that somebody asks for; `impersonated` None: in the account's own name."""

    operation: str
    request: ET.Element
    account: Account
    impersonated: Mailbox | None
    state: State
    rights: Rights
    post: Post
    subscriptions: Subscriptions

    @property
    def knobs(self) -> Knobs:
        """The knobs in force."""
        return self.state.knobs

    def opened(self, address: str) -> Mailbox:
        """Return a mailbox that may be opened; an empty address is the caller's own."""
        if self.impersonated is not None:
            if address.lower() in ("", self.impersonated.address):
                return self.impersonated
            raise Refusal("ErrorAccessDenied")
        return self.rights.opened(self.account, address or self.account.mailbox)

    def folder(self, element: ET.Element) -> tuple[Mailbox, str]:
        """Return the mailbox and distinguished name that a folder id leads to; Refusal."""
        identity = element.get("Id", "")
        if element.tag.endswith("}DistinguishedFolderId"):
            box = self.opened(content(element, "t:Mailbox/t:EmailAddress"))
            if identity in box.folders:
                return box, identity
            raise Refusal("ErrorFolderNotFound")
        for box in self.state.mailboxes.values():
            for name, known in box.folders.items():
                if known == identity:
                    return self.opened(box.address), name
        raise Refusal("ErrorFolderNotFound")

    def item(self, identity: str) -> tuple[Mailbox, Item]:
        """Return an item by its own id; Refusal."""
        for box in self.state.mailboxes.values():
            item = box.items.get(identity)
            if item is not None:
                self.opened(box.address)
                return box, item
        raise Refusal("ErrorItemNotFound")

    def shown(self, identity: str) -> tuple[Mailbox, Shown]:
        """Return what an id shows: an item, or an occurrence; Refusal."""
        try:
            own, planned = split_id(identity)
        except ValueError as error:
            raise Refusal("ErrorInvalidIdMalformed") from error
        box, item = self.item(own)
        if planned is None:
            return box, itself(item)
        if item.kind is not Kind.MASTER or not is_planned(item, planned):
            raise Refusal("ErrorItemNotFound")
        return box, occurrence(item, planned)

    def page(self, box: Mailbox, *, found: bool = False) -> Page:
        """Return how a mailbox's items are shown; `found`: by an operation that tells less."""
        return Page(
            box=box,
            shape=item_shape(self.request),
            knobs=self.knobs,
            found=found,
            directory=self.state.mailboxes,
        )

    def needed(self, path: str) -> ET.Element:
        """Return an element that a request must have; Refusal."""
        found = first(self.request, path)
        if found is None:
            raise Refusal("ErrorInvalidRequest", f"The request lacks {path}.")
        return found


def number(value: str) -> int:
    """Return a whole number; SoapFault, as for anything that the schema does not allow."""
    try:
        return int(value)
    except ValueError as error:
        raise SoapFault("ErrorSchemaValidation", f"{value!r} is no whole number.") from error


def success(operation: str, *inside: str) -> str:
    """Return a response message of class Success."""
    return tag(
        f"m:{operation}ResponseMessage",
        text("m:ResponseCode", "NoError"),
        *inside,
        ResponseClass="Success",
    )


def failure(operation: str, refusal: Refusal, *inside: str) -> str:
    """Return a response message of class Error, with what the schema wants in it all the same."""
    return tag(
        f"m:{operation}ResponseMessage",
        refusal.inside(),
        *(inside or [_EVEN_IN_ERRORS.get(operation, "")]),
        ResponseClass="Error",
    )


_EVEN_IN_ERRORS = {
    "CreateItem": "<m:Items/>",
    "GetFolder": "<m:Folders/>",
    "GetItem": "<m:Items/>",
    "GetServerTimeZones": "<m:TimeZoneDefinitions/>",
    "UpdateItem": "<m:Items/>",
}

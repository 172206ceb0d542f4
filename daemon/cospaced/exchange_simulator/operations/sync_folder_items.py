"""SyncFolderItems: what changed in a calendar since a state; singles and series, no occurrences.

A state holds how far the client has been told (`upto`), and how far it had been told before this
round of pages began (`base`): what is younger than that is news to it, and not an update.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from cospaced.exchange_simulator.asking import Call, failure, number, success
from cospaced.exchange_simulator.expansion import itself
from cospaced.exchange_simulator.fields import calendar_item
from cospaced.exchange_simulator.markup import content, every, tag, text
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Mailbox
from cospaced.exchange_simulator.writers import Page


@dataclass(frozen=True, slots=True)
class _SyncState:
    base: int = 0
    upto: int = 0

    def written(self, box: Mailbox, folder: str) -> str:
        parts = ("cospaced", box.guid, folder, str(self.base), str(self.upto))
        return base64.b64encode("|".join(parts).encode()).decode()


def sync_folder_items(call: Call) -> Iterator[str]:
    """Return one message with the changes."""
    try:
        box, folder = call.folder(call.needed("m:SyncFolderId/*"))
        state = _read(content(call.request, "m:SyncState"), box, folder)
    except Refusal as refusal:
        known = "" if call.knobs.bare_sync_error else "<m:SyncState/>"
        last = "" if call.knobs.bare_sync_error else text("m:IncludesLastItemInRange", True)
        yield failure("SyncFolderItems", refusal, known, last)
        return
    ignored = {one.get("Id") for one in every(call.request, "m:Ignore/t:ItemId")}
    most = number(content(call.request, "m:MaxChangesReturned", "512"))
    page = call.page(box, found=True)
    changes = list(_changes(box, state, page)) if folder == "calendar" else []
    told, left = changes[:most], changes[most:]
    now = _SyncState(box.number, box.number)
    new = _SyncState(state.base, told[-1].number) if left else now
    yield success(
        "SyncFolderItems",
        text("m:SyncState", new.written(box, folder)),
        text("m:IncludesLastItemInRange", not left),
        tag("m:Changes", *(one.markup for one in told if one.item_id not in ignored)),
    )


def _read(value: str, box: Mailbox, folder: str) -> _SyncState:
    if not value:
        return _SyncState()
    try:
        mark, guid, name, base, upto = base64.b64decode(value, validate=True).decode().split("|")
        state = _SyncState(int(base), int(upto))
    except (binascii.Error, ValueError) as error:
        raise Refusal("ErrorInvalidSyncStateData") from error
    if (mark, guid, name) != ("cospaced", box.guid, folder) or state.upto > box.number:
        raise Refusal("ErrorInvalidSyncStateData")
    return state


@dataclass(frozen=True, slots=True)
class _Change:
    number: int
    item_id: str
    markup: str


def _changes(box: Mailbox, state: _SyncState, page: Page) -> Iterator[_Change]:
    living = {
        item.changed_number: item for item in box.items.values() if item.changed_number > state.upto
    }
    gone = {
        one.deleted_number: identity
        for identity, one in box.tombstones.items()
        if one.deleted_number > state.upto and one.created_number <= state.upto
    }
    for at in sorted(living.keys() | gone.keys()):
        if at in gone:
            yield _Change(at, gone[at], tag("t:Delete", tag("t:ItemId", Id=gone[at])))
            continue
        item = living[at]
        name = "t:Create" if item.created_number > state.base else "t:Update"
        yield _Change(at, item.id, tag(name, calendar_item(itself(item), page)))

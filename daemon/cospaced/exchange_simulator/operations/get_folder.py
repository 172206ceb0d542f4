"""GetFolder: the root, the calendar, and what else every mailbox has."""

from collections.abc import Iterator
from typing import NamedTuple

from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.markup import content, every, first, tag, text
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Mailbox


class _Folder(NamedTuple):
    display_name: str
    item_class: str
    parent: str


_FOLDERS = {
    "root": _Folder("", "", ""),
    "msgfolderroot": _Folder("Top of Information Store", "IPF.Note", "root"),
    "calendar": _Folder("Calendar", "IPF.Appointment", "msgfolderroot"),
    "inbox": _Folder("Inbox", "IPF.Note", "msgfolderroot"),
    "sentitems": _Folder("Sent Items", "IPF.Note", "msgfolderroot"),
    "deleteditems": _Folder("Deleted Items", "IPF.Note", "msgfolderroot"),
}

_RIGHTS = "".join(
    text(f"t:{name}", True)
    for name in (
        *("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read"),
        "ViewPrivateItems",
    )
)


def get_folder(call: Call) -> Iterator[str]:
    """Return each folder with the fields that were asked for."""
    base = content(call.request, "m:FolderShape/t:BaseShape", "IdOnly")
    asked = {
        one.get("FieldURI", "")
        for one in every(call.request, "m:FolderShape/t:AdditionalProperties/t:FieldURI")
    }
    if base == "Default":
        asked |= {"folder:DisplayName", "folder:TotalCount", "folder:ChildFolderCount"}
    for element in list(first(call.request, "m:FolderIds") or ()):
        try:
            box, name = call.folder(element)
        except Refusal as refusal:
            yield failure("GetFolder", refusal)
            continue
        fields = [
            markup
            for uri, markup in _fields(box, name)
            if uri == "folder:FolderId" or base == "AllProperties" or uri in asked
        ]
        element_name = "t:CalendarFolder" if name == "calendar" else "t:Folder"
        yield success("GetFolder", tag("m:Folders", tag(element_name, *fields)))


def _fields(box: Mailbox, name: str) -> Iterator[tuple[str, str]]:
    folder = _FOLDERS[name]
    children = sum(1 for one in _FOLDERS.values() if one.parent == name)
    parent = box.folders[folder.parent or "root"]
    yield "folder:FolderId", tag("t:FolderId", Id=box.folders[name], ChangeKey="AQAAAA==")
    yield "folder:ParentFolderId", tag("t:ParentFolderId", Id=parent)
    if folder.item_class:
        yield "folder:FolderClass", text("t:FolderClass", folder.item_class)
    yield "folder:DisplayName", text("t:DisplayName", folder.display_name)
    total = len(box.items) if name == "calendar" else 0
    yield "folder:TotalCount", text("t:TotalCount", total)
    yield "folder:ChildFolderCount", text("t:ChildFolderCount", children)
    yield "folder:EffectiveRights", tag("t:EffectiveRights", _RIGHTS)
    yield "folder:DistinguishedFolderId", text("t:DistinguishedFolderId", name)
    if name != "calendar":
        yield "folder:UnreadCount", text("t:UnreadCount", 0)

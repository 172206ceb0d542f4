"""The cluster's one database: what is shared by every Call Bridge.

It keeps uris and call ids unique: a space's uri and secondary uri are one namespace over all
spaces, its call id another; access methods may repeat those of their own space as long as the
passcode differs.
"""

from collections.abc import Iterator, Mapping

from cospaced.simulator.fields import MISSING, apply
from cospaced.simulator.records import Record, Space, Sync
from cospaced.simulator.refusals import Refusal
from cospaced.simulator.schemas import PLAIN


_URI = ("duplicateCoSpaceUri", "duplicateCoSpaceUriPasscode")
_CALL_ID = ("duplicateCoSpaceId", "duplicateCoSpaceIdPasscode")


class Database:
    """Spaces and the plain collections, by id and in the order of their making."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Record]] = {schema.collection: {} for schema in PLAIN}
        self.spaces: dict[str, Space] = {}
        self.syncs: dict[str, Sync] = {}
        self.system_profiles: dict[str, str] = {}
        self._uris: dict[str, str] = {}
        self._call_ids: dict[str, str] = {}

    def exists(self, collection: str, identity: str) -> bool:
        """Whether a collection holds an id."""
        if collection == "coSpaces":
            return identity in self.spaces
        return identity in self.tables[collection]

    def space(self, identity: str) -> Space:
        """Return a space; raises Refusal where there is none."""
        found = self.spaces.get(identity)
        if found is None:
            raise Refusal(MISSING["coSpaces"])
        return found

    def by_uri(self, uri: str) -> Space | None:
        """Return the space that a uri (user part) leads to, its access methods' included."""
        return self.spaces.get(self._uris.get(uri.lower(), ""))

    def by_call_id(self, call_id: str) -> Space | None:
        """Return the space that a number leads to."""
        return self.spaces.get(self._call_ids.get(call_id, ""))

    def add_space(self, space: Space) -> Space:
        """Add a space; raises Refusal where a uri or call id is taken."""
        self._claim(space, space.fields, list(space.access_methods.values()))
        self.spaces[space.id] = space
        return space

    def change_space(self, space: Space, changes: Mapping[str, str]) -> None:
        """Set and unset parameters, all or none; raises Refusal as `add_space`."""
        wanted = dict(space.fields)
        apply(wanted, changes)
        if any(name in changes for name in ("name", "uri", "secondaryUri", "callId", "passcode")):
            self._claim(space, wanted, list(space.access_methods.values()))
        space.fields = wanted

    def change_access_method(
        self, space: Space, method: Record, fields: dict[str, str], *, remove: bool = False
    ) -> None:
        """Add, replace or remove an access method; raises Refusal as `add_space`."""
        others = [one for one in space.access_methods.values() if one is not method]
        kept = others if remove else [*others, Record(id=method.id, fields=fields)]
        self._claim(space, space.fields, kept)
        method.fields = fields
        if remove:
            del space.access_methods[method.id]
        else:
            space.access_methods[method.id] = method

    def remove_space(self, space: Space) -> None:
        """Remove a space and free its uris and call ids."""
        del self.spaces[space.id]
        self._release(space)

    def _claim(self, space: Space, fields: Mapping[str, str], methods: list[Record]) -> None:
        sets = [fields, *(method.fields for method in methods)]
        uris = [(one.get("uri", "").lower(), one.get("passcode", "")) for one in sets]
        uris.append((fields.get("secondaryUri", "").lower(), fields.get("passcode", "")))
        call_ids = [(one.get("callId", ""), one.get("passcode", "")) for one in sets]
        new_uris = _distinct(space, uris, self._uris, _URI)
        new_call_ids = _distinct(space, call_ids, self._call_ids, _CALL_ID)
        self._release(space)
        self._uris.update(dict.fromkeys(new_uris, space.id))
        self._call_ids.update(dict.fromkeys(new_call_ids, space.id))
        space.haystack = "\n".join((fields.get("name", "").lower(), *new_uris, *new_call_ids))

    def _release(self, space: Space) -> None:
        # The haystack lists, after the name, exactly the keys that this space holds.
        for key in space.haystack.split("\n")[1:]:
            for keys in (self._uris, self._call_ids):
                if keys.get(key) == space.id:
                    del keys[key]

    def made_by(self, parameter_set: str) -> Iterator[Space]:
        """Yield the spaces that a parameter set's synchronisations made."""
        return (space for space in self.spaces.values() if space.made_by == parameter_set)

    def taken(self, uri: str, call_id: str, *, except_made_by: str) -> tuple[bool, bool]:
        """Whether a uri and a call id belong to a space that this parameter set did not make."""
        holders = (self.by_uri(uri) if uri else None, self.by_call_id(call_id) if call_id else None)
        first, second = (one is not None and one.made_by != except_made_by for one in holders)
        return first, second


def _distinct(
    space: Space,
    pairs: list[tuple[str, str]],
    holders: Mapping[str, str],
    reasons: tuple[str, str],
) -> list[str]:
    seen: set[tuple[str, str]] = set()
    keys: dict[str, None] = {}
    for pair in pairs:
        key = pair[0]
        if not key:
            continue
        if holders.get(key, space.id) != space.id:
            raise Refusal(reasons[0])
        if pair in seen:
            raise Refusal(reasons[1])
        seen.add(pair)
        keys[key] = None
    return list(keys)

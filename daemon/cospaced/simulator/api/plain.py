"""Collections that are served from their schema alone."""

from collections.abc import Callable

from cospaced.simulator import bulk, markup
from cospaced.simulator.api.asking import Ask, Reply, created, matching, page, shown
from cospaced.simulator.fields import MISSING, Schema, apply
from cospaced.simulator.records import Record
from cospaced.simulator.refusals import Refusal, invalid


Handler = Callable[[Ask], Reply]


def visible(schema: Schema, record: Record, *, listed: bool) -> list[tuple[str, str]]:
    """Return the elements of an object as its schema shows them."""
    fields = record.fields
    if listed:
        names = schema.fields if schema.listed is None else schema.listed
        return [(name, fields[name]) for name in names if name in fields]
    shown_: list[tuple[str, str]] = []
    for name in schema.fields:
        value = fields.get(name, schema.defaults.get(name, ""))
        if value or name in schema.empty:
            shown_.append((name, value))
    return shown_


def show(schema: Schema, record: Record, *, listed: bool) -> str:
    """Return an object as XML."""
    inside = markup.elements(visible(schema, record, listed=listed))
    return markup.identified(schema.element, record.id, inside)


def filtered(ask: Ask, schema: Schema, records: list[Record]) -> list[Record]:
    """Return what the query's filters leave."""
    for query, name in schema.filters.items():
        value = ask.query.get(query, "")
        if value:
            records = [one for one in records if one.fields.get(name) == value]
    text = ask.query.get("filter", "")
    return matching(
        records, text, lambda one: "\n".join(one.fields.get(name, "") for name in schema.searched)
    )


def handlers(schema: Schema) -> tuple[dict[str, Handler], dict[str, Handler]]:
    """Return what the collection and its single objects answer, by method."""
    node = _Plain(schema)
    many: dict[str, Handler] = {"GET": node.list_all, "POST": node.create}
    single: dict[str, Handler] = {"GET": node.get, "PUT": node.change, "DELETE": node.remove}
    return many, single


class _Plain:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def _table(self, ask: Ask) -> dict[str, Record]:
        return ask.state.database.tables[self._schema.collection]

    def _found(self, ask: Ask) -> Record:
        record = self._table(ask).get(ask.ids[0])
        if record is None:
            raise Refusal(MISSING.get(self._schema.collection, ask.state.knobs.unrecognised))
        return record

    def list_all(self, ask: Ask) -> Reply:
        schema = self._schema
        records = filtered(ask, schema, list(self._table(ask).values()))
        if schema.collection == "callBridges" and not ask.state.knobs.clustered:
            records = []
        usage = ask.query.get("usagefilter", "")
        if usage:
            used = _referenced(ask, schema.element)
            records = [one for one in records if (one.id in used) == (usage == "referenced")]
        most = ask.state.knobs.space_page
        return shown(
            page(ask, schema.collection, records, most, lambda one: show(schema, one, listed=True))
        )

    def get(self, ask: Ask) -> Reply:
        return shown(show(self._schema, self._found(ask), listed=False))

    def create(self, ask: Ask) -> Reply:
        schema = self._schema
        fields = {name: value for name, value in ask.checked(schema, new=True).items() if value}
        self._check(ask, fields, "")
        record = Record(id=ask.state.entropy.uuid(), fields=fields)
        self._table(ask)[record.id] = record
        what = _AUDIT_NAMES.get(schema.collection, schema.element)
        return created(f"{schema.collection}/{record.id}", f"created new {what} {record.id}")

    def change(self, ask: Ask) -> Reply:
        record = self._found(ask)
        wanted = dict(record.fields)
        apply(wanted, ask.checked(self._schema, new=False))
        self._check(ask, wanted, record.id)
        record.fields = wanted
        return Reply(effect=f"modified {self._schema.element} {record.id}")

    def remove(self, ask: Ask) -> Reply:
        record = self._found(ask)
        del self._table(ask)[record.id]
        return Reply(effect=f"deleted {self._schema.element} {record.id}")

    def _check(self, ask: Ask, fields: dict[str, str], own: str) -> None:
        if self._schema.collection == "cospaceBulkParameterSets":
            bulk.check_mappings(fields)
        for name, reason in self._schema.unique.items():
            for other in self._table(ask).values():
                if other.id != own and other.fields.get(name) == fields.get(name):
                    raise Refusal(reason)


_AUDIT_NAMES = {
    "callProfiles": "call profile",
    "callLegProfiles": "call leg profile",
    "cospaceBulkParameterSets": "object type 29",
}


def _referenced(ask: Ask, name: str) -> frozenset[str]:
    database = ask.state.database
    holders = [database.system_profiles, *(space.fields for space in database.spaces.values())]
    for table in database.tables.values():
        holders.extend(record.fields for record in table.values())
    return frozenset(fields[name] for fields in holders if name in fields)


def list_syncs(ask: Ask) -> Reply:
    """GET /cospaceBulkSyncs."""
    syncs = list(ask.state.database.syncs.values())
    most = ask.state.knobs.space_page
    return shown(page(ask, "cospaceBulkSyncs", syncs, most, lambda one: _show_sync(ask, one.id)))


def create_sync(ask: Ask) -> Reply:
    """POST /cospaceBulkSyncs: an unknown parameter set shows in the status, not here."""
    parameter_set = ask.form.get("cospaceBulkParameterSet", "")
    if not parameter_set:
        raise invalid("cospaceBulkParameterSet")
    remove_all = ask.flag("removeAll")
    sync = bulk.queue(ask.state, ask.switchboard, parameter_set, remove_all=remove_all)
    return created(f"cospaceBulkSyncs/{sync.id}", f"created new object type 30 {sync.id}")


def get_sync(ask: Ask) -> Reply:
    """GET /cospaceBulkSyncs/<id>."""
    return shown(_show_sync(ask, ask.ids[0]))


def remove_sync(ask: Ask) -> Reply:
    """DELETE /cospaceBulkSyncs/<id>: the spaces stay."""
    _show_sync(ask, ask.ids[0])
    del ask.state.database.syncs[ask.ids[0]]
    return Reply(effect=f"deleted object type 30 {ask.ids[0]}")


def _show_sync(ask: Ask, identity: str) -> str:
    sync = ask.state.database.syncs.get(identity)
    if sync is None:
        raise Refusal(ask.state.knobs.unrecognised)
    pairs = [("cospaceBulkParameterSet", sync.parameter_set)]
    if sync.remove_all:
        pairs.append(("removeAll", "true"))
    return markup.identified(
        "cospaceBulkSync", sync.id, markup.elements([*pairs, ("status", sync.status)])
    )

"""What the making of the pool remembers between lives: profile ids, the range, the last bulk.

Everything here may be lost: profiles are then found by name and on slots, and a bulk making whose
outcome is not remembered is finished one space at a time.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

import structlog

from cospaced.errors import StoreUnusable
from cospaced.ports import Store


log = structlog.get_logger()

CALL_PROFILE = "pool.call_profile"
CALL_LEG_PROFILE = "pool.call_leg_profile"
ASKED = "pool.call_leg_profile_asked"

_BULK = "pool.bulk"
_RANGE = "pool.range"


class Stage(StrEnum):
    """How far a making in bulk has come."""

    NONE = "none"
    SET = "set"
    """The set was asked for, and is known where it has an id; certainly it was not synced."""
    SYNCING = "syncing"
    """The sync was asked for, or was about to be."""
    DOUBT = "doubt"
    """It failed, or how it ended is unknown: the rest is made singly."""
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """A making in bulk of the numbers first … last, both inside; ids empty where unknown."""

    first: int = 0
    last: int = 0
    prefix: str = ""
    call_profile: str = ""
    call_leg_profile: str = ""
    parameter_set: str = ""
    sync: str = ""
    stage: Stage = Stage.NONE


class Memory:
    """The pool's facts in the store; where the store fails, they last for this life."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, str] = {}

    async def get(self, key: str) -> str:
        """Return a fact; empty where there is none."""
        if key not in self._kept:
            try:
                self._kept[key] = await self._store.fact(key)
            except StoreUnusable as failed:
                log.warning("pool.memory_unreadable", reason=str(failed))
                return ""
        return self._kept[key]

    async def put(self, key: str, value: str) -> None:
        """Keep a fact; what is kept already costs nothing."""
        if await self.get(key) == value:
            return
        try:
            await self._store.save_fact(key, value)
        except StoreUnusable as failed:
            log.warning("pool.memory_not_stored", reason=str(failed))
        self._kept[key] = value

    async def bulk(self) -> Bulk:
        """Return the last making in bulk."""
        text = await self.get(_BULK)
        if not text:
            return Bulk()
        fields = json.loads(text)
        return Bulk(**{**fields, "stage": Stage(fields["stage"])})

    async def keep_bulk(self, bulk: Bulk) -> None:
        """Keep how far the making in bulk has come."""
        await self.put(_BULK, json.dumps(asdict(bulk)))

    async def numbers(self) -> range:
        """Return the range that slots of ours may stand in; empty where it is not known."""
        first, _, last = (await self.get(_RANGE)).partition(" ")
        return range(int(first), int(last) + 1) if last else range(0)

    async def keep_numbers(self, numbers: range) -> None:
        """Keep the range that slots of ours may stand in."""
        await self.put(_RANGE, f"{numbers.start} {numbers.stop - 1}")

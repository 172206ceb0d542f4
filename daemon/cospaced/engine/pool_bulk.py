"""Making many spaces at once: a parameter set and its one sync (trace phase reserve).

A sync deletes what its set made before. A set is therefore synced once, over numbers that a look
has shown to be empty, by a daemon that knows it was not synced before; what is in doubt is left
alone for ever, and the spaces are then made one by one.
"""

from dataclasses import replace

import structlog

from cospaced.domain.pool import spans
from cospaced.domain.writes import CreateParameterSet, Result, StartSync
from cospaced.engine.pool_making import SETTLE, Profiles, raise_unsent
from cospaced.engine.pool_memory import Bulk, Memory, Stage
from cospaced.errors import ApiError, PoolUnsettled
from cospaced.ports import Bridge, Clock


log = structlog.get_logger()

SYNC_PATIENCE = 600.0
"""Seconds for which a sync is waited for."""

_LONGEST_PAUSE = 2.0


class BulkMaker:
    """Makes unbroken runs of numbers; every method may be cut short and begun again."""

    def __init__(self, *, prefix: str, memory: Memory, clock: Clock) -> None:
        self._prefix = prefix
        self._memory = memory
        self._clock = clock

    async def finish_sync(self, bridge: Bridge) -> None:
        """Wait for the sync under way, be it an earlier life's; does nothing without one.

        Raises PoolUnsettled where it does not end.
        """
        bulk = await self._memory.bulk()
        if bulk.stage is not Stage.SYNCING:
            return
        if not bulk.sync:
            await self._clock.sleep(SETTLE)
            await self._doubt(bulk, "it is not known whether the bulk sync was started")
            return
        status = await self._status(bridge, bulk.sync)
        if status == "complete":
            await self._memory.keep_bulk(replace(bulk, stage=Stage.DONE))
        else:
            await self._doubt(bulk, f"the bulk sync ended as {status}")

    async def make(self, bridge: Bridge, run: range, profiles: Profiles) -> None:
        """Make an unbroken run of numbers, shown to be empty, by a new set and its one sync.

        Leaves them unmade where it fails or an earlier sync may be at work: look again, and make
        singly what is missing then.
        """
        before = await self._memory.bulk()
        wanted = Bulk(
            first=run.start,
            last=run.stop - 1,
            prefix=self._prefix,
            call_profile=profiles.call,
            call_leg_profile=profiles.leg,
        )
        if before.stage is Stage.DOUBT:
            return
        if before.stage is Stage.NONE and not profiles.new and await self._begun(bridge, wanted):
            await self._doubt(wanted, "an earlier parameter set of ours covers these numbers")
            await self._clock.sleep(SETTLE)
            return
        wanted_as_made = replace(wanted, parameter_set=before.parameter_set, stage=Stage.SET)
        if before.parameter_set and before == wanted_as_made:
            await self._sync(bridge, before)
            return
        made = await self._make_set(bridge, wanted)
        if made.stage is Stage.SET:
            await self._sync(bridge, made)

    async def finished(self) -> None:
        """Note that nothing is left to be made: a later gap may be made in bulk again."""
        bulk = await self._memory.bulk()
        if bulk.stage is not Stage.NONE:
            await self._memory.keep_bulk(replace(bulk, stage=Stage.DONE))

    async def _begun(self, bridge: Bridge, wanted: Bulk) -> bool:
        """Whether an earlier life, of which nothing is remembered, made a set for these."""
        return any(
            found.call_leg_profile == wanted.call_leg_profile
            and found.start <= wanted.last
            and wanted.first <= found.end
            for found in await bridge.parameter_sets()
        )

    async def _make_set(self, bridge: Bridge, wanted: Bulk) -> Bulk:
        await self._memory.keep_bulk(replace(wanted, stage=Stage.SET))
        outcome = await bridge.write(
            CreateParameterSet(
                start=wanted.first,
                end=wanted.last,
                name_prefix=wanted.prefix,
                call_profile=wanted.call_profile,
                call_leg_profile=wanted.call_leg_profile,
            )
        )
        raise_unsent(outcome, "a bulk parameter set")
        if not outcome.id:
            return await self._doubt(wanted, f"no bulk parameter set: {outcome.reason or 'no id'}")
        made = replace(wanted, parameter_set=outcome.id, stage=Stage.SET)
        await self._memory.keep_bulk(made)
        return made

    async def _sync(self, bridge: Bridge, bulk: Bulk) -> None:
        asked = replace(bulk, stage=Stage.SYNCING)
        await self._memory.keep_bulk(asked)
        outcome = await bridge.write(StartSync(parameter_set=bulk.parameter_set))
        if not outcome.sent:
            await self._memory.keep_bulk(bulk)
        raise_unsent(outcome, "a bulk sync")
        if outcome.result is Result.REFUSED:
            await self._doubt(bulk, f"no bulk sync: {outcome.reason}")
            return
        if outcome.id:
            await self._memory.keep_bulk(replace(asked, sync=outcome.id))
        await self.finish_sync(bridge)

    async def _status(self, bridge: Bridge, sync: str) -> str:
        deadline = self._clock.monotonic() + SYNC_PATIENCE
        pause = _LONGEST_PAUSE / 8
        while True:
            try:
                status = await bridge.sync_status(sync)
            except ApiError as refused:
                return refused.reason
            if status not in ("pending", "running"):
                return status
            if self._clock.monotonic() >= deadline:
                raise PoolUnsettled(
                    f"bulk sync {sync} has been {status} for {SYNC_PATIENCE / 60:.0f} min; see "
                    "the event log of CMS and its database cluster; it is looked at again"
                )
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _doubt(self, bulk: Bulk, reason: str) -> Bulk:
        numbers = spans(range(bulk.first, bulk.last + 1))
        log.warning("pool.bulk_left", number=numbers, reason=reason)
        doubted = replace(bulk, stage=Stage.DOUBT)
        await self._memory.keep_bulk(doubted)
        return doubted

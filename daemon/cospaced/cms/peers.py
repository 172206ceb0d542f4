"""The other Call Bridges of a cluster: found by asking one, used once their certificate verified.

The password goes to nobody whose certificate was not verified for the address that is used: TLS
comes before the first request. What was used once is remembered, so that a daemon which starts
while its configured bridge is down still reaches the others.
"""

from collections.abc import Callable, Sequence

import structlog

from cospaced.domain.seen import PeerBridge
from cospaced.errors import ApiError, StoreUnusable, Unreachable
from cospaced.ports import Bridge, Store


log = structlog.get_logger()

FACT = "call_bridges"

Make = Callable[[str, str], Bridge]
"""Makes a bridge of its CMS name and address."""


class Peers:
    """Finds bridges; `make` gives one to speak to, `known` are those that there are already."""

    def __init__(self, make: Make, store: Store, known: Sequence[Bridge], address: str) -> None:
        self._make = make
        self._store = store
        self._names = {bridge.name for bridge in known}
        self._addresses = {address}
        self._refused: dict[str, str] = {}

    async def remembered(self) -> list[Bridge]:
        """Return the bridges that an earlier run used."""
        try:
            lines = (await self._store.fact(FACT)).splitlines()
        except StoreUnusable:
            return []
        found = []
        for line in lines:
            name, _, address = line.partition(" ")
            if address not in self._addresses and name not in self._names:
                found.append(self._take(name, address))
        return found

    async def find(self, asked: Bridge) -> list[Bridge]:
        """Ask a bridge for the others; return those that are new and let themselves be used.

        Raises Unreachable or ApiError where it does not tell.
        """
        own = await asked.unique_name()
        listed = [peer for peer in await asked.peers() if peer.address and peer.name != own]
        found = []
        for peer in listed:
            if peer.name in self._names or peer.address in self._addresses:
                continue
            bridge = await self._tried(peer)
            if bridge is not None:
                found.append(bridge)
        await self._remember(listed)
        return found

    async def _tried(self, peer: PeerBridge) -> Bridge | None:
        """Return the bridge if it answers; one that does not is tried at the next search."""
        bridge = self._make(peer.name, peer.address)
        try:
            await bridge.status()
        except (Unreachable, ApiError) as error:
            await bridge.close()
            if self._refused.get(peer.name) != str(error):
                self._refused[peer.name] = str(error)
                log.warning("bridge.refused", bridge=peer.name, reason=str(error))
            return None
        self._names.add(peer.name)
        self._addresses.add(peer.address)
        return bridge

    def _take(self, name: str, address: str) -> Bridge:
        self._names.add(name)
        self._addresses.add(address)
        return self._make(name, address)

    async def _remember(self, listed: Sequence[PeerBridge]) -> None:
        used = [peer for peer in listed if peer.name in self._names]
        lines = "\n".join(f"{peer.name} {peer.address}" for peer in used)
        try:
            if lines != await self._store.fact(FACT):
                await self._store.save_fact(FACT, lines)
        except StoreUnusable as error:
            log.warning("bridge.peers_not_stored", reason=str(error))

"""What an administrator set up on one Call Bridge; implements the Installation port.

Nodes that an older version lacks, and those that the user may not read, are None and no error.
"""

from collections.abc import Callable
from typing import TypeVar
from xml.etree.ElementTree import Element

from cospaced.cms.codec import flag, number, text
from cospaced.cms.looks import Looks
from cospaced.domain.installation import (
    Alarm,
    BridgeGroup,
    Database,
    DatabaseNode,
    InboundRule,
    Licence,
    Load,
    OutboundRule,
)
from cospaced.errors import ApiError


T = TypeVar("T")

_NAMED = ("callBridgeName", "hostname", "fileName", "uri", "recorder", "turnServer", "call")
"""Elements of an alarm that say what it is about, the most telling first."""


class InstallationLooks(Looks):
    """Looks at what is set up, with a channel and at a priority."""

    async def alarms(self) -> tuple[Alarm, ...] | None:
        """GET /system/alarms."""
        try:
            found = await self._list("system/alarms", "alarms", "alarm")
        except ApiError:
            return None
        return tuple(_alarm(element) for element in found)

    async def database(self) -> Database | None:
        """GET /system/database."""
        root = await self._node("system/database", "database")
        return None if root is None else _database(root)

    async def licences(self) -> tuple[Licence, ...] | None:
        """GET /system/licensing."""
        root = await self._node("system/licensing", "licensing")
        features = None if root is None else root.find("features")
        return None if features is None else tuple(_licence(element) for element in features)

    async def load(self) -> Load | None:
        """GET /system/load, and loadLimit of GET /system/configuration/cluster."""
        root = await self._node("system/load", "load")
        processing = None if root is None else number(text(root, "mediaProcessingLoad"))
        if processing is None:
            return None
        cluster = await self._node("system/configuration/cluster", "cluster")
        limit = None if cluster is None else number(text(cluster, "loadLimit"))
        return Load(processing=processing, limit=limit)

    async def groups(self) -> tuple[BridgeGroup, ...] | None:
        """GET /callBridgeGroups and each of its entries."""
        return await self._all("callBridgeGroups", "callBridgeGroup", _group)

    async def inbound_rules(self) -> tuple[InboundRule, ...] | None:
        """GET /inboundDialPlanRules and each of its entries."""
        return await self._all("inboundDialPlanRules", "inboundDialPlanRule", _inbound)

    async def outbound_rules(self) -> tuple[OutboundRule, ...] | None:
        """GET /outboundDialPlanRules and each of its entries."""
        return await self._all("outboundDialPlanRules", "outboundDialPlanRule", _outbound)

    async def _node(self, path: str, tag: str) -> Element | None:
        try:
            return await self._read(path, tag)
        except ApiError:
            return None

    async def _all(
        self, node: str, tag: str, record: Callable[[Element], T]
    ) -> tuple[T, ...] | None:
        try:
            return await self._each(node, tag, record)
        except ApiError:
            return None


def _alarm(element: Element) -> Alarm:
    return Alarm(
        type=text(element, "type"),
        seconds=number(text(element, "activeTimeSeconds")),
        reason=text(element, "failureReason"),
        about=next((told for name in _NAMED if (told := text(element, name))), ""),
    )


def _database(element: Element) -> Database:
    """Read /system/database; what a node is stands in its attributes."""
    nodes = tuple(
        DatabaseNode(
            host=node.get("hostname", ""),
            up=node.get("up", "").lower() == "true",
            behind=number(node.get("syncBehind")),
            primary=node.get("master", "").lower() == "true",
        )
        for node in element.iter("node")
    )
    return Database(
        clustered=element.get("clustered", "") == "enabled",
        error=text(element, "cluster/error"),
        nodes=nodes,
    )


def _licence(element: Element) -> Licence:
    return Licence(
        feature=element.tag, status=text(element, "status"), expiry=text(element, "expiry")
    )


def _group(element: Element) -> BridgeGroup:
    return BridgeGroup(
        id=element.get("id", ""),
        name=text(element, "name"),
        balances=flag(element, "loadBalancingEnabled", default=False),
        balances_outgoing=flag(element, "loadBalanceOutgoingCalls", default=False),
    )


def _inbound(element: Element) -> InboundRule:
    """Read /inboundDialPlanRules/<id>; a rule that does not say so may lead to spaces."""
    return InboundRule(
        domain=text(element, "domain"),
        to_spaces=flag(element, "resolveTocoSpaces", default=True),
        tenant=text(element, "tenant"),
    )


def _outbound(element: Element) -> OutboundRule:
    return OutboundRule(
        domain=text(element, "domain"),
        priority=number(text(element, "priority")) or 0,
        proxy=text(element, "sipProxy"),
        scope=text(element, "scope") or "global",
        tenant=text(element, "tenant"),
    )

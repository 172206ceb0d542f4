"""What an administrator set up on Call Bridges, as the doctor reads it; nothing here is written.

Absent elements are empty or None: older versions lack many of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One entry of /system/alarms; `about` names what it concerns, where CMS says so."""

    type: str
    seconds: int | None = None
    """How long it has been active."""
    reason: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseNode:
    """One node of the database cluster; `behind` in bytes, -1 where it is unknown."""

    host: str
    up: bool
    behind: int | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """GET /system/database."""

    clustered: bool
    error: str = ""
    nodes: tuple[DatabaseNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """One feature of /system/licensing: `status` noLicense, activated, grace or expired."""

    feature: str
    status: str
    expiry: str = ""
    """As CMS writes it: `2027-Aug-08`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """GET /system/load, and loadLimit of /system/configuration/cluster (None: not set)."""

    processing: int
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeGroup:
    """One /callBridgeGroups/<id>."""

    id: str
    name: str
    balances: bool = False
    balances_outgoing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRule:
    """One /inboundDialPlanRules/<id>: whether calls to a domain are matched against spaces."""

    domain: str
    to_spaces: bool
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRule:
    """One /outboundDialPlanRules/<id>; `scope` is global, callBridge or callBridgeGroup."""

    domain: str
    priority: int = 0
    proxy: str = ""
    scope: str = "global"
    tenant: str = ""

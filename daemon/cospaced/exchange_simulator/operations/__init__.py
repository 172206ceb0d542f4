"""The operations of EWS, a module for each: what is asked is in a Call, what is answered markup.

An operation returns one response message for each thing that it was asked about; a Refusal that it
lets through is the one answer to all of them.
"""

from collections.abc import Callable, Iterable

from cospaced.exchange_simulator.asking import Call
from cospaced.exchange_simulator.operations.convert_id import convert_id
from cospaced.exchange_simulator.operations.create_item import create_item
from cospaced.exchange_simulator.operations.delete_item import delete_item
from cospaced.exchange_simulator.operations.find_item import find_item
from cospaced.exchange_simulator.operations.get_folder import get_folder
from cospaced.exchange_simulator.operations.get_item import get_item
from cospaced.exchange_simulator.operations.get_server_time_zones import get_server_time_zones
from cospaced.exchange_simulator.operations.resolve_names import resolve_names
from cospaced.exchange_simulator.operations.subscribe import (
    subscribe,
    subscription_ids,
    subscriptions_missing,
    unsubscribe,
)
from cospaced.exchange_simulator.operations.sync_folder_items import sync_folder_items
from cospaced.exchange_simulator.operations.update_item import update_item


__all__ = ["OPERATIONS", "subscription_ids", "subscriptions_missing"]

OPERATIONS: dict[str, Callable[[Call], Iterable[str]]] = {
    "ConvertId": convert_id,
    "CreateItem": create_item,
    "DeleteItem": delete_item,
    "FindItem": find_item,
    "GetFolder": get_folder,
    "GetItem": get_item,
    "GetServerTimeZones": get_server_time_zones,
    "ResolveNames": resolve_names,
    "Subscribe": subscribe,
    "SyncFolderItems": sync_folder_items,
    "Unsubscribe": unsubscribe,
    "UpdateItem": update_item,
}
"""By name; GetStreamingEvents is the service's own, its answer goes on."""

"""What outlives the process: the state file, a store in memory, and the site's key."""

from cospaced.store.memory import MemoryStore
from cospaced.store.site_key import load_or_make, site_id
from cospaced.store.sqlite import SqliteStore


__all__ = ["MemoryStore", "SqliteStore", "load_or_make", "site_id"]

"""The INI file: reading, validation, and Settings made from it."""

from cospaced.configuration.loader import load
from cospaced.configuration.rendering import rendered
from cospaced.configuration.restart import changes_needing_restart, with_restart_keys_of


__all__ = ["changes_needing_restart", "load", "rendered", "with_restart_keys_of"]

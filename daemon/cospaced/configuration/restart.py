"""What a reload cannot change: these keys hold until the daemon is restarted."""

from dataclasses import replace

from cospaced.settings import Settings


_UNTIL_RESTART = (
    ("daemon", "state_dir"),
    ("cms", "address"),
    ("pool", "domain"),
    ("pool", "numeric_id_base"),
    ("pool", "space_name_prefix"),
)


def changes_needing_restart(old: Settings, new: Settings) -> tuple[str, ...]:
    """Return a sentence for each key whose change waits for a restart.

    A sentence names the key, what stays in force, and what to do.
    """
    return tuple(
        f"[{section}] {key} = {after} takes effect at the next start; until then {key} = {before} "
        "stays in force (run: systemctl restart cospaced)"
        for section, key in _UNTIL_RESTART
        if (before := getattr(getattr(old, section), key))
        != (after := getattr(getattr(new, section), key))
    )


def with_restart_keys_of(old: Settings, new: Settings) -> Settings:
    """Return the new settings with the old values of those keys: what a reload puts in force."""
    return replace(
        new,
        daemon=replace(new.daemon, state_dir=old.daemon.state_dir),
        cms=replace(new.cms, address=old.cms.address),
        pool=replace(
            new.pool,
            domain=old.pool.domain,
            numeric_id_base=old.pool.numeric_id_base,
            space_name_prefix=old.pool.space_name_prefix,
        ),
    )

"""The state file's format, one numbered step after another; PRAGMA user_version says how far.

A step that was released is never changed: what comes later is a step of its own. Columns are what
is asked for or guarded by the database; everything else is JSON (`store.codec`).
"""

import sqlite3


_STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE bookings (
            id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            state TEXT NOT NULL,
            number INTEGER,
            starts TEXT NOT NULL,
            ends TEXT NOT NULL,
            body BLOB NOT NULL
        )
        """,
        # The claim of a slot: it holds whatever any process believes.
        """
        CREATE UNIQUE INDEX one_open_booking ON bookings (number)
        WHERE state = 'open' AND number IS NOT NULL
        """,
        "CREATE INDEX bookings_by_end ON bookings (ends)",
        """
        CREATE TABLE story (
            line INTEGER PRIMARY KEY,
            booking TEXT NOT NULL,
            at TEXT NOT NULL,
            event TEXT NOT NULL,
            text TEXT NOT NULL
        )
        """,
        "CREATE INDEX story_by_booking ON story (booking)",
        "CREATE TABLE readings (id TEXT PRIMARY KEY, reading BLOB NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # Rows that a release could not read, kept for a look by a person.
        """
        CREATE TABLE set_aside (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            reason TEXT NOT NULL,
            body BLOB NOT NULL
        )
        """,
    ),
)

LATEST = len(_STEPS)
"""The format that this release writes."""


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format of an open file; 0: empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file of an older format to the latest; each step wholly or not at all."""
    for number in range(format_of(connection) + 1, LATEST + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _STEPS[number - 1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

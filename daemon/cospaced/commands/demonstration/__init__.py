"""`cospaced demo`: a whole site in one terminal, in about forty seconds.

What is shown is real: the CMS simulator listens with HTTPS on loopback, the calendars are .ics
files or mailboxes of the Exchange simulator, and the daemon is a `cospaced run` of its own, with an
INI file, that is killed on the way. Only people and endpoints are played.

- `site`: the configuration, and what people write; `files`, `exchange`: where they write it.
- `service`: the daemon's process and what it logs.
- `witness`: what really happened at the simulated CMS.
- `board`: what there is to see; `screen` (with `excerpt`, of the file) and `plain` show it.
- `story`, `scenes`: what is played. `evidence`, `promises`, `summary`: what came of it.
"""

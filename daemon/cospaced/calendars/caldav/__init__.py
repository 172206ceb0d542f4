"""The `caldav` source: what is asked of a server is decided in `source`, and done in `worker`.

Only the modules of the worker process (`client` and what stands on it) see the caldav library.
"""

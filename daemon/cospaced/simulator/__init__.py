"""A Cisco Meeting Server simulator: serves tests, the demo and trials by hand.

- *State* (`state`, `database`, `records`, `endpoints`, `agenda`): what a cluster holds, advanced
  lazily from the injected clock, with no task of its own.
- *Service* (`service`, `api`, `app`, `transport`, `serve`): the REST API over that state, in
  process (ASGI, or an httpx transport) and over HTTPS.
- *Scenarios* (`scenarios`, `faults`): what people, endpoints, operators and failing machines do.

In-process use needs no third-party package; httpx, uvicorn and cryptography are imported where
they are asked for.
"""

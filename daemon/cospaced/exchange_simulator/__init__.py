"""An Exchange Web Services simulator: serves tests, the demo and trials by hand.

- *State* (`state`, `records`, `recurrence`, `expansion`, `identity`): mailboxes and what stands in
  their calendars, with every change numbered; time and chance are injected.
- *Service* (`service`, `operations`, `fields`, `app`, `serve`): SOAP over that state, as ASGI and
  over real sockets, with the ways of logging in that Exchange has (`access`, `ntlm`, `tokens`).
- *Scenarios* (`scenarios`, `post`, `rooms`, `faults`, `knobs`): what people and room mailboxes do,
  and what goes wrong.

The daemon never imports it. In-process use needs no extra; uvicorn and pyspnego are imported where
they are asked for. Element names, their order and the values of enumerations are those of
Microsoft's public schemas, V2016_10_10.
"""

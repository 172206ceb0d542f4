"""One client's connection: what a login leaves on it, and what only sockets can do to it."""

import socket
import struct
from asyncio import Transport
from dataclasses import dataclass
from typing import Any
from weakref import ref

from cospaced.exchange_simulator.rights import Account


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """`transport` None: in process, where nothing can be torn.

    It is held weakly, so that whoever keeps connections by their transports may lose both.
    """

    transport: ref[Transport] | None = None
    handshake: Any = None
    """An NTLM login under way."""
    account: Account | None = None
    """Who logged in on it with NTLM."""

    def reset(self) -> None:
        """Reset it: the client's next read fails."""
        transport = self._needed()
        sock: socket.socket = transport.get_extra_info("socket")
        linger = struct.pack("ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()

    def end_with(self, raw: bytes) -> None:
        """Write bytes past HTTP, then close."""
        transport = self._needed()
        transport.write(raw)
        transport.close()

    def _needed(self) -> Transport:
        transport = self.transport() if self.transport is not None else None
        if transport is None:
            raise ConnectionResetError("the simulator tore the connection")
        return transport

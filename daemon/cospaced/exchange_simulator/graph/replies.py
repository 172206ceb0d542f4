"""What goes back: JSON with a status, and Graph's way of saying no."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `body` is ready to be sent."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def document(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON answer."""
    kind = {"Content-Type": "application/json; odata.metadata=minimal"}
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status=status, headers={**kind, **(headers or {})}, body=body)


class GraphError(Exception):
    """A request that Graph refuses."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def reply(self) -> Reply:
        """Return it as an answer."""
        error = {
            "code": self.code,
            "message": self.message,
            "innerError": {"request-id": "00000000-0000-0000-0000-000000000000"},
        }
        return document({"error": error}, status=self.status, headers=self.headers)

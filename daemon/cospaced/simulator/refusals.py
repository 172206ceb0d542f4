"""How a request is refused: one failure reason, shown as `<failureDetails><reason /></…>`.

An empty element with a space before its slash: the one exception to CMS's way of writing XML.
"""

from cospaced.simulator.markup import PROLOG, escaped


class Refusal(Exception):
    """A failure reason of the API; `status` None leaves the HTTP status to the knobs."""

    def __init__(self, reason: str, *, status: int | None = None, **attributes: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.attributes = attributes

    def body(self) -> bytes:
        """Return the answer's body."""
        attributes = "".join(f' {key}="{escaped(value)}"' for key, value in self.attributes.items())
        inside = f"<{self.reason}{attributes} />"
        return f"{PROLOG}<failureDetails>{inside}</failureDetails>".encode()


class UnknownPath(Exception):
    """No node of the API has this path."""


class Busy(Exception):
    """Answered 503: the same request may do later."""


def invalid(parameter: str) -> Refusal:
    """Return the refusal of a parameter's value."""
    return Refusal("parameterError", parameter=parameter, error="invalidValue")

"""What one booking asks of CMS, and is answered, as lines of its story; repetitions are folded.

While CMS does not serve, the same request may go out each second for hours. Its first answer is
told, then the next one that differs, with how often it was asked in between.
"""

from dataclasses import dataclass, field

from cospaced.domain.draft import Mark, Send
from cospaced.domain.story import Line, answer_text, purpose
from cospaced.domain.writes import Outcome, Result


@dataclass(slots=True)
class _Vain:
    """A request that was not served, and how often it was asked again with the same answer."""

    request: str
    answer: str
    again: int = 0


@dataclass(slots=True)
class Dialogue:
    """Remembers, for each purpose, the last request that was not served."""

    vain: dict[Mark, _Vain] = field(default_factory=dict)

    def asked(self, send: Send, request: str) -> list[Line]:
        """Return the line of a request about to be sent; none where it is only asked again."""
        before = self.vain.get(send.mark)
        if before is not None and before.request == request:
            return []
        return [("asked", f"{purpose(send.mark)}: {request}")]

    def answered(self, sent: Send, request: str, outcome: Outcome, milliseconds: int) -> list[Line]:
        """Return the line of an answer; none where it is the one before once more.

        `milliseconds` are those since it was handed over, its wait for a turn included.
        """
        answer = answer_text(outcome, sent.bridge)
        before = self.vain.pop(sent.mark, None)
        again = 0
        if before is not None and before.request == request:
            again = before.again + 1
            if before.answer == answer:
                self.vain[sent.mark] = _Vain(request, answer, again)
                return []
        if outcome.result is not Result.DONE:
            self.vain[sent.mark] = _Vain(request, answer)
        often = f" (asked {again + 1} times)" if again else ""
        return [("answered", f"{purpose(sent.mark)}{often}: {answer}, after {milliseconds} ms")]

"""One request to one Call Bridge: credentials, turn, deadline, and what an answer means.

Reads are asked again once where that is safe and quick (503, a broken connection); writes never
are, except after a 401, which says that nothing was done. What is unknown stays unknown: the
planner looks before it writes again.
"""

from dataclasses import replace
from urllib.parse import unquote, urlencode
from xml.etree.ElementTree import Element

from cospaced.cms.codec import (
    LIMIT,
    Fields,
    MalformedAnswer,
    encode_form,
    looks_like_page,
    parse,
)
from cospaced.cms.errors import is_missing, reasons, refusal
from cospaced.cms.gate import Gate, Priority
from cospaced.cms.requests import ROOT, ApiRequest
from cospaced.cms.standing import HeldBack, Standing
from cospaced.domain.writes import Outcome, Result
from cospaced.errors import ApiError, Unreachable
from cospaced.host.web import Answer, Web, WebError
from cospaced.ports import Clock
from cospaced.settings import Secret


PAUSE = 0.2
"""Seconds before a read is asked again, as a client that has driven CMS for years does."""

_SUCCESS = (200, 201, 204)
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_BUSY = 503
_SERVER = 500
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_NO_ANSWER = ("timeout", "connection", "certificate")
"""WebError's kinds that Unreachable has too; the others are answers, but none of the API."""


class Missing(ApiError):
    """What was asked for does not exist."""


class Channel:
    """The way to one Call Bridge; `timeout` in seconds holds for a request and its repetition."""

    def __init__(  # noqa: PLR0913 - what a way consists of; all named
        self,
        *,
        name: str,
        address: str,
        username: str,
        password: Secret,
        web: Web,
        clock: Clock,
        concurrency: int,
        timeout: float,
    ) -> None:
        self.name = name
        self._address = address.rstrip("/")
        self._username = username
        self._password = password
        self._web = web
        self._clock = clock
        self._timeout = timeout
        self._gate = Gate(concurrency, clock)
        self._standing = Standing(clock)

    @property
    def sound(self) -> bool:
        """Whether a request would be sent rather than held back."""
        return self._standing.sound

    async def read(self, path: str, priority: Priority, query: Fields = ()) -> Element:
        """GET a node and return its root element.

        Raises Missing where CMS says that it does not exist, ApiError where CMS gives another
        reason, Unreachable where there was no answer of the API.
        """
        target = f"{ROOT}/{path}"
        if query:
            target += "?" + urlencode(query)
        try:
            answer = await self._ask("GET", target, None, priority)
        except (WebError, HeldBack) as error:
            known = (*_NO_ANSWER, "login")
            raise Unreachable(error.kind if error.kind in known else "nonsense", str(error)) from (
                error
            )
        if answer.status not in _SUCCESS:
            raise self._refused(answer, target)
        try:
            return parse(answer.body)
        except MalformedAnswer as error:
            raise self.nonsense(f"{target}: {error}") from error

    async def send(self, request: ApiRequest, priority: Priority) -> Outcome:
        """Carry out one write, once, and say how it ended."""
        body = encode_form(request.form) if request.method != "DELETE" else None
        try:
            answer = await self._ask(request.method, request.path, body, priority)
        except WebError as error:
            return Outcome(result=Result.UNKNOWN, reason=str(error), sent=error.sent)
        except HeldBack as error:
            return Outcome(result=Result.UNKNOWN, reason=str(error), sent=False)
        return replace(self._outcome(request, answer), status=answer.status)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    def nonsense(self, what: str) -> Unreachable:
        """Return the error for what is no answer of the API."""
        text = f"{self._address} does not answer as the API of CMS does ({what}); see [cms] address"
        return Unreachable("nonsense", text)

    async def _ask(
        self, method: str, target: str, body: bytes | None, priority: Priority
    ) -> Answer:
        await self._gate.enter(priority)
        try:
            self._standing.admit()
            answer = await self._asked_again(method, target, body)
        finally:
            self._gate.leave()
        if answer.status == _UNAUTHORIZED:
            text = f"{self._address} refuses the log-in of {self._username!r}; see [cms] password"
            self._standing.refused_login(text)
            # Nothing was done, as surely as if it had never been sent.
            raise HeldBack("login", text)
        return answer

    async def _asked_again(self, method: str, target: str, body: bytes | None) -> Answer:
        """Ask, and once more where nothing can have been done twice by that."""
        began = self._clock.monotonic()
        result = await self._attempt(method, target, body, self._timeout)
        left = self._timeout - (self._clock.monotonic() - began) - PAUSE
        if left > 0 and self._worth_asking_again(method, result):
            await self._clock.sleep(PAUSE)
            result = await self._attempt(method, target, body, left)
        if isinstance(result, WebError):
            if result.kind in _NO_ANSWER:
                self._standing.broke(result.kind, str(result), began)
            raise result
        return result

    def _worth_asking_again(self, method: str, result: Answer | WebError) -> bool:
        if not self._standing.sound:
            return False
        if isinstance(result, WebError):
            return method == "GET" and result.kind == "connection"
        return result.status == _UNAUTHORIZED or (method == "GET" and result.status == _BUSY)

    async def _attempt(
        self, method: str, target: str, body: bytes | None, seconds: float
    ) -> Answer | WebError:
        try:
            return await self._once(method, target, body, seconds)
        except WebError as error:
            return error

    async def _once(self, method: str, target: str, body: bytes | None, seconds: float) -> Answer:
        answer = await self._web.request(
            method,
            self._address + target,
            headers=_FORM if body is not None else {},
            body=body,
            total=seconds,
            limit=LIMIT,
            username=self._username,
            password=self._password,
        )
        self._standing.answered(welcome=answer.status != _UNAUTHORIZED)
        return answer

    def _refused(self, answer: Answer, target: str) -> Exception:
        """Return what a read that was not granted raises."""
        given = reasons(answer.body)
        reason = refusal(answer.status, given)
        if is_missing(answer.status, answer.body, given):
            return Missing(reason, f"{self.name}: {target}: {reason}")
        if answer.status >= _SERVER:
            return Unreachable("busy", f"{self._address} is busy or starting ({reason})")
        if given:
            return ApiError(reason, f"{self.name} refuses {target}: {reason}")
        if answer.status == _FORBIDDEN:
            text = f"{self._address} gives {self._username!r} no right to use its API"
            return Unreachable("login", text)
        if answer.body.strip() or answer.status < 400:  # noqa: PLR2004 - a redirect, or a page
            return self.nonsense(f"{target}: status {answer.status}")
        return ApiError(reason, f"{self.name} refuses {target}: {reason}")

    def _outcome(self, request: ApiRequest, answer: Answer) -> Outcome:
        given = reasons(answer.body)
        reason = refusal(answer.status, given)
        if answer.status in _SUCCESS and not looks_like_page(answer.body):
            return Outcome(result=Result.DONE, id=_made(answer))
        if request.method == "DELETE" and is_missing(answer.status, answer.body, given):
            return Outcome(result=Result.DONE, reason=reason)
        if answer.status >= _SERVER:
            # 503 asks to be tried again later; it does not promise that nothing was done.
            busy = "busy" if answer.status == _BUSY and not given else reason
            return Outcome(result=Result.UNKNOWN, reason=busy)
        if given or (answer.status >= 400 and not answer.body.strip()):  # noqa: PLR2004 - refusals
            return Outcome(result=Result.REFUSED, reason=reason)
        return Outcome(result=Result.UNKNOWN, reason=str(self.nonsense(f"status {answer.status}")))


def _made(answer: Answer) -> str:
    """Return the id of a made object: the last element of the Location's path; empty without."""
    path = answer.headers.get("location", "").partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2])

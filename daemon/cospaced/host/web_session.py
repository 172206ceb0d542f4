"""An httpx client for a library that speaks its own protocol by one, carried by a `Web`.

Such a library keeps to its protocol; TLS, limits, dead connections, and who is told the password
are decided here. Nothing is stored between requests but connections and the login's scheme:
cookies are dropped, proxies of the environment are not asked, redirects are answers.
"""

import asyncio
import re
from collections.abc import Callable, Generator
from urllib.request import parse_http_list

import httpx

from cospaced.host.web import Web, WebError
from cospaced.settings import Secret


_SAID_BY_WEB = frozenset({
    "accept", "accept-encoding", "connection", "content-length", "host", "user-agent",
})  # fmt: skip
_NOT_PASSED_ON = frozenset({
    "content-encoding", "content-length", "transfer-encoding", "set-cookie", "www-authenticate",
})  # fmt: skip
_CHALLENGE = re.compile(r",\s*(?=(?:Basic|Digest|Bearer|Negotiate|NTLM)\b)", re.IGNORECASE)
_HASHES = frozenset(
    f"{name}{session}" for name in ("MD5", "SHA", "SHA-256", "SHA-512") for session in ("", "-SESS")
)
_UNAUTHORIZED = 401

Flow = Generator[httpx.Request, httpx.Response, None]


class Login(httpx.Auth):
    """Basic or Digest (RFC 7617, RFC 7616), as the server asks.

    Over TLS, Basic goes with the first request. Without TLS nothing is said until the server has
    asked, so that one which takes Digest never hears the password in clear. `scheme` is what is
    known of the server: nothing, `basic` or `digest`; `foreign` says how one wants it that takes
    neither, as far as they are spoken here.
    """

    def __init__(self, username: str, password: Secret, scheme: str = "") -> None:
        self._basic = httpx.BasicAuth(username, password.reveal())
        self._digest = httpx.DigestAuth(username, password.reveal())
        self.scheme = scheme
        self.foreign = ""

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Yield the request as often as it takes to be let in or refused."""
        # Digest says the username as it is.
        request.headers.encoding = "utf-8"
        response = yield from self._answered(request)
        asked = _challenges(response) if response.status_code == _UNAUTHORIZED else []
        schemes = dict.fromkeys(one.split(None, 1)[0] for one in asked)
        self.foreign = "" if any(map(_is_spoken, asked)) else ", ".join(schemes)

    def _answered(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
        """Yield the request as often as it takes, and return the last response."""
        if self.scheme == "digest":
            response = yield from _driven(self._digest, request)
            if response.status_code != _UNAUTHORIZED or "digest" in _offered(response):
                return response
            self.scheme = ""
            del request.headers["Authorization"]
        told = self.scheme == "basic" or request.url.scheme == "https"
        response = yield from _driven(self._basic, request) if told else _driven(None, request)
        offered = _offered(response) if response.status_code == _UNAUTHORIZED else {"basic"}
        if "digest" in offered:
            request.headers.pop("Authorization", None)
            self.scheme = "digest"
            return (yield from _driven(self._digest, request))
        if not told and "basic" in offered:
            # Also where strangers are answered: they may see less than this user.
            response = yield from _driven(self._basic, request)
        if response.status_code != _UNAUTHORIZED:
            self.scheme = "basic"
        return response


class Session(httpx.AsyncClient):
    """A client whose requests go by `web`, each answer of at most `limit` bytes.

    What the library gets of an answer is what `legible` makes of its body.
    What it is asked until `deadline` (of the running loop's clock) ends by then. `requests` counts
    what was sent. Every request is taken for one that may be repeated: this is for reading. Raises
    WebError where httpx would raise its own.
    """

    def __init__(self, web: Web, limit: int, legible: Callable[[bytes], bytes]) -> None:
        self._carrier = _Carrier(web, limit, legible)
        super().__init__(transport=self._carrier, trust_env=False, follow_redirects=False)

    @property
    def requests(self) -> int:
        """How many requests were sent since `begin`."""
        return self._carrier.requests

    def begin(self, deadline: float) -> None:
        """Begin a piece of work that ends by a deadline."""
        self._carrier.requests = 0
        self._carrier.deadline = deadline


class _Carrier(httpx.AsyncBaseTransport):
    def __init__(self, web: Web, limit: int, legible: Callable[[bytes], bytes]) -> None:
        self._web = web
        self._limit = limit
        self._legible = legible
        self.deadline = 0.0
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._carry(request)
        except WebError as error:
            # A kept connection may be reset at the very moment it is used again.
            if error.kind != "connection" or not error.sent:
                raise
        return await self._carry(request)

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        content = await request.aread()
        answer = await self._web.request(
            request.method,
            str(request.url),
            headers={k: v for k, v in request.headers.items() if k not in _SAID_BY_WEB},
            body=content or None,
            total=max(0.05, self.deadline - asyncio.get_running_loop().time()),
            limit=self._limit,
        )
        headers = [(k, v) for k, v in answer.headers.items() if k not in _NOT_PASSED_ON]
        # httpx reads each challenge from a header of its own, where the answer has them in one, and
        # takes the first Digest, whether it can speak it or not.
        asked = _CHALLENGE.split(answer.headers.get("www-authenticate", ""))
        asked.sort(key=_is_spoken, reverse=True)
        headers += [("www-authenticate", one) for one in asked if one]
        body = self._legible(answer.body)
        return httpx.Response(answer.status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        await self._web.close()


def _driven(
    auth: httpx.Auth | None, request: httpx.Request
) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
    """Go through another login's flow, and return the last response, which that one drops."""
    if auth is None:
        return (yield request)
    flow = auth.auth_flow(request)
    asked = next(flow)
    while True:
        response = yield asked
        try:
            asked = flow.send(response)
        except StopIteration:
            return response


def _offered(response: httpx.Response) -> set[str]:
    """Return the schemes by which a server lets in, of those that are spoken here."""
    return {one.split(None, 1)[0].lower() for one in _challenges(response) if _is_spoken(one)}


def _challenges(response: httpx.Response) -> list[str]:
    return [one for one in response.headers.get_list("www-authenticate") if one.strip()]


def _is_spoken(challenge: str) -> bool:
    """Whether it is Basic, or a Digest that httpx has the hash and the quality for."""
    scheme, _, rest = challenge.strip().partition(" ")
    if scheme.lower() != "digest":
        return scheme.lower() == "basic"
    fields = [field.partition("=") for field in parse_http_list(rest)]
    said = {name.strip(): value.strip('"') for name, _, value in fields}
    return (
        all(equals for _, equals, _ in fields)
        and {"realm", "nonce"} <= said.keys()
        and said.get("algorithm", "MD5").upper() in _HASHES
        and ("qop" not in said or "auth" in re.split(", ?", said["qop"]))
    )

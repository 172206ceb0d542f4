"""How CalDAV servers ask for logins: stale nonces, names beyond ASCII, hashes that nobody has."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from cospaced.domain.calendar import Reading
from support.caldav_rooms import Desk, caldav_source
from support.caldav_servers import PASSWORD
from support.caldav_writers import InlinePool
from support.ical import calendar, event
from support.scripted_caldav import ScriptedCaldav, scripted_caldav
from support.web_server import Reply, Seen


ONE = calendar(event("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z", uid="one"))
MD5 = 'Digest realm="rooms", nonce="NONCE", qop="auth-int,auth", opaque="o"'
UNSPOKEN = 'Digest realm="rooms", nonce="NONCE", qop="auth", algorithm=SHA-512-256'


@dataclass
class Proving:
    """Lets in whom Digest (RFC 7616, MD5) proves; each nonce is good for `uses` requests."""

    user: str
    challenge: str = MD5
    uses: int = 1000
    nonce: int = 0
    used: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self, _kind: str, seen: Seen) -> Reply | None:
        said = seen.headers.get("authorization", "")
        self.asked.append(said)
        self.used += 1
        if self.used <= self.uses and self._proves(seen.method, said):
            return None
        self.nonce, self.used = self.nonce + 1, 0
        challenge = self.challenge.replace("NONCE", f"n{self.nonce}")
        return Reply(401, {"WWW-Authenticate": challenge})

    def _proves(self, method: str, said: str) -> bool:
        found = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
        if found.get("username") != self.user or found["nonce"] != f"n{self.nonce}":
            return False
        first = _md5(f"{self.user}:rooms:{PASSWORD}")
        second = _md5(f"{method}:{found['uri']}")
        counted = ":".join(found[name] for name in ("nonce", "nc", "cnonce", "qop"))
        return found["response"] == _md5(f"{first}:{counted}:{second}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedCaldav]:
    async with scripted_caldav() as server:
        server.put("one.ics", ONE)
        yield server


@pytest.fixture
async def pool() -> AsyncIterator[InlinePool]:
    pool = InlinePool()
    yield pool
    await pool.close()


async def read(server: ScriptedCaldav, pool: InlinePool, user: str = "aula") -> list[Reading]:
    """Poll twice."""
    async with caldav_source(server.url, username=user, pool=pool) as source:
        desk = Desk(source, server.url)
        return [await desk.poll() for _ in range(2)]


async def test_a_nonce_that_went_stale_costs_one_more_request(
    server: ScriptedCaldav, pool: InlinePool
):
    server.instead = Proving("aula", uses=1)
    first, second = await read(server, pool)
    assert [o.uid for o in first.occurrences] == ["one"]
    assert (second.unchanged, second.requests) == (True, 2)


async def test_a_username_may_have_letters_beyond_ascii(server: ScriptedCaldav, pool: InlinePool):
    server.instead = Proving("Büro Süd")
    first, second = await read(server, pool, "Büro Süd")
    assert [o.uid for o in first.occurrences] == ["one"]
    assert second.requests == 1


async def test_of_several_kinds_of_digest_one_is_taken_that_is_spoken(
    server: ScriptedCaldav, pool: InlinePool
):
    server.instead = Proving("aula", f"{UNSPOKEN}, {MD5}")
    first, _ = await read(server, pool)
    assert [o.uid for o in first.occurrences] == ["one"]


async def test_basic_is_taken_where_no_digest_is_spoken(server: ScriptedCaldav, pool: InlinePool):
    proving = Proving("aula", f'{UNSPOKEN}, Basic realm="rooms"')
    server.instead = lambda kind, seen: (
        None if seen.headers.get("authorization", "").startswith("Basic ") else proving(kind, seen)
    )
    first, _ = await read(server, pool)
    assert [o.uid for o in first.occurrences] == ["one"]


@pytest.mark.parametrize(
    "challenge",
    [
        UNSPOKEN,
        'Digest realm="rooms", nonce="NONCE", qop="auth-int"',
        'Digest realm="rooms"',
        "Digest ???,,,===",
        "Negotiate",
        'Bearer realm="rooms"',
    ],
)
async def test_a_login_that_is_not_spoken_is_told_and_no_password_is_blamed(
    server: ScriptedCaldav, pool: InlinePool, challenge: str
):
    server.instead = proving = Proving("aula", challenge)
    async with caldav_source(server.url, pool=pool) as source:
        error = await Desk(source, server.url).error()
    assert error.kind == "login"
    assert f"wants a login by {challenge.split(' ', maxsplit=1)[0]}: have it take" in str(error)
    assert proving.asked == [""]

"""The Bridge port over the API of one Call Bridge."""

from cospaced.cms.channel import Channel
from cospaced.cms.dial_rate import DialRate
from cospaced.cms.gate import Priority, priority_of
from cospaced.cms.installation import InstallationLooks
from cospaced.cms.looks import Looks
from cospaced.cms.requests import described, to_request
from cospaced.domain.writes import DialEndpoint, Outcome, Result, Write
from cospaced.host.web import Web
from cospaced.ports import Bridge, Clock
from cospaced.settings import Secret


class CmsBridge(Looks):
    """One Call Bridge, with a `web` (keep-alive client) of its own, which `close` closes.

    `address`: base URL without a path; `timeout`: seconds for one request, once it has its turn;
    `dial_rate`: shared by all bridges of the daemon. After a refused log-in nothing is asked for a
    minute; other credentials make another object.
    """

    def __init__(  # noqa: PLR0913 - what a bridge consists of; most are named
        self,
        name: str,
        address: str,
        username: str,
        password: Secret,
        *,
        web: Web,
        clock: Clock,
        concurrency: int = 8,
        timeout: float = 10.0,
        dial_rate: DialRate | None = None,
    ) -> None:
        channel = Channel(
            name=name,
            address=address,
            username=username,
            password=password,
            web=web,
            clock=clock,
            concurrency=concurrency,
            timeout=timeout,
        )
        super().__init__(channel, Priority.VERIFY)
        self._dial_rate = dial_rate or DialRate(None, clock)
        self.address = address
        self._auditing = _Auditing(self, channel)
        self.installation = InstallationLooks(channel, Priority.AUDIT)
        """What an administrator set up on it; these looks wait behind everything else."""

    @property
    def auditing(self) -> Bridge:
        """The same bridge for looks that may wait behind everything else."""
        return self._auditing

    def describe(self, write: Write) -> str:
        """Return the request that carries a write out, without secrets."""
        return described(write)

    async def write(self, write: Write) -> Outcome:
        """Carry out one write, once; see `Outcome`.

        *Done* without an id (a POST whose answer has no Location) means that a look must find the
        object. *Unknown* with `sent` False means that nothing was done: no connection was had, the
        bridge is held back after a fault, or it refused the log-in. *Refused* carries CMS's own
        reason alone (`callDoesNotExist`; `parameterError secret invalidValue`), or `status 4xx`.
        """
        try:
            request = to_request(write)
        except ValueError as error:
            return Outcome(result=Result.REFUSED, reason=str(error), sent=False)
        if isinstance(write, DialEndpoint) and self._channel.sound:
            await self._dial_rate.turn()
        return await self._channel.send(request, priority_of(write))

    async def close(self) -> None:
        """Free its connections."""
        await self._channel.close()


class _Auditing(Looks):
    """The looks of a bridge, behind everything else; what it writes is as urgent as ever."""

    def __init__(self, bridge: CmsBridge, channel: Channel) -> None:
        super().__init__(channel, Priority.AUDIT)
        self._bridge = bridge

    @property
    def auditing(self) -> Bridge:
        """Itself."""
        return self

    def describe(self, write: Write) -> str:
        """As the bridge does."""
        return self._bridge.describe(write)

    async def write(self, write: Write) -> Outcome:
        """As the bridge does."""
        return await self._bridge.write(write)

    async def close(self) -> None:
        """As the bridge does."""
        await self._bridge.close()

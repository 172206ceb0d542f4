"""One bridge as its clients meet it: latency, faults, silence and death around the service.

A request's effect happens at its own moment even when its client has given up by then: a waiting
request whose task is cancelled is left to the agenda. That is what "no answer" means in reality,
and it needs no task of its own.
"""

import asyncio

from cospaced.simulator.api.asking import Reply
from cospaced.simulator.faults import Fault, Faults, Rule
from cospaced.simulator.records import BridgeState
from cospaced.simulator.refusals import Refusal
from cospaced.simulator.request_log import Logged, RequestLog
from cospaced.simulator.service import Request, Service, Target, locate


class ConnectionRefused(ConnectionRefusedError):
    """Nobody listens."""

    def __init__(self) -> None:
        super().__init__("connection refused")


class ConnectionLost(ConnectionResetError):
    """The connection was closed before an answer came."""

    def __init__(self) -> None:
        super().__init__("connection closed without an answer")


class Unanswered(Exception):
    """No answer will ever come; whoever carries the request must wait for its client to go."""


_NO_RULE = Rule(method="*", node="*", fault=Fault.SLOW)


class Wire:
    """Carries requests to one bridge."""

    def __init__(
        self, service: Service, bridge: BridgeState, faults: Faults, log: RequestLog
    ) -> None:
        self.bridge = bridge
        self._service = service
        self._state = service.state
        self._faults = faults
        self._log = log

    async def exchange(self, request: Request, client: str = "127.0.0.1") -> Reply:
        """Return the reply to a request.

        Raises ConnectionRefused, ConnectionLost or Unanswered where there is none.
        """
        state, bridge = self._state, self.bridge
        target = locate(request.path)
        state.agenda.settle()
        boots = bridge.boots
        self._need_reach(request, target, client)
        rule = self._faults.draw(state.knobs, bridge.name, request.method, target.label)
        rule = rule or _NO_RULE
        await self._wait_before(request, target, rule, client)
        if bridge.boots != boots:
            self._lose(request, target, client, ConnectionLost())
        self._need_reach(request, target, client)
        reply = self._reply(request, target, rule, client)
        self._note(request, target, client, reply)
        await self._wait(rule.after, state.knobs.latency_after)
        state.agenda.settle()
        if bridge.boots != boots:
            raise ConnectionLost
        return reply

    def _need_reach(self, request: Request, target: Target, client: str) -> None:
        bridge = self.bridge
        if bridge.alive and not bridge.cut_off:
            return
        self._lose(request, target, client, Unanswered() if bridge.silent else ConnectionRefused())

    async def _wait_before(self, request: Request, target: Target, rule: Rule, client: str) -> None:
        agenda = self._state.agenda
        began = agenda.moment
        seconds = rule.before + self._drawn(self._state.knobs.latency_before)
        if seconds <= 0:
            return
        try:
            await agenda.clock.sleep(seconds)
        except asyncio.CancelledError:
            if self._state.knobs.effect_survives_disconnect:
                boots = self.bridge.boots

                def orphan() -> None:
                    if self.bridge.boots == boots and self.bridge.alive:
                        self._orphaned(request, target, rule, client)

                agenda.after(began + seconds - agenda.moment, orphan)
            raise
        agenda.settle()

    def _orphaned(self, request: Request, target: Target, rule: Rule, client: str) -> None:
        if rule.fault not in _WITHOUT_EFFECT and not self._starting():
            effect = self._service.handle(self.bridge, request, target).effect
            self._note(request, target, client, Reply(0, effect=effect))

    def _starting(self) -> bool:
        return self.bridge.busy_until > self._state.agenda.moment

    def _reply(self, request: Request, target: Target, rule: Rule, client: str) -> Reply:
        fault = rule.fault
        if fault is Fault.BUSY or self._starting():
            return Reply(503)
        if fault is Fault.LOST_BEFORE:
            self._lose(request, target, client, ConnectionLost())
        if fault is Fault.SILENT_BEFORE:
            self._lose(request, target, client, Unanswered())
        if fault is Fault.REFUSED:
            return Reply(400, Refusal(rule.reason).body())
        reply = self._service.handle(self.bridge, request, target)
        if fault is Fault.LOST_AFTER:
            self._lose(request, target, client, ConnectionLost(), reply.effect)
        if fault is Fault.SILENT_AFTER:
            self._lose(request, target, client, Unanswered(), reply.effect)
        return reply

    def _lose(
        self, request: Request, target: Target, client: str, how: Exception, effect: str = ""
    ) -> None:
        self._note(request, target, client, Reply(0, effect=effect))
        raise how

    def _note(self, request: Request, target: Target, client: str, reply: Reply) -> None:
        self._log.add(
            Logged(
                self._state.agenda.wall(),
                self.bridge.name,
                client,
                self.bridge.username,
                request.method,
                request.path,
                request.query,
                target.label,
                request.body,
                reply.status,
                len(reply.body),
                reply.location,
                reply.effect,
            )
        )

    def _drawn(self, bounds: tuple[float, float]) -> float:
        low, high = bounds
        return low if low == high else self._state.entropy.uniform(low, high)

    async def _wait(self, more: float, bounds: tuple[float, float]) -> None:
        seconds = more + self._drawn(bounds)
        if seconds > 0:
            await self._state.agenda.clock.sleep(seconds)


_WITHOUT_EFFECT = frozenset((Fault.BUSY, Fault.LOST_BEFORE, Fault.SILENT_BEFORE, Fault.REFUSED))

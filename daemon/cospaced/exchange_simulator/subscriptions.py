"""Who wants to be told of changes, and how far they have been told."""

from dataclasses import dataclass

from cospaced.exchange_simulator.markup import tag, text
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Event, Mailbox, State


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """One subscription to a calendar; `told` is the number of the last change it was told."""

    id: str
    box: Mailbox
    events: frozenset[str]
    told: int
    used_at: float
    listeners: int = 0

    def news(self) -> list[Event]:
        """Return the changes that it has not been told yet, and count them as told."""
        found = [
            event
            for event in self.box.events
            if event.number > self.told and event.name in self.events
        ]
        self.told = self.box.number
        return found

    def notification(self, events: list[Event]) -> str:
        """Return `m:Notification`; without events it says that all is quiet."""
        inside = [self._event(event) for event in events] or [tag("t:StatusEvent")]
        return tag("m:Notification", text("t:SubscriptionId", self.id), *inside)

    def _event(self, event: Event) -> str:
        return tag(
            f"t:{event.name}",
            text("t:TimeStamp", event.at),
            tag("t:ItemId", Id=event.item_id, ChangeKey=event.change_key),
            tag("t:ParentFolderId", Id=self.box.folders["calendar"]),
        )


class Subscriptions:
    """All of them, by id."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._held: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._held)

    def make(self, box: Mailbox, events: frozenset[str]) -> Subscription:
        """Subscribe to a mailbox's calendar from now on."""
        made = Subscription(
            id=self._state.entropy.uuid().replace("-", ""),
            box=box,
            events=events,
            told=box.number,
            used_at=self._state.clock.monotonic(),
        )
        self._held[made.id] = made
        return made

    def find(self, identity: str) -> Subscription | None:
        """Return a subscription that has not been forgotten."""
        found = self._held.get(identity)
        if found is None or found.listeners:
            return found
        idle = self._state.clock.monotonic() - found.used_at
        if idle > self._state.knobs.subscription_seconds:
            del self._held[identity]
            return None
        return found

    def end(self, identity: str) -> None:
        """Unsubscribe; Refusal where there is no such subscription."""
        if self.find(identity) is None:
            raise Refusal("ErrorSubscriptionNotFound")
        del self._held[identity]

    def forget(self) -> None:
        """Lose every subscription, as a restarted server does."""
        self._held.clear()

"""The demo's calendars as room mailboxes of a simulated Exchange, over HTTPS with NTLM.

Rooms accept by themselves. One of them does to titles what Exchange does unless told otherwise.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cospaced.commands.demonstration.site import (
    ROOM_DOMAIN,
    ROOMS,
    USERNAME,
    Invitation,
    write_secret,
)
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.records import Item, Person
from cospaced.exchange_simulator.rights import Account
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.exchange_simulator.serve import Identity, serve
from cospaced.exchange_simulator.state import Processing
from cospaced.ports import Clock, Entropy
from cospaced.simulator.certificates import certificates_for


_SPOILT = ROOMS[0]
"""The room whose mailbox writes the organizer's name before the subject."""
_SECTION = """\
[calendar:exchange]
type = exchange
server = {url}
auth = ntlm
username = {username}
password_file = exchange.password
ca_file = exchange/ca.pem
"""


class Mailboxes:
    """Calendars in an Exchange that listens at `url`."""

    def __init__(self, exchange: Exchange, url: str) -> None:
        self._exchange = exchange
        self._scenarios = exchange.scenarios
        self._items: dict[str, Item] = {}
        self.section = _SECTION.format(url=url, username=USERNAME)
        for room in ROOMS:
            spoilt = room == _SPOILT
            keeps = Processing(delete_subject=False, add_organizer_to_subject=spoilt)
            self._scenarios.add_room(_mailbox_of(room), room, processing=keeps)

    def keys_of(self, room: str) -> str:
        """Return the keys of a room's section."""
        return f"calendar = exchange\nmailbox = {_mailbox_of(room)}"

    def invite(self, invitation: Invitation) -> str:
        """Send an invitation, or the update of one; see Calendars."""
        item = self._items.get(invitation.uid)
        if item is None:
            item = self._items[invitation.uid] = self._sent(invitation)
            return self._spoilt_title(item) if _SPOILT in invitation.rooms else ""
        if item.content.end != invitation.end:
            self._scenarios.update(item, end=invitation.end)
        invited = {one.address for one in item.content.invited}
        for room in invitation.rooms:
            if _mailbox_of(room) not in invited:
                self._scenarios.add_to(item, _mailbox_of(room))
        return ""

    def _sent(self, invitation: Invitation) -> Item:
        return self._scenarios.invite(
            Person(address=invitation.address, name=invitation.organizer),
            [_mailbox_of(room) for room in invitation.rooms],
            invitation.start,
            invitation.end - invitation.start,
            wording=Wording(subject=invitation.title, time_zone="UTC"),
            uid=invitation.uid,
        )

    def _spoilt_title(self, item: Item) -> str:
        subject = self._scenarios.copy(_mailbox_of(_SPOILT), item).content.subject
        return f"{_SPOILT}'s mailbox calls it '{subject}' (AddOrganizerToSubject)"


@asynccontextmanager
async def mailboxes(folder: Path, clock: Clock, entropy: Entropy) -> AsyncIterator[Mailboxes]:
    """Run an Exchange until the block is left; its files are kept in the demo's folder."""
    password = entropy.token(12).hex()
    write_secret(folder / "exchange.password", password)
    exchange = Exchange(clock, entropy)
    rooms = frozenset(_mailbox_of(room) for room in ROOMS)
    exchange.grant(Account(name=USERNAME, password=password, impersonates=rooms))
    made = await certificates_for(folder / "exchange", "localhost", clock.now())
    identity = Identity(certificate=made.file, key=made.key)
    async with serve(exchange, folder=folder / "exchange", identity=identity) as served:
        yield Mailboxes(exchange, served.url)


def _mailbox_of(room: str) -> str:
    return f"{room.lower()}@{ROOM_DOMAIN}"

"""Who may log in, and whose mailboxes they may open.

An account owns a mailbox, or impersonates others (ApplicationImpersonation, full_access_as_app), or
was given rights in single ones as a delegate.
"""

from dataclasses import dataclass

from cospaced.exchange_simulator.refusals import Refusal, SoapFault
from cospaced.exchange_simulator.state import Mailbox, State


EVERYBODY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who logs in; for OAuth `name` is a client id and `password` its secret."""

    name: str
    password: str
    mailbox: str = ""
    impersonates: frozenset[str] = frozenset()
    """Addresses in lower case, or EVERYBODY."""
    delegate_of: frozenset[str] = frozenset()
    """As above."""


class Rights:
    """The accounts, and what they may open."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._accounts: dict[str, Account] = {}

    def grant(self, account: Account) -> None:
        """Add an account, or replace the one of that name."""
        self._accounts[account.name.lower()] = account

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account."""
        return tuple(self._accounts.values())

    def account(self, name: str) -> Account | None:
        """Return an account by name, in any case, with or without an NT domain before it."""
        key = name.lower()
        return self._accounts.get(key) or self._accounts.get(key.rpartition("\\")[2])

    def impersonated(self, account: Account, address: str) -> Mailbox:
        """Return the mailbox whose owner an account acts as; SoapFault where it may not."""
        box = self._state.mailboxes.get(address.lower())
        if box is None:
            raise SoapFault("ErrorNonExistentMailbox")
        if not self.acts_for(account, box):
            raise SoapFault("ErrorImpersonateUserDenied")
        return box

    def acts_for(self, account: Account, box: Mailbox) -> bool:
        """Whether an account may act as the owner of a mailbox."""
        return _holds(account.impersonates, box)

    def opened(self, account: Account, address: str) -> Mailbox:
        """Return a mailbox that an account opens in its own name; Refusal where it may not."""
        box = self._state.mailboxes.get(address.lower())
        if box is None:
            raise Refusal("ErrorNonExistentMailbox")
        if box.address != account.mailbox.lower() and not _holds(account.delegate_of, box):
            raise Refusal("ErrorAccessDenied")
        return box


def _holds(addresses: frozenset[str], box: Mailbox) -> bool:
    return EVERYBODY in addresses or box.address in addresses

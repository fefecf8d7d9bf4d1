"""People: what the line may know of the shopper in front of it, and everything that comes in about shoppers.

Facts are in memory only for who is in the shop (`presence`): brought at the first move of a visit, dropped after the last, so
memory doesn't grow with membership. The methods that take a connection run in the writer's transaction, `read` in the reader's; all
others in the line's own thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace

from gateway.messages import (
    AnyEvent,
    Event,
    OptInGiven,
    OptInWithdrawn,
    Outcome,
    Profile,
    Purchase,
    PurchaseReturned,
    Receipt,
)
from gateway.model import ShopperNow
from gateway.objections import Objection
from gateway.shoppers import facts, intake, purchases, said
from gateway.shoppers.consent import ConsentDecision, as_received
from gateway.shoppers.identities import BeaconIdentity, Identities
from gateway.shoppers.optins import OptIn
from gateway.shoppers.presence import KnownFacts, Presence
from gateway.shoppers.profiles import declared_attributes
from gateway.shoppers.purchases import Bought
from gateway.shoppers.registry import ConsentRegistry, identity_in
from gateway.storage import Connection, Store, Transaction, consents, identities, profiles
from gateway.storage.journey import VisitRecord
from gateway.storage.keys import Keys
from rules import PURPOSES
from rules.engine.book import Book
from rules.format.document import Attention

BY_FILE = "file"
"""Text version and channel of a consent that stands in the opt-ins file."""


class People:
    """Everyone who opted in: recognised through `identities`, remembered in `store`.

    `source`: this gateway's name in events; what is said at the box is told to the backend under it (None: not told).
    """

    def __init__(
        self,
        store: Store,
        identities_: Identities,
        keys: Keys,
        clock: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        on_withdrawn: Callable[[str], None] | None = None,
        source: str | None = None,
    ) -> None:
        self._store = store
        self._identities = identities_
        self._clock = clock
        self._trusted = trusted
        self._source = source
        self._presence = Presence(Attention())
        self._declared = declared_attributes(())
        self._registry = ConsentRegistry(keys.digest, lambda purposes: self._declared.readable(purposes), said.SaidAtBox(keys))
        self.left_out: Counter[str] = Counter()
        """Parts of messages that were not kept, by reason."""
        self.on_withdrawn = on_withdrawn or self.forget
        """Called once a withdrawal is committed; in the gateway the line's `forget`, which empties every room's memory."""
        self.erasing = True
        """Erased bytes may still stand in the file, its log or a key. True at the start too, for what a crash left."""
        self.marks: set[bytes] = set()
        """What to look for in the file: bytes of those who were erased since it was last scrubbed."""

    @property
    def here(self) -> frozenset[str]:
        """Return whose facts are in memory now."""
        return self._presence.here

    def everyone(self) -> list[str]:
        """Return everyone in memory: members to be recognised, and who is in the shop."""
        return list({*self._identities.members(), *self._presence.here})

    # ---- what the line asks and tells --------------------------------------------------------------------------------------

    def knows(self, shopper: str, at_s: float) -> bool:
        """Tell whether a shopper's facts are at hand and up to date."""
        return self._presence.knows(shopper, at_s)

    def shopper_now(self, shopper: str, at_s: float) -> ShopperNow | None:
        """Return what is known of a shopper; None when they are not to be recognised, or their facts aren't at hand."""
        return self._presence.shopper_now(shopper, at_s)

    def await_facts(self, shopper: str) -> None:
        """Note that a shopper's facts are being read from here on."""
        self._presence.await_facts(shopper)

    def read(self, connection: Connection, shopper: str, at_s: float) -> KnownFacts | None:
        """Read a shopper's facts; None without consent to be recognised. From any thread."""
        return facts.read_known(connection, shopper, at_s, self._declared)

    def arrive(self, shopper: str, known: KnownFacts | None, at_s: float) -> bool:
        """Take the facts that were read; False: something was written meanwhile, read again."""
        return self._presence.arrive(shopper, known, at_s)

    def spend(self, shopper: str, tokens: float, at_s: float) -> None:
        """Draw on a shopper's attention: what was promised just now cost so many tokens."""
        if tokens <= 0:
            return
        rates = self._presence.rates
        self._presence.spend(shopper, tokens, at_s)
        self._store.writer.submit(lambda connection: intake.draw(connection, shopper, tokens, rates, at_s))

    def visited(self, shopper: str, visit: str, started_at_s: float, ended_at_s: float, zones: Sequence[str]) -> None:
        """Keep a visit that is over, see whether the shopper's stage changes, and forget the facts."""
        self._presence.forget(shopper)
        over = VisitRecord(visit, shopper, started_at_s, ended_at_s, list(zones))
        self._store.writer.submit(lambda connection: intake.visit_over(connection, over))

    def forget(self, shopper: str) -> None:
        """Drop what is in memory about a shopper."""
        self._presence.forget(shopper)
        self._identities.forget(shopper)

    # ---- at the start, and when a rule book goes live ----------------------------------------------------------------------

    def load(self, now_s: float) -> int:
        """Have everyone recognised who consented to it; how many."""
        with self._store.read() as connection:
            self._identities.load(((row.shopper, identity_in(row)) for row in identities.all_rows(connection)), now_s)
        return len(self._identities)

    def take_file(self, optins: Iterable[OptIn], decided_at_s: float) -> None:
        """Take opt-ins given by file as consents given by hand at `decided_at_s` (the file's own time), to every purpose."""
        decision = ConsentDecision(decided_at_s, 1, frozenset(PURPOSES), text=BY_FILE, channel=BY_FILE)

        def record(connection: Connection) -> None:
            for optin in optins:
                self._registry.record(connection, optin.shopper, decision, optin.identity, self._clock())

        self._store.writer.write_blocking(record)

    @property
    def reads(self) -> frozenset[str]:
        """Return the profile fields that the live books read: what is kept of the profiles that come in."""
        return frozenset(self._declared.read_by)

    def use_books(self, books: Sequence[Book]) -> Future[int]:
        """Keep from now on what these live books read, and delete what they don't; the Future tells how many values went.

        The first book's attention budget counts.
        """
        declared = declared_attributes(books)
        self._declared = declared
        self._presence.rates = books[0].attention if books else Attention()
        self._presence.outdate_all()

        def delete_unread(connection: Connection) -> int:
            kept = {field for field, _supplier in profiles.fields(connection)}
            return profiles.delete_fields(connection, kept - set(declared.read_by))

        return self._store.writer.submit(delete_unread)

    # ---- what comes in -----------------------------------------------------------------------------------------------------

    def take_optin(self, tx: Transaction, event: Event[OptInGiven]) -> Outcome:
        """Take a shopper's yes to these purposes."""
        now_s = self._clock()
        refusal = self.too_early(event)
        if refusal is not None:
            return Outcome((refusal,), taken=False)
        decision, identity, left_out = intake.read_optin(event, now_s)
        outcome = self.record(tx, event.data.shopper, decision, identity)
        return replace(outcome, refusals=(*left_out, *outcome.refusals))

    def too_early(self, event: AnyEvent) -> Objection | None:
        """Return a refusal for a message that lies too far ahead of the box's trusted time."""
        return intake.from_the_future(event, self._clock(), trusted=self._trusted())

    def record_by_hand(self, tx: Transaction, shopper: str, decision: ConsentDecision, identity: BeaconIdentity) -> Outcome:
        """Take a consent that was said here and now."""
        standing = consents.find(tx.connection, shopper)
        before = frozenset[str]() if standing is None else standing.purposes
        follows = 0 if standing is None else standing.version
        decision = self._registry.said_now(tx.connection, shopper, decision)
        if not before <= decision.purposes:
            self._registry.remember(shopper, decision)
        outcome = self.record(tx, shopper, decision, identity)
        self._tell(tx.connection, shopper, decision, follows)  # last: taking purposes back cancels what waits for this shopper
        return outcome

    def _tell(self, connection: Connection, shopper: str, decision: ConsentDecision, follows: int) -> None:
        if self._source is not None:
            said.tell(connection, self._source, shopper, decision, follows)

    def record(self, tx: Transaction, shopper: str, decision: ConsentDecision, identity: BeaconIdentity | None) -> Outcome:
        """Take a consent, from the backend or by hand."""
        recorded = self._registry.record(tx.connection, shopper, decision, identity, self._clock())
        if not recorded.standing:
            return Outcome()
        recognised = identity if "recognise" in decision.purposes else None
        tx.after_commit(lambda: self._recorded(shopper, recognised, decision.purposes))
        return Outcome((intake.SHARED_ID,) if recorded.shared else ())

    def take_withdrawal(self, tx: Transaction, event: Event[OptInWithdrawn]) -> Outcome:
        """Take a shopper's no, whatever time it bears: everything about them is erased, unless a later yes stands."""
        withdrawal = ConsentDecision(event.time.timestamp(), event.data.version, frozenset())
        return self._withdraw(tx, event.data.shopper, as_received(withdrawal, self._clock()))

    def withdraw(self, tx: Transaction, shopper: str) -> Outcome:
        """Take a withdrawal that was said here and now. `taken` False: nothing was held about the shopper, so nothing is erased."""
        standing = consents.find(tx.connection, shopper)
        withdrawal = self._registry.said_now(tx.connection, shopper, ConsentDecision(self._clock(), 1, frozenset()))
        self._registry.remember(shopper, withdrawal)
        outcome = self._withdraw(tx, shopper, withdrawal)
        if standing is not None:
            self._tell(tx.connection, shopper, withdrawal, standing.version)
        return replace(outcome, taken=standing is not None)

    def lapse(self, tx: Transaction, shopper: str, decided_at_s: float) -> Outcome:
        """Let a consent end that was decided at a moment and not renewed; a yes that was said since then still counts."""
        return self._withdraw(tx, shopper, ConsentDecision(decided_at_s, 0, frozenset()))

    def _withdraw(self, tx: Transaction, shopper: str, withdrawal: ConsentDecision) -> Outcome:
        marks = self._registry.withdraw(tx.connection, shopper, withdrawal, self._clock())
        if marks is not None:
            tx.after_commit(lambda: self._withdrawn(shopper, marks))
        return Outcome()

    def take_profile(self, tx: Transaction, event: Event[Profile]) -> Outcome:
        """Take what the backend knows of a shopper; only what may be kept is."""
        taken, refusals = intake.profile(tx.connection, event, self._declared)
        shopper = event.data.shopper
        tx.after_commit(lambda: self._noted(shopper, refusals))
        return Outcome(refusals, taken)

    def objection(self, connection: Connection, event: Event[Receipt]) -> Objection | None:
        """Return why a receipt may not be taken, by anyone: without consent to purchases none is told of."""
        return intake.objection(connection, event)

    def take_receipt(self, tx: Transaction, event: Event[Receipt]) -> Outcome:
        """Take what came of a promise: it counts towards stage and attention, and an answer becomes an attribute."""
        effect = intake.receipt(tx.connection, event, self._declared, self._presence.rates)
        if effect is None:
            return Outcome()
        tx.after_commit(lambda: self._received(effect))
        return Outcome(effect.refusals)

    def take_purchase(self, tx: Transaction, event: Event[Purchase], told: Callable[[Bought], None]) -> Outcome:
        """Take a purchase, with a promise behind it or without; `told` of it once it is committed."""
        return self._bought(tx, purchases.take_purchase(tx.connection, event, self._declared), told)

    def take_return(self, tx: Transaction, event: Event[PurchaseReturned]) -> Outcome:
        """Take what remains of a purchase."""
        return self._bought(tx, purchases.take_return(tx.connection, event), lambda _bought: None)

    def set_stage(self, tx: Transaction, shopper: str, stage: str | None, who: str) -> Outcome:
        """Set a shopper's stage by hand, or (None) let it follow the signals again. Raises ValueError for an unknown stage."""
        if not consents.allows(tx.connection, shopper, "recognise"):
            return Outcome(taken=False)
        facts.set_stage(tx.connection, shopper, stage, who, self._clock())
        tx.after_commit(lambda: self._presence.outdate(shopper))
        return Outcome()

    # ---- in memory, once it is committed -----------------------------------------------------------------------------------

    def _recorded(self, shopper: str, identity: BeaconIdentity | None, purposes: frozenset[str]) -> None:
        if len(purposes) < len(PURPOSES):
            self.erasing = True  # what was kept for the others is gone from the tables
        if identity is None:
            self.on_withdrawn(shopper)
            return
        self._identities.put(shopper, identity)
        self._presence.outdate(shopper)

    def _withdrawn(self, shopper: str, marks: frozenset[bytes]) -> None:
        self.on_withdrawn(shopper)
        self.marks |= marks
        self.erasing = True

    def _noted(self, shopper: str, refusals: Sequence[Objection]) -> None:
        self.left_out.update(refusal.code for refusal in refusals)
        self._presence.outdate(shopper)

    def _bought(self, tx: Transaction, bought: Bought | Objection, told: Callable[[Bought], None]) -> Outcome:
        if isinstance(bought, Objection):
            return Outcome((bought,), taken=False)

        def follow() -> None:
            self._presence.outdate(bought.shopper)
            self._presence.received(bought.shopper, None, bought.groups, bought.at_s)
            told(bought)

        tx.after_commit(follow)
        return Outcome()

    def _received(self, effect: intake.Effect) -> None:
        self.left_out.update(refusal.code for refusal in effect.refusals)
        if effect.facts:
            self._presence.outdate(effect.shopper)
        self._presence.received(effect.shopper, effect.attention, effect.bought, effect.at_s)

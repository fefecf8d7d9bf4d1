"""What comes in from the backend and from other scanners, brought to the rooms it concerns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.dashboard_view import DashboardView
from gateway.line import Line
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
    RedemptionAsked,
)
from gateway.model import Sighting
from gateway.offers.ledger import Ledger
from gateway.radio.frames import beacon_id_of
from gateway.radio.remote import RemoteScanners
from gateway.shoppers.intake import in_time
from gateway.shoppers.people import People
from gateway.shoppers.purchases import Bought
from gateway.storage import Transaction, promises
from gateway.zones.plan import StorePlan

Handler = Callable[[Transaction, AnyEvent], Outcome]


class Incoming:
    """The handlers of one gateway. `handlers` run in the writer's transaction; what they leave to do runs in the loop's thread."""

    def __init__(
        self,
        line: Line,
        people: People,
        ledger: Ledger,
        view: DashboardView,
        remote_scanners: RemoteScanners,
        plan: StorePlan,
        clock: Callable[[], float],
    ) -> None:
        self._line = line
        self._people = people
        self._ledger = ledger
        self._view = view
        self._remote_scanners = remote_scanners
        self._clock = clock
        self._fixed_beacons = {
            beacon_id_of(beacon.uuid, beacon.major, beacon.minor): beacon.id
            for beacon in plan.beacons
            if beacon.uuid is not None and beacon.major is not None and beacon.minor is not None
        }

    def handlers(self) -> Mapping[str, Handler]:
        """Return what to do by type of message."""
        return {
            OptInGiven.TYPE: self._people.take_optin,
            OptInWithdrawn.TYPE: self._people.take_withdrawal,
            Profile.TYPE: self._in_time(self._people.take_profile),
            Receipt.TYPE: self._in_time(self._take_receipt),
            Purchase.TYPE: self._in_time(lambda tx, event: self._people.take_purchase(tx, event, self._purchased)),
            PurchaseReturned.TYPE: self._in_time(self._people.take_return),
            RedemptionAsked.TYPE: lambda tx, event: self._ledger.take_redemption(tx, event, self._clock()),
        }

    def _in_time(self, handler: Handler) -> Handler:
        """Let a handler see what lies a little ahead of now as of now, and what lies far ahead not at all."""

        def handle(tx: Transaction, event: AnyEvent) -> Outcome:
            refusal = self._people.too_early(event)
            return Outcome((refusal,), taken=False) if refusal else handler(tx, in_time(event, self._clock()))

        return handle

    def hear_elsewhere(self, topic: str, payload: bytes, at_s: float, retained: bool) -> None:
        """Take receptions of other scanners, and fixed beacons that shoppers' phones heard."""
        readings = self._remote_scanners.parse(topic, payload, at_s, retained=retained)
        for advertisement in readings.advertisements:
            self._line.hear(advertisement)
        for phone in readings.phones:
            beacon = self._fixed_beacons.get(phone.beacon)
            if beacon is not None and phone.shopper in self._line.identities:
                self._line.see(Sighting(phone.at_s, phone.shopper, beacon, phone.rssi_dbm))

    def _take_receipt(self, tx: Transaction, event: Event[Receipt]) -> Outcome:
        """A receipt moves its promise on, and tells something about its shopper; either both stand or neither."""
        objection = self._people.objection(tx.connection, event)
        if objection is not None:
            return Outcome((objection,), taken=False)
        of_promise = self._ledger.take_receipt(tx, event)
        if not of_promise.taken or of_promise.refusals:  # refused, or it was redeemed before and counts once
            return of_promise
        of_shopper = self._people.take_receipt(tx, event)
        promise = promises.find(tx.connection, event.data.promise)
        if promise is not None:
            shopper, title = promise.shopper, promise.content["title"]
            tx.after_commit(lambda: self._tell(event, shopper, title))
        return replace(of_promise, refusals=(*of_promise.refusals, *of_shopper.refusals))

    def _purchased(self, bought: Bought) -> None:
        """Help somebody who is still in the shop with what they just bought."""
        if bought.new:
            self._line.purchased(bought.shopper, bought.at_s)

    def _tell(self, event: Event[Receipt], shopper: str | None, title: str) -> None:
        at_s, what = event.time.timestamp(), event.data.what
        self._view.received(at_s, shopper, what, title)
        if what == "purchased" and shopper is not None:
            self._line.purchased(shopper, at_s)

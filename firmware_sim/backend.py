"""The reference store-app backend: what a chain's own backend does with the contract, small enough to read before writing one.

Six things make it right, and each is a few lines here:

1. It acknowledges a message only after it has been dealt with (`manual_ack`), so that a crash loses nothing.
2. It knows a message that comes again by `source` + `id`, and then does nothing.
3. Its own messages carry an id made from what they say, so that sending twice is harmless.
4. Each opt-in or profile of a shopper carries a version that only grows, so that late and reordered messages settle.
5. It sends a message again until the gateway's reply to it has come: a broker that dies may lose what it had acknowledged.
6. It can send everything again, in pages, when a gateway asks (`sync/request`).

A real one keeps `_seen`, `cards` and `_unanswered` in its database; this one keeps them in memory. Where shoppers don't
act by hand (the phone page), they react by seeded chance. On demand it loses and repeats messages, as networks do.
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from random import Random
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_sim.reactions import EVERYDAY, Reaction, ReactionHabits, imagine

JsonObject = dict[str, Any]
"""As JSON reads it; what isn't there raises KeyError or TypeError, and the message counts as malformed."""
ALL_PURPOSES = ("recognise", "offers", "purchases", "aftercare", "measure")
ANSWER_PATIENCE_S = 10.0
"""A gateway that is there answers within a second; one that is away finds a few repetitions, and knows them by their id."""
SESSION = "store-app-backend"
"""Client id: always the same, so that the broker keeps what is sent while the backend is away."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on purpose, as probabilities per message."""

    lose: float = 0.0
    """An incoming message is lost in a crash before it is dealt with: not acknowledged, and the broker brings it again."""
    repeat: float = 0.0
    """An outgoing message is sent twice."""


NO_FAULTS = Faults()


@dataclass(slots=True)
class Card:
    """A promise as the shopper's phone has it."""

    data: JsonObject
    promised_s: float
    """When the gateway says the moment was, epoch seconds."""
    arrived_s: float
    did: list[str] = field(default_factory=list)

    @property
    def promise(self) -> str:
        """The promise's id."""
        return str(self.data["promise"])


class Backend:
    """Speaks for the shoppers of one shop. Start it, opt shoppers in, and look at `counts` and `cards`."""

    def __init__(
        self,
        url: str,
        chain: str,
        store: str,
        *,
        seed: int = 1,
        habits: ReactionHabits = EVERYDAY,
        faults: Faults = NO_FAULTS,
        user: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        page_size: int = 20,
        on_card: Callable[[str, Card], None] | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or (8883 if parts.scheme == "mqtts" else 1883))
        self._prefix = f"etalage/v1/{chain}/{store}/"
        self._seed, self._habits, self._faults = seed, habits, faults
        self._dice = Random(seed)
        self._page_size = page_size
        self._on_card = on_card
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._lock = threading.RLock()
        self._seen: set[tuple[str, str]] = set()
        self._said: dict[str, JsonObject] = {}
        """The latest opt-in or profile of each shopper: what `sync` sends again."""
        self._unanswered: dict[str, tuple[float, str, str]] = {}
        """When it was sent (monotonic), topic and body of each message that has had no reply, by its id; oldest first."""
        self._versions: Counter[str] = Counter()
        self._by_hand: set[str] = set()
        self._stopping = threading.Event()
        self.failure: str | None = None
        """Why its thread has died; None while it lives."""
        self._life = 0
        """Counts our pretended crashes: what one life received is nothing to the next."""
        self._order = itertools.count()
        self.cards: dict[str, Card] = {}
        """Every promise that arrived, by its id."""
        self.order: dict[str, list[str]] = {}
        """Per shopper the promises in the order they first arrived."""
        self.replies: list[JsonObject] = []
        self.counts: Counter[str] = Counter()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{SESSION}-{chain}-{store}",
            protocol=MQTTProtocolVersion.MQTTv311,
            clean_session=False,
            manual_ack=True,
        )
        self._client.reconnect_delay_set(1, 2)
        if user is not None:
            self._client.username_pw_set(user, password)
        if parts.scheme == "mqtts":
            self._client.tls_set(ca_file)
        self._client.on_connect = lambda client, *_: self._subscribe(client)
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._run, name="backend", daemon=True)

    def start(self) -> Backend:
        """Connect, and go on for ever; the broker may come later."""
        self._client.connect_async(*self._address)
        self._client.loop_start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Leave; the broker keeps what comes in the meantime."""
        self._stopping.set()
        self._work.put(lambda: None)
        self._thread.join(5.0)
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Return whether the broker has us."""
        return self._client.is_connected()

    @property
    def idle(self) -> bool:
        """Return whether every message has been answered, and no shopper has anything in mind."""
        with self._lock:
            return not self._unanswered and not self._later

    # ---- what shoppers decide in the app ----

    def opt_in(
        self, shopper: str, identity: Mapping[str, object], *, purposes: Sequence[str] = ALL_PURPOSES, language: str = "nl"
    ) -> None:
        """A shopper said yes; `identity` as in the contract: {"beacon": {…}} or {"rotating": {…}}."""
        consent = {"text": "2026-03", "channel": "app"}
        data = {"purposes": list(purposes), "language": language, "identity": dict(identity), "consent": consent}
        self._say("optins", "etalage.optin.given", shopper, data)

    def withdraw(self, shopper: str) -> None:
        """A shopper said no more. What was shown stays honoured; a sync no longer brings their profile."""
        with self._lock:
            self._said.pop(f"profiles/{shopper}", None)
        self._say("optins", "etalage.optin.withdrawn", shopper, {})

    def profile(self, shopper: str, attributes: Mapping[str, object], affinities: Mapping[str, float] | None = None) -> None:
        """Return what the chain knows of a shopper that a rule may read."""
        self._say("profiles", "etalage.profile", shopper, {"attributes": dict(attributes), "affinities": dict(affinities or {})})

    def hold(self, shopper: str) -> None:
        """A person acts for this shopper: nothing is left to chance."""
        with self._lock:
            self._by_hand.add(shopper)

    def react(self, promise: str, what: str, **more: object) -> None:
        """Send a receipt: what the shopper did with a promise. The same reaction twice is the same message."""
        with self._lock:
            card = self.cards.get(promise)
            if card is not None:
                card.did.append(what)
        self.counts[f"receipts.{what}"] += 1
        self._publish("receipts", "etalage.receipt", f"r-{promise}-{what}", {"promise": promise, "what": what, **more})

    def cards_of(self, shopper: str) -> list[Card]:
        """Return what that shopper's phone shows, oldest first."""
        with self._lock:
            return [self.cards[promise] for promise in self.order.get(shopper, ())]

    # ---- sending ----

    def _say(self, topic: str, type_: str, shopper: str, data: Mapping[str, object]) -> None:
        with self._lock:
            self._versions[f"{topic}/{shopper}"] += 1
            version = self._versions[f"{topic}/{shopper}"]
            whole = {"shopper": shopper, "version": version, **data}
            self._said[f"{topic}/{shopper}"] = self._publish(topic, type_, f"{topic}-{shopper}-{version}", whole)
        self.counts[type_] += 1

    def _publish(self, topic: str, type_: str, id_: str, data: Mapping[str, object]) -> JsonObject:
        time_ = datetime.now(UTC).isoformat()
        event = {"specversion": "1.0", "id": id_, "source": "backend", "type": type_, "time": time_, "data": dict(data)}
        body = json.dumps(event)
        with self._lock:
            self._unanswered[id_] = (time.monotonic(), topic, body)
        for _ in range(2 if self._dice.random() < self._faults.repeat else 1):
            self._client.publish(self._prefix + topic, body, qos=1)
        return event

    def _send_unanswered(self, now_s: float) -> None:
        """Send again what has had no reply for a while."""
        while self._client.is_connected():
            with self._lock:
                id_, (sent_s, topic, body) = next(iter(self._unanswered.items()), ("", (now_s, "", "")))
                if now_s - sent_s < ANSWER_PATIENCE_S:
                    return
                del self._unanswered[id_]
                self._unanswered[id_] = (now_s, topic, body)
            self.counts["sent_again"] += 1
            self._client.publish(self._prefix + topic, body, qos=1)

    # ---- receiving ----

    def _subscribe(self, client: Client) -> None:
        for topic in ("offers", "offers/withdrawn", "offers/redeemed", "replies", "staff", "sync/request"):
            client.subscribe(self._prefix + topic, qos=1)

    def _run(self) -> None:
        try:
            self._live()
        except Exception as error:
            self.failure = f"{type(error).__name__} in its thread"

    def _live(self) -> None:
        while not self._stopping.is_set():
            now_s = time.monotonic()
            while self._later and self._later[0][0] <= now_s:
                heapq.heappop(self._later)[2]()
            self._send_unanswered(now_s)
            try:
                self._work.get(timeout=min(0.5, self._later[0][0] - now_s if self._later else 0.5))()
            except Empty:
                continue

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        life = self._life
        self._work.put(lambda: self._receive(message, life))

    def _crash(self) -> None:
        """Forget what had not been acknowledged: it comes again on the next connection."""
        self.counts["lost"] += 1
        self._client.loop_stop()
        self._client.disconnect()
        self._life += 1
        self._client.connect_async(*self._address)
        self._client.loop_start()

    def _receive(self, message: MQTTMessage, life: int) -> None:
        if life != self._life:
            return
        if self._dice.random() < self._faults.lose:
            self._crash()
            return
        try:
            self._take_once(message.topic.removeprefix(self._prefix), json.loads(message.payload))
        except (ValueError, KeyError, TypeError):
            self.counts["malformed"] += 1  # it will not become better by coming again: counted, and acknowledged
        self._client.ack(message.mid, message.qos)

    def _take_once(self, topic: str, event: JsonObject) -> None:
        key = (event["source"], event["id"])
        if key in self._seen:
            self.counts["repeated"] += 1
        else:
            self._take(topic, event)
            self._seen.add(key)

    def _take(self, topic: str, event: JsonObject) -> None:
        self.counts[topic] += 1
        data = event["data"]
        if topic == "offers":
            self._arrived(data, datetime.fromisoformat(event["time"]).timestamp())
        elif topic == "offers/withdrawn":
            with self._lock:
                self.cards.pop(data["promise"], None)
        elif topic == "offers/redeemed":
            with self._lock:
                if (card := self.cards.get(data["promise"])) is not None:
                    card.did.append(event["type"].rpartition(".")[2])
        elif topic == "replies":
            self.replies.append(data)
            with self._lock:
                self._unanswered.pop(str(data.get("accepted") or data.get("refused")), None)
            self.counts["refused" if "refused" in data or "accepted" not in data else "accepted"] += 1
        elif topic == "sync/request":
            self._send_page(data["gateway"], int(data["cursor"] or 0))

    def _arrived(self, data: JsonObject, promised_s: float) -> None:
        card = Card(data, promised_s, time.time())
        with self._lock:
            self.cards[card.promise] = card
            self.order.setdefault(data["shopper"], []).append(card.promise)
        self.react(card.promise, "delivered")
        if self._on_card is not None:
            self._on_card(data["shopper"], card)
        if data["shopper"] not in self._by_hand:
            self._imagine(card)

    def _imagine(self, card: Card) -> None:
        """Imagine what this shopper will do with this card: the draw depends on the seed and the promise alone."""
        at_s = time.monotonic()
        for reaction in imagine(card.data, self._habits, Random(f"{self._seed}:{card.promise}")):
            at_s += reaction.pause_s
            heapq.heappush(self._later, (at_s, next(self._order), self._doing(card.promise, reaction)))

    def _doing(self, promise: str, reaction: Reaction) -> Callable[[], None]:
        return lambda: self.react(promise, reaction.what, **reaction.more)

    def _send_page(self, gateway: str, start: int) -> None:
        with self._lock:
            everything = [self._said[key] for key in sorted(self._said)]
        end = start + self._page_size
        following = str(end) if end < len(everything) else None
        page_id = f"page-{gateway}-{start}-{time.time_ns()}"
        self.counts["pages"] += 1
        self._publish(f"sync/pages/{gateway}", "etalage.sync.page", page_id, {"events": everything[start:end], "next": following})

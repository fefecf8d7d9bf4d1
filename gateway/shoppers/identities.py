"""Identities: from a beacon id to a shopper or to nobody, in one look at a table.

The table holds every static id, and every rotating id of the windows before, at and after now; what isn't in it is a stranger's,
and so is an id that fits two members. While a window runs out, its successor's table is built in another thread, in slices short
enough that no advertisement waits for it, and then takes the old one's place in one assignment.

A table is 256 dictionaries, picked by the id's last byte: growing or freeing one big dictionary would hold the interpreter for
longer than an advertisement may wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from gateway.shoppers.rotating import TOLERANCE_WINDOWS, WINDOW_S, message, rotating_id, window_at

BEACON_ID_BYTES = 20
SHARDS = 256
AHEAD_S = 120.0
"""How long before a window ends its successor's table is begun: forty times what 100,000 members take."""
SLICE = 200
"""Members put into a table before the builder lets others run: about a millisecond."""
PAUSE_S = 0.0005
"""How long the builder then sleeps; a bare yield would let it take the interpreter straight back."""
CHANGES_AT_ONCE = 50
"""Members who changed during the building and are then added on the spot (30 µs each); more are built in once again."""


@dataclass(frozen=True, slots=True)
class Static:
    """A tag, fob or older app that always says the same 20 bytes: uuid + major + minor."""

    beacon_id: bytes


@dataclass(frozen=True, slots=True)
class Rotating:
    """A phone that changes major and minor by a key (16 bytes) it shares with the shop; uuid is 16 bytes."""

    uuid: bytes
    key: bytes = field(repr=False)


BeaconIdentity = Static | Rotating


class _Table:
    """Every id that is somebody's while `window` runs."""

    def __init__(self, store: str, window: int) -> None:
        self.aim(store, window)
        self._shards: list[dict[bytes, str | None]] = [{} for _ in range(SHARDS)]
        self._shared: dict[bytes, set[str]] = {}

    def aim(self, store: str, window: int) -> None:
        """Count rotating ids from `window`; only while none is in the table."""
        self.window = window
        windows = range(window - TOLERANCE_WINDOWS, window + TOLERANCE_WINDOWS + 1)
        self._messages = tuple(message(store, each) for each in windows)

    def resolver(self) -> Callable[[bytes], str | None]:
        """Return the look-up itself, without any detour over `self`."""
        shards = self._shards

        def resolve(beacon_id: bytes) -> str | None:
            return shards[beacon_id[19]].get(beacon_id)

        return resolve

    def add(self, shopper: str, identity: BeaconIdentity) -> None:
        for beacon_id in self._ids(identity):
            if self._shards[beacon_id[19]].setdefault(beacon_id, shopper) != shopper:
                self._share(beacon_id, shopper)

    def _share(self, beacon_id: bytes, shopper: str) -> None:
        """Let an id that fits this member too be nobody's."""
        shard = self._shards[beacon_id[19]]
        owners = self._shared.setdefault(beacon_id, set())
        owners.add(shopper)
        if (first := shard[beacon_id]) is not None:
            owners.add(first)
        shard[beacon_id] = None

    def drop(self, shopper: str, identity: BeaconIdentity) -> None:
        for beacon_id in self._ids(identity):
            shard = self._shards[beacon_id[19]]
            owners = self._shared.get(beacon_id)
            if owners is None:
                if shard.get(beacon_id) == shopper:
                    del shard[beacon_id]
                continue
            owners.discard(shopper)
            if len(owners) == 1:
                shard[beacon_id] = owners.pop()
                del self._shared[beacon_id]

    def free(self) -> None:
        """Let go of the memory piece by piece."""
        for index in range(SHARDS):
            self._shards[index] = {}
            _pause()

    def _ids(self, identity: BeaconIdentity) -> Sequence[bytes]:
        if isinstance(identity, Static):
            return (identity.beacon_id,)
        return [identity.uuid + rotating_id(identity.key, each) for each in self._messages]


def _build(members: Iterable[tuple[str, BeaconIdentity]], store: str, window: int, pause: Callable[[], None]) -> _Table:
    table = _Table(store, window)
    for count, (shopper, identity) in enumerate(members, 1):
        table.add(shopper, identity)
        if count % SLICE == 0:
            pause()
    return table


class Identities:
    """Who is who now. All but the building of the next table happens in the one thread that also resolves.

    `ahead` None (replay, tests): tables are built where they are needed, so the same input gives the same output.
    """

    resolve: Callable[[bytes], str | None]
    """A beacon id (20 bytes) to a shopper, or None: nobody's. Replaced at each window: read it anew for each advertisement."""

    def __init__(self, store: str, ahead: Executor | None = None) -> None:
        self._store = store
        self._ahead = ahead
        self._members: dict[str, BeaconIdentity] = {}
        self._rotating = 0
        self._building: Future[_Table] | None = None
        self._building_window: int | None = None
        self._before_change: dict[str, BeaconIdentity | None] = {}
        self._started = False
        self._table = _Table(store, 0)
        self.resolve = self._table.resolver()

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, shopper: str) -> bool:
        """Tell whether a shopper is to be recognised."""
        return shopper in self._members

    def members(self) -> list[str]:
        """Return every shopper who is to be recognised."""
        return list(self._members)

    @property
    def window(self) -> int:
        """Return the window that the table in use was built for."""
        return self._table.window

    def load(self, members: Iterable[tuple[str, BeaconIdentity]], now_s: float) -> None:
        """Start with these members; returns when the table is ready."""
        self._members = dict(members)
        self._rotating = sum(isinstance(identity, Rotating) for identity in self._members.values())
        self._started = True
        self._take(_build(self._members.items(), self._store, window_at(now_s), _no_pause))

    def put(self, shopper: str, identity: BeaconIdentity) -> None:
        """Recognise `shopper` by `identity` from now on, and by nothing else."""
        self.forget(shopper)
        self._note(shopper)
        self._members[shopper] = identity
        self._rotating += isinstance(identity, Rotating)
        self._table.add(shopper, identity)

    def forget(self, shopper: str) -> None:
        """Resolve to `shopper` no more, from the next advertisement on."""
        self._note(shopper)
        identity = self._members.pop(shopper, None)
        if identity is not None:
            self._rotating -= isinstance(identity, Rotating)
            self._table.drop(shopper, identity)

    def shared(self, shopper: str) -> bool:
        """Tell whether the shopper's static id fits another member too, and so resolves to nobody."""
        identity = self._members.get(shopper)
        return isinstance(identity, Static) and self.resolve(identity.beacon_id) is None

    def tick(self, now_s: float) -> None:
        """Let time pass: swap in the table of the window that has begun, and have the next one built."""
        window = window_at(now_s)
        if self._ahead is None or not self._started or self._rotating == 0:
            if window != self._table.window:
                self._turn_at_once(window)
            return
        self._collect(window)
        if window != self._table.window:
            self._begin(window)
        elif now_s >= (window + 1) * WINDOW_S - AHEAD_S:
            self._begin(window + 1)

    def _turn_at_once(self, window: int) -> None:
        self._started = True
        if self._rotating == 0:
            self._table.aim(self._store, window)
        else:
            self._take(_build(self._members.items(), self._store, window, _no_pause))

    def _note(self, shopper: str) -> None:
        """Keep what the table in the making will hold of a shopper who changes meanwhile."""
        if self._building is not None:
            self._before_change.setdefault(shopper, self._members.get(shopper))

    def _begin(self, window: int) -> None:
        """Have the table of `window` built, unless it is being built already."""
        if self._ahead is None or self._building_window == window:
            return
        self._before_change.clear()
        self._building_window = window
        self._building = self._ahead.submit(_build, list(self._members.items()), self._store, window, _pause)

    def _collect(self, window: int) -> None:
        """Take the finished table into use once its window has begun and everyone who changed meanwhile is in it."""
        if self._building is None or self._building_window != window or not self._building.done():
            return
        table = self._building.result(0)
        self._building = self._building_window = None
        if len(self._before_change) > CHANGES_AT_ONCE:
            self._begin(window)
            return
        for shopper, before in self._before_change.items():
            if before is not None:
                table.drop(shopper, before)
            if (now := self._members.get(shopper)) is not None:
                table.add(shopper, now)
        self._before_change.clear()
        self._take(table)

    def _take(self, table: _Table) -> None:
        old, self._table = self._table, table
        self.resolve = table.resolver()
        if self._ahead is not None:
            self._ahead.submit(old.free)


def _pause() -> None:
    time.sleep(PAUSE_S)


def _no_pause() -> None:
    pass

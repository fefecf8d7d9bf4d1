"""All that comes and goes over the broker, built: the courier, the inboxes and the sightings of other scanners, a thread each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.incoming import Incoming
from gateway.messages import Occupancy
from gateway.mqtt.copies import Copies
from gateway.mqtt.correlation import Correlations
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.home_assistant import Discovery
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.sightings import SightingsConsumer, SightingsReader
from gateway.mqtt.status import HealthFigures, StatusPublisher
from gateway.mqtt.topics import identity_of
from gateway.radio.frames import uuid_bytes
from gateway.radio.remote import RemoteScanners
from gateway.radio.scanners import RunningScanner
from gateway.rooms import Post, Rooms
from gateway.settings import Settings


def make_courier(
    rooms: Rooms,
    settings: Settings,
    clock: Clock,
    health: Callable[[], HealthFigures],
    occupancy: Callable[[], Sequence[Occupancy]],
    correlations: Correlations,
) -> Courier:
    """Build the way out. `health` and `occupancy` are what the box says of itself, asked in the courier's thread."""
    identity, release = identity_of(settings.store), rooms.ledger.release_unsent
    discovery = Discovery(
        identity,
        {zone.id: zone.called(settings.dashboard.language) for zone in rooms.plan.zones},
        settings.mqtt.home_assistant,
        remembered=settings.storage.keys_path.with_name("home-assistant.json"),
    )
    status = StatusPublisher(identity, settings.mqtt, health=health, occupancy=occupancy, discovery=discovery)
    credentials, trusted = read_credentials(settings.mqtt), lambda: clock.trust.trusted
    return Courier(
        rooms.store,
        settings.mqtt,
        identity,
        credentials,
        status,
        release=release,
        may_approach=lambda at_s: rooms.live_books.snapshot.may_approach(at_s),
        clock=clock.now_s,
        trusted=trusted,
        correlations=correlations,
    )


def make_inboxes(
    rooms: Rooms, settings: Settings, clock: Clock, incoming: Incoming, post: Post, correlations: Correlations
) -> tuple[Inbox, Inbox]:
    """Build the ways in for what must not be lost: for everything, and the express one for consents."""
    identity, credentials = identity_of(settings.store), read_credentials(settings.mqtt)
    handlers, copies = InboundHandlers(identity, incoming.handlers(), correlations, settings.dashboard.language), Copies()

    def made(express: bool) -> Inbox:
        return Inbox(
            rooms.store,
            settings.mqtt,
            identity,
            credentials,
            handlers,
            post,
            clock=clock.now_s,
            trusted=lambda: clock.trust.trusted,
            express=express,
            copies=copies,
        )

    return made(False), made(True)


def make_sightings_reader(
    settings: Settings, clock: Clock, incoming: Incoming, remote_scanners: RemoteScanners, post: Post
) -> SightingsReader:
    """Build the way in for what is of use now or never."""
    identity, credentials = identity_of(settings.store), read_credentials(settings.mqtt)
    consumer = SightingsConsumer(remote_scanners.filters, incoming.hear_elsewhere)
    return SightingsReader(settings.mqtt, identity, credentials, consumer, post, clock=clock.now_s)


def make_remote_scanners(rooms: Rooms, settings: Settings, own: Sequence[RunningScanner]) -> RemoteScanners:
    """Build the plan's scanners that aren't this box's own. A recording's are none of the plan, and speak for all of it."""
    ids = frozenset(scanner.id for scanner in rooms.plan.scanners)
    own_ids = frozenset(scanner.id for scanner in own)
    is_recording = not own_ids <= ids | settings.radio.adapters.keys()  # an adapter's id may be misspelt
    return RemoteScanners(
        identity_of(settings.store).prefix.rstrip("/"),
        () if is_recording else sorted(ids - own_ids),
        others={kind: topic for kind, topic in settings.radio.others.items()},  # noqa: C416  # a dict of plain words
        names=settings.radio.names,
        uuids=frozenset(uuid_bytes(uuid) for uuid in settings.radio.uuids),
    )

"""What was said at the box, at the desk or on the shopper's own page: remembered outside the database, and told to the backend.

A database can be lost or restored, and the backend then brings consents as it knows them. A no, or fewer purposes, that were said
here meanwhile must win over that, so they are kept in the keys file too, under the hash that stands for a shopper.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from gateway.messages import ConsentGiven, ConsentWithdrawn, Event
from gateway.shoppers.consent import ConsentDecision
from gateway.storage import Connection, outbox
from gateway.storage.keys import Keys

TOLD_TOPIC = "optins/told"


class SaidAtBox:
    """The latest no or narrower yes that was said here, for each shopper by digest. In memory, and in the keys file."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._said = {digest: _decision(written) for digest, written in keys.said().items()}

    def latest(self, digest: bytes) -> ConsentDecision | None:
        """Return what a shopper said here last, as far as it took something back."""
        return self._said.get(digest)

    def note(self, digest: bytes, decision: ConsentDecision) -> None:
        """Remember a no, or a yes to less than before."""
        written = json.dumps(decision._replace(purposes=sorted(decision.purposes))._asdict())  # type: ignore[arg-type]  # as JSON has it
        self._keys.note_said(digest, written, decision.decided_at_s)
        self._said[digest] = decision


def tell(connection: Connection, source: str, shopper: str, decision: ConsentDecision, follows: int) -> None:
    """Have the backend told of a decision that was said here. `follows`: the version of the latest that was known before."""
    event_id, time = str(uuid.uuid4()), datetime.fromtimestamp(decision.decided_at_s, UTC)
    if decision.withdraws:
        no = ConsentWithdrawn(shopper=shopper, follows=follows)
        body = Event[ConsentWithdrawn](
            specversion="1.0", id=event_id, source=source, type=ConsentWithdrawn.TYPE, time=time, data=no
        ).model_dump_json()
    else:
        yes = ConsentGiven(
            shopper=shopper,
            follows=follows,
            purposes=sorted(decision.purposes),
            language=decision.language,
            text=decision.text,
            channel=decision.channel,
        )
        body = Event[ConsentGiven](
            specversion="1.0", id=event_id, source=source, type=ConsentGiven.TYPE, time=time, data=yes
        ).model_dump_json()
    # It never expires, and an erasure doesn't take it back: the backend must hear of the no.
    owner = None if decision.withdraws else shopper
    at_s = decision.decided_at_s
    outbox.put(connection, event_id=event_id, topic=TOLD_TOPIC, shopper=owner, body=body, at_s=at_s, expires_at_s=None)


def _decision(written: str) -> ConsentDecision:
    known = json.loads(written)
    return ConsentDecision(**known | {"purposes": frozenset(known["purposes"])})

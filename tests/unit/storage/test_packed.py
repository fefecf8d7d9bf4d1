from __future__ import annotations

import json

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, create_engine, insert, select, type_coerce

from gateway.storage.packed import PackedJson, PackedText

ANNOUNCEMENT = json.dumps(
    {
        "specversion": "1.0",
        "id": "01a20057-fe3d-7988-9a96-00306256337e",
        "source": "etalage/demo-chain/demo/gw-1",
        "type": "etalage.offer.promised",
        "time": "2026-11-21T23:01:36.445475Z",
        "data": {
            "promise": "01a20057-fe3d-7988-9a96-00306256337e",
            "shopper": "s-0",
            "offer": "wine-tasting",
            "kind": "voucher",
            "zone": "wine",
            "decision": "01a20057-fe3d-70f7-9a46-1113bc925c73",
            "language": "nl",
            "content": {"title": "Proef de nieuwe Rioja", "body": "Vandaag 10 % op alle rode wijn."},
            "voucher": {"code": "ZCAF-0TKH", "value": {"percent": 10.0}, "ends_at": "2026-11-22T01:01:36.445475Z"},
            "question": None,
            "proof": None,
            "invitation": None,
            "expires_at": "2026-11-22T01:01:36.445475Z",
        },
    },
    separators=(",", ":"),
)

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", PackedText), Column("value", PackedJson))


@pytest.mark.parametrize("text", [None, "", "x", "Crème brûlée € 🧀", "\0", "wine " * 20_000, ANNOUNCEMENT])
@pytest.mark.parametrize("value", [None, {}, [1, 2.5, None, True], {"offer": "kaas", "stopped": {"limit": ["brood"]}}])
def test_what_was_put_in_comes_out_again(text: str | None, value: object) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        notes.create(connection)
        connection.execute(insert(notes), {"id": 1, "text": text, "value": value})
        assert connection.execute(select(notes.c.text, notes.c.value)).one() == (text, value)
    engine.dispose()


def test_an_announcement_takes_less_than_half_its_room() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        notes.create(connection)
        connection.execute(insert(notes), {"id": 1, "text": ANNOUNCEMENT, "value": None})
        stored = connection.execute(select(type_coerce(notes.c.text, LargeBinary))).scalar_one()
    assert len(stored) * 2 < len(ANNOUNCEMENT)
    engine.dispose()

"""What is logged can be decided again: any situation comes back from the log as it went in."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from gateway.storage.decisions import decisions
from gateway.storage.packed import PackedJson
from rules import HAPPENINGS, Happening, Situation, inputs_hash, situation_of, situation_record

TEXT = st.text(min_size=1, max_size=12)
SECONDS = st.floats(min_value=0, max_value=4e9)
VALUE = st.one_of(
    TEXT, st.integers(-(2**50), 2**50), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.frozensets(TEXT)
)
HAPPENING = st.builds(Happening, TEXT, st.sampled_from(HAPPENINGS), SECONDS, TEXT)
SITUATION = st.builds(
    Situation,
    shopper=TEXT,
    at_s=SECONDS,
    event=st.just("enter"),
    zone=st.none() | TEXT,
    dwell_s=SECONDS,
    visit=TEXT,
    purposes=st.frozensets(TEXT),
    language=st.sampled_from(["nl", "en"]),
    facts=st.dictionaries(TEXT, VALUE, max_size=6),
    fact_times=st.dictionaries(TEXT, SECONDS, max_size=3),
    history=st.lists(HAPPENING, max_size=5).map(tuple),
    attention=SECONDS,
    exhausted=st.frozensets(TEXT),
)


@given(SITUATION)
def test_a_situation_survives_the_log(situation: Situation) -> None:
    column, dialect = cast("PackedJson", decisions.c.inputs.type), sqlite.dialect()
    stored = column.process_bind_param(situation_record(situation), dialect)
    back = situation_of(column.process_result_value(stored, dialect))
    assert back == situation
    assert inputs_hash(back) == inputs_hash(situation)

"""Log lines that repeat are counted, not repeated."""

from __future__ import annotations

import pytest
import structlog

from gateway.commands.logs import BURST, BURST_S, CountRepeats


def test_a_message_that_repeats_is_left_out_after_a_while_and_counted() -> None:
    now_s = [0.0]
    count = CountRepeats(lambda: now_s[0])
    for number in range(BURST):
        assert count(None, "warning", {"event": "refused", "id": number}) == {"event": "refused", "id": number}
    for _ in range(1_000):
        with pytest.raises(structlog.DropEvent):
            count(None, "warning", {"event": "refused"})
    assert count(None, "error", {"event": "another"}) == {"event": "another"}
    now_s[0] = BURST_S
    assert count(None, "warning", {"event": "refused"}) == {"event": "refused", "left_out_before": 1_000}
    assert count(None, "warning", {"event": "refused"}) == {"event": "refused"}

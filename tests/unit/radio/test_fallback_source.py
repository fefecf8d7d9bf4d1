"""The better way to read an adapter, and the other where the kernel can't."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.radio.fallback_source import FallbackSource
from gateway.radio.health import Tally
from gateway.radio.sources import SourceError, UnsupportedError


@pytest.fixture
def pair(source: Any) -> tuple[Any, Any]:
    """Two sources that do as they are told."""
    return source, type(source)()


def start(source: FallbackSource) -> None:
    asyncio.run(source.start(lambda _: None, Tally()))


def test_what_the_kernel_can_not_do_is_done_the_other_way_for_good(pair: tuple[Any, Any]) -> None:
    first, other = pair
    first.kind, other.kind = "mgmt", "bleak pair"
    first.raises = UnsupportedError("this kernel is too old for it")
    source = FallbackSource(first, lambda: other)
    assert source.kind == "mgmt"
    start(source)
    assert source.kind == "bleak pair"
    first.raises = None
    start(source)
    assert (source.kind, source.broken) == ("bleak pair", None)


def test_what_may_pass_is_no_reason_for_the_other_way(pair: tuple[Any, Any]) -> None:
    first, other = pair
    first.kind, first.raises = "mgmt", SourceError("the controller is busy")
    source = FallbackSource(first, lambda: other)
    with pytest.raises(SourceError, match="busy"):
        start(source)
    assert source.kind == "mgmt"


def test_when_neither_can_the_other_says_why(pair: tuple[Any, Any]) -> None:
    first, other = pair
    first.raises, other.raises = UnsupportedError("too old"), UnsupportedError("no BlueZ either")
    source = FallbackSource(first, lambda: other)
    for _ in range(2):
        with pytest.raises(UnsupportedError, match="no BlueZ either"):
            start(source)

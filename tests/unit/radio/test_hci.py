"""What this process may do with the kernel's Bluetooth sockets, and how it is said when it may not."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from gateway.radio import hci
from gateway.radio.sources import AdapterAbsentError, SourceError


class Refusing:
    """A socket whose ioctl fails with an error number."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Refusing:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def fileno(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EPERM, SourceError, "CAP_NET_ADMIN"),
        (errno.ENODEV, AdapterAbsentError, "no adapter hci3"),
        (errno.ETIMEDOUT, SourceError, "can't be reset"),
    ],
)
def test_a_reset_that_is_refused_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], words: str
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("gateway.radio.hci.socket.socket", Refusing)
    monkeypatch.setattr("gateway.radio.hci.fcntl.ioctl", refuse)
    with pytest.raises(kind, match=words):
        hci.reset_controller(3)


def test_a_kernel_without_bluetooth_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(hci, "may_manage", lambda: True)
    monkeypatch.setattr("gateway.radio.hci.socket.socket", none)
    assert hci.management_fault() == "this kernel has no Bluetooth sockets here (Address family not supported by protocol)"


def test_without_the_capability_the_socket_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hci, "may_manage", lambda: False)
    assert hci.management_fault() == "this process has no CAP_NET_ADMIN"


@pytest.mark.parametrize(("mask", "may"), [("0000000000000000", False), ("0000000000001000", True), ("000001ffffffffff", True)])
def test_the_capability_is_read_from_the_process(monkeypatch: pytest.MonkeyPatch, mask: str, may: bool) -> None:
    status = f"Name:\tpython\nCapPrm:\t0000000000000000\nCapEff:\t{mask}\n"
    monkeypatch.setattr("gateway.radio.hci.Path.read_text", lambda *_args, **_named: status)
    assert hci.may_manage() is may

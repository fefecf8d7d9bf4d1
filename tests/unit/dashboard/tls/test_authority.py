from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.dashboard.tls.authority import (
    CERTIFICATE_DAYS,
    RENEW_BEFORE_DAYS,
    CertificateError,
    ServerCertificate,
    own_certificate,
    server_certificate,
)

NOW = datetime.now(UTC)
NAMES = ["etalage.local", "192.168.1.20", "localhost", "127.0.0.1"]


def handshake(certificate: ServerCertificate, name: str) -> str:
    """The name a client that trusts only this authority reaches, over a real TLS connection; raises what the client raises."""
    assert certificate.authority is not None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.certificate, certificate.key)
    client = ssl.create_default_context(cadata=certificate.authority)
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(right, server_side=True) as secured:
                secured.sendall(b"hello")
        except (ssl.SSLError, OSError):
            right.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(left, server_hostname=name) as secured:
            return secured.recv(5).decode()
    finally:
        left.close()
        thread.join(30)


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_trusts_the_authority_connects_by_each_name_and_address(tmp_path: Path, name: str) -> None:
    assert handshake(server_certificate(tmp_path, NAMES, NOW), name) == "hello"


def test_the_certificate_is_good_for_no_other_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_certificate(tmp_path, NAMES, NOW), "bank.example")


def test_a_stolen_authority_key_opens_no_other_site(tmp_path: Path) -> None:
    server_certificate(tmp_path, NAMES, NOW)
    authority = x509.load_pem_x509_certificate((tmp_path / "authority.pem").read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = constraints.value.permitted_subtrees or []
    assert {name.value for name in permitted if isinstance(name, x509.DNSName)} == {"local", "etalage.local", "localhost"}
    assert all(name.value.is_private for name in permitted if isinstance(name, x509.IPAddress))


def test_the_same_names_give_the_same_certificate_again(tmp_path: Path) -> None:
    first, second = (server_certificate(tmp_path, NAMES, NOW) for _ in range(2))
    assert first == second


def test_new_names_renew_the_certificate_and_leave_the_authority(tmp_path: Path) -> None:
    first = server_certificate(tmp_path, NAMES, NOW)
    second = server_certificate(tmp_path, [*NAMES, "10.0.0.7"], NOW)
    assert second.fingerprint != first.fingerprint
    assert second.authority == first.authority


def test_a_name_that_the_authority_may_not_sign_for_makes_a_new_authority(tmp_path: Path) -> None:
    first = server_certificate(tmp_path, NAMES, NOW)
    second = server_certificate(tmp_path, [*NAMES, "shop.example"], NOW)
    assert second.authority != first.authority
    assert handshake(second, "shop.example") == "hello"


def test_it_is_renewed_a_month_before_its_end_and_not_earlier(tmp_path: Path) -> None:
    first = server_certificate(tmp_path, NAMES, NOW)
    due = NOW + timedelta(days=CERTIFICATE_DAYS - RENEW_BEFORE_DAYS)
    assert server_certificate(tmp_path, NAMES, due - timedelta(days=1)) == first
    assert server_certificate(tmp_path, NAMES, due + timedelta(days=1)).fingerprint != first.fingerprint


def test_the_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    server_certificate(tmp_path / "tls", NAMES, NOW)
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}


@pytest.mark.parametrize("content", [b"", b"not PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_damaged_file_is_said_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    server_certificate(tmp_path, NAMES, NOW)
    (tmp_path / "server.pem").write_bytes(content)
    with pytest.raises(CertificateError, match=r"server\.pem: holds no .*; give another file"):
        server_certificate(tmp_path, NAMES, NOW)


def test_a_certificate_and_a_key_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one, other = (server_certificate(tmp_path / name, NAMES, NOW) for name in ("one", "other"))
    assert own_certificate(one.certificate, one.key).authority is None
    with pytest.raises(CertificateError, match="is not the key of"):
        own_certificate(one.certificate, other.key)

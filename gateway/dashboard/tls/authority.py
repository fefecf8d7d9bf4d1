"""The box's own certificate authority, and the certificate that the dashboard shows.

No public authority signs for `etalage.local` or 192.168.1.20, so the box signs for itself. A device that trusts this authority
once never warns again. What it may sign for is written into it (RFC 5280 name constraints): names under `.local`, the box's own
names, and private addresses; so a stolen key opens no other site to those who trust it.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.private_files import make_folder, put_in_place

AUTHORITY_DAYS = 3650
"""As long as a box lives: a new authority must be installed on every device again."""
CERTIFICATE_DAYS = 397
"""The longest that every browser takes from an authority that was installed by hand."""
RENEW_BEFORE_DAYS = 30
BACKDATED = timedelta(days=1)
"""A device whose clock is behind takes the certificate all the same."""
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
LOCAL_DOMAIN = "local"


class CertificateError(Exception):
    """A certificate or key can't be used; `str()` is one line: which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The files that a TLS server needs, and what a person compares or installs."""

    certificate: Path
    """PEM: the server's own certificate and those that signed it."""
    key: Path
    authority: bytes | None
    """DER, for devices to install; None: the shop brought a certificate of its own."""
    fingerprint: str
    """SHA-256 of the server's certificate in pairs of hex digits, as browsers show it."""
    ends_at_s: float


def server_certificate(folder: Path, names: Collection[str], now: datetime) -> ServerCertificate:
    """Return a certificate for `names` (host names and addresses), made or renewed in `folder` where it must be.

    It is made anew when its names change, or `RENEW_BEFORE_DAYS` before its end; the authority stays, unless a name lies outside
    what it may sign for. A key and its certificate are one file, so that a power cut can't part them. Raises CertificateError.
    """
    make_folder(folder)
    authority, authority_key = _authority(folder / "authority.pem", names, now)
    path, wanted = folder / "server.pem", _subject_names(names)
    standing = _read_pair(path)
    if standing is None or not _serves(standing[0], wanted, authority, now):
        key = ec.generate_private_key(ec.SECP256R1())
        standing = _sign(wanted, key, authority, authority_key, now), key
        _write(path, _pem_of_key(key) + _pem(standing[0]) + _pem(authority))
    certificate = standing[0]
    in_der = authority.public_bytes(serialization.Encoding.DER)
    return ServerCertificate(path, path, in_der, fingerprint(certificate), certificate.not_valid_after_utc.timestamp())


def own_certificate(certificate: Path, key: Path) -> ServerCertificate:
    """Return the shop's own certificate, found to fit its key. Raises CertificateError."""
    found = _parse_certificate(certificate, _read(certificate))
    if _parse_key(key, _read(key)).public_key() != found.public_key():
        raise CertificateError(f"{key}: is not the key of {certificate}; give the two files that belong together")
    return ServerCertificate(certificate, key, None, fingerprint(found), found.not_valid_after_utc.timestamp())


def certificate_end_s(path: Path) -> float | None:
    """Return when the first certificate of a file ends, in epoch seconds; None where none can be read."""
    try:
        return _parse_certificate(path, _read(path)).not_valid_after_utc.timestamp()
    except CertificateError:
        return None


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint as browsers show it: AB:CD:…"""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest().hex(":").upper()


def _authority(path: Path, names: Collection[str], now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    standing = _read_pair(path)
    if standing is not None and standing[0].not_valid_after_utc > now and _may_sign(standing[0], names):
        return standing
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, names, now)
    _write(path, _pem_of_key(key) + _pem(certificate))
    return certificate, key


def _self_signed(key: ec.EllipticCurvePrivateKey, names: Collection[str], now: datetime) -> x509.Certificate:
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Etalage box {serial % 0x10000:04X}")])
    permitted: list[x509.GeneralName] = [x509.DNSName(domain) for domain in sorted({LOCAL_DOMAIN, *_host_names(names)})]
    permitted += [x509.IPAddress(ipaddress.ip_network(network)) for network in PRIVATE_NETWORKS]
    return (
        x509.CertificateBuilder(name, name, key.public_key(), serial, now - BACKDATED, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _sign(
    names: x509.SubjectAlternativeName,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    end = min(now + timedelta(days=CERTIFICATE_DAYS), authority.not_valid_after_utc)
    return (
        x509.CertificateBuilder(
            authority.subject, x509.Name([]), key.public_key(), x509.random_serial_number(), now - BACKDATED, end
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _subject_names(names: Collection[str]) -> x509.SubjectAlternativeName:
    hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in _host_names(names)]
    return x509.SubjectAlternativeName([*hosts, *(x509.IPAddress(address) for address in _addresses(names))])


def _serves(standing: x509.Certificate, wanted: x509.SubjectAlternativeName, authority: x509.Certificate, now: datetime) -> bool:
    if standing.issuer != authority.subject or standing.not_valid_after_utc - now < timedelta(days=RENEW_BEFORE_DAYS):
        return False
    names = standing.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    try:
        standing.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return set(names) == set(wanted)


def _may_sign(authority: x509.Certificate, names: Collection[str]) -> bool:
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    domains = {name.value for name in permitted if isinstance(name, x509.DNSName)}
    return all(name in domains or name.endswith(f".{LOCAL_DOMAIN}") for name in _host_names(names))


def _host_names(names: Collection[str]) -> list[str]:
    return sorted({name.lower() for name in names if not _is_address(name)})


def _addresses(names: Collection[str]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the private addresses among `names`: for a public one nobody would take this authority's word."""
    networks = [ipaddress.ip_network(network) for network in PRIVATE_NETWORKS]
    found = [ipaddress.ip_address(name) for name in sorted(set(names)) if _is_address(name)]
    return [address for address in found if any(address in network for network in networks)]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _read_pair(path: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """Read a file of ours: a key, then its certificate; None: it isn't there."""
    if not path.exists():
        return None
    content = _read(path)
    certificate, key = _parse_certificate(path, content), _parse_key(path, content)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise CertificateError(f"{path}: its key and certificate don't belong together; move it aside, and a new one is made")
    return certificate, key


def _parse_certificate(path: Path, content: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise CertificateError(f"{path}: holds no certificate in PEM; give another file, or move it aside") from error


def _parse_key(path: Path, content: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{path}: holds no key in PEM that can be read without a password; give another file") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: can't be read ({error.strerror}); let the gateway's user read it") from error


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all: a power cut must not leave half a key."""
    try:
        put_in_place(path, content)
    except OSError as error:
        raise CertificateError(f"{path}: can't be written ({error.strerror}); let the gateway's user write there") from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

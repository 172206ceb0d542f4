"""A little certificate authority for loopback, made anew at each start.

A CA and one server certificate signed by it, so that clients verify the simulator as they would a
real one: they are told `ca.pem`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cospaced.host.offload import ThreadOffload


LOOPBACK = ("localhost", "127.0.0.1", "::1")

_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files: the authority's certificate, the server's and its key (0600)."""

    ca_file: Path
    file: Path
    key: Path


async def certificates_for(folder: Path, host: str, now: datetime) -> Certificates:
    """Make certificates for loopback and one more host, off the loop."""
    hosts = [*LOOPBACK, *([host] if host not in LOOPBACK else [])]
    offload = ThreadOffload("certificates")
    try:
        return await offload.run(lambda: make_certificates(folder, hosts, now))
    finally:
        offload.close()


def make_certificates(folder: Path, hosts: Sequence[str], now: datetime) -> Certificates:
    """Write `ca.pem`, `server.pem` and `server.key` for host names and addresses; blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(
        ca_file=folder / "ca.pem", file=folder / "server.pem", key=folder / "server.key"
    )
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("cospaced simulator CA")
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _builder(_name(hosts[0]), authority_name, server_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(server_key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    made.ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    made.file.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)

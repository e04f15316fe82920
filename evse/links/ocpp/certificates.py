"""Certificates that a central system installs, and the station's own key (security whitepaper, A02, M03 to M05).

Roots are kept by their use; the station's own certificate is one that was signed for a key the station has made itself. The
private key never leaves the station.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STORE_LIMIT: Final = 20
PEM_LIMIT: Final = 10_000


class Use(StrEnum):
    """`CertificateUse`."""

    CENTRAL_SYSTEM = "CentralSystemRootCertificate"
    MANUFACTURER = "ManufacturerRootCertificate"


class CertificateError(ValueError):
    """The certificate cannot be used; the text says why."""


class CertificateStore:
    """State: roots by use, the station's own chain with its key, and a key that waits for its certificate."""

    def __init__(self, text: str = "") -> None:
        kept: Mapping[str, Any] = json.loads(text) if text else {}
        self._roots: dict[str, list[str]] = {use.value: list(kept.get(use.value, ())) for use in Use}
        self.chain: str = kept.get("chain", "")
        self.key: str = kept.get("key", "")
        self._pending: str = kept.get("pending", "")

    def text(self) -> str:
        """Everything, to be kept: it holds the private key."""
        own = {"chain": self.chain, "key": self.key, "pending": self._pending}
        return json.dumps({**self._roots, **own}, separators=(",", ":"))

    def roots(self, use: Use) -> str:
        """The roots of a use in PEM, one after the other; empty without any."""
        return "".join(self._roots[use.value])

    def install(self, use: Use, pem: str, utc_us: int | None) -> None:
        """Add a root. Raises CertificateError."""
        certificate = _load(pem)
        _check_time(certificate, utc_us)
        if not _is_authority(certificate):
            raise CertificateError("it is no certificate of an authority")
        found = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
        if found in self._roots[use.value]:
            return
        if sum(map(len, self._roots.values())) >= STORE_LIMIT:
            raise CertificateError(f"{STORE_LIMIT} certificates are installed already: delete one first")
        self._roots[use.value].append(found)

    def ids(self, use: Use) -> list[dict[str, str]]:
        """`CertificateHashData` of each root of a use."""
        return [hash_data(_load(pem)) for pem in self._roots[use.value]]

    def delete(self, wanted: Mapping[str, str]) -> bool:
        """Remove the root with these hashes; false when there is none."""
        for kept in self._roots.values():
            for pem in kept:
                found = hash_data(_load(pem), wanted["hashAlgorithm"])
                if {name: value.lower() for name, value in found.items()} == {
                    name: value.lower() for name, value in wanted.items()
                }:
                    kept.remove(pem)
                    return True
        return False

    def request(self, identity: str, organisation: str) -> str:
        """Make a new key and return the request to sign a certificate for it, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, identity[:64])]
        if organisation:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]))
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
        self._pending = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")
        return request.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def signed(self, pem: str, utc_us: int | None) -> None:
        """Take the certificate for the key that waits. Raises CertificateError."""
        if not self._pending:
            raise CertificateError("no request to sign is under way")
        own = _load_all(pem)[0]
        key = serialization.load_pem_private_key(self._pending.encode("ascii"), None)
        if _public(own) != key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ):
            raise CertificateError("it is for another key than the one that waits")
        self.check_chain(pem, Use.CENTRAL_SYSTEM, utc_us, roots_needed=False)
        self.chain, self.key, self._pending = pem, self._pending, ""

    def check_chain(self, pem: str, use: Use, utc_us: int | None, *, roots_needed: bool = True) -> None:
        """Check that a chain (leaf first) is in force and ends at a root of ``use``. Raises CertificateError."""
        chain = _load_all(pem)
        for certificate in chain:
            _check_time(certificate, utc_us)
        roots = [_load(root) for root in self._roots[use.value]]
        if not roots and not roots_needed:
            return
        for lower, upper in pairwise(chain):
            _check_issued(lower, upper)
        for root in roots:
            if root == chain[-1] or _issued(chain[-1], root):
                return
        raise CertificateError(f"no installed {use.value} has issued it")


def _load(pem: str) -> x509.Certificate:
    return _load_all(pem)[0]


def _load_all(pem: str) -> Sequence[x509.Certificate]:
    if len(pem) > PEM_LIMIT:
        raise CertificateError(f"a chain has at most {PEM_LIMIT} characters")
    try:
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise CertificateError("it is no certificate in PEM") from None
    return found


def _check_time(certificate: x509.Certificate, utc_us: int | None) -> None:
    if utc_us is None:
        return
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_us)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateError("it is not valid now")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _issued(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    try:
        _check_issued(lower, upper)
    except CertificateError:
        return False
    return True


def _check_issued(lower: x509.Certificate, upper: x509.Certificate) -> None:
    if not _is_authority(upper):
        raise CertificateError("it was issued by somebody who is no authority")
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError("its chain does not hold together") from None


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def hash_data(root: x509.Certificate, algorithm: str = "SHA256") -> dict[str, str]:
    """`CertificateHashData` of a root, which is its own issuer."""
    digest = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}[algorithm]
    # The key itself without its algorithm: the content of the bit string, as in OCSP (RFC 6960, 4.1.1).
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": digest(root.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": digest(_key_bits(root)).hexdigest(),
        "serialNumber": f"{root.serial_number:x}",
    }


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The content of the bit string in the subject's public key info."""
    encoded = _public(certificate)
    # SEQUENCE { SEQUENCE algorithm, BIT STRING key }: skip the outer header, the algorithm, the bit string's header.
    inner = _content(encoded, 0)[0]
    _, after = _content(encoded, inner)
    start, _ = _content(encoded, after)
    return encoded[start + 1 :]


def _content(encoded: bytes, at: int) -> tuple[int, int]:
    """Begin and end of the content of the DER element at ``at``."""
    length = encoded[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    size = length & 0x7F
    start = at + 2 + size
    return start, start + int.from_bytes(encoded[at + 2 : start], "big")

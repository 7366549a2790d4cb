"""Google's ID tokens and credentials, with keys of the tests' own."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

AUDIENCE = "https://credit-tokens-123.us-central1.run.app"
CALLER = "pubsub-push@demo.iam.gserviceaccount.com"
STRIPPED = "SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run puts in the place of a signature that it has checked."""


class Signer:
    """A key, with the certificate that verifies what it signs."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    @property
    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM).decode()

    def token(self, *, key_id: object = None, **claims: object) -> str:
        """Return a signed token; a claim of None is left out."""
        signed = unsigned({"alg": "RS256", "kid": self.key_id if key_id is None else key_id}, **claims)
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def unsigned(header: dict[str, Any], **claims: object) -> str:
    """Return header and claims of a good token, with these changes; a claim of None is left out."""
    now = int(time.time())
    good = {
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "sub": "1", "azp": "1", "email": CALLER,
        "email_verified": True, "iat": now - 60, "exp": now + 3_540,
    }  # fmt: skip
    changed = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return ".".join(_encoded(json.dumps(part).encode()) for part in (header, changed))


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def service_account(folder: Path) -> Path:
    """Write the file of a service account that does not exist."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = folder / "service_account.json"
    fields = {"type": "service_account", "client_email": "x@example.com", "token_uri": "https://x.example"}
    file.write_text(json.dumps({**fields, "private_key": pem, "project_id": "demo"}), encoding="utf-8")
    return file

"""Bytes for somebody else's safe: sealed under a passphrase, or to a recipient's public key.

What is sealed says how: `SNX1` and 0 (passphrase: scrypt) or 1 (recipient: X25519, HKDF-SHA256), then what the reader
needs to derive the key, then AES-256-GCM. A recipient's keys are PEM as `openssl genpkey -algorithm X25519` makes them.
"""

from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from safetynet.edge import keys

PASSPHRASE_CHARS_MIN: Final = 12
_MAGIC: Final = b"SNX1"
_PASSPHRASE, _RECIPIENT = b"\0", b"\1"
_NONCE: Final = bytes(12)
"""Every key here seals once."""


class CannotOpenError(ValueError):
    """The wrong passphrase or key, or not what was sealed."""


def to_passphrase(data: bytes, passphrase: str) -> bytes:
    """Raises ValueError for a passphrase shorter than PASSPHRASE_CHARS_MIN."""
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise ValueError(f"a passphrase has at least {PASSPHRASE_CHARS_MIN} characters")
    salt = keys.salt()
    head = _MAGIC + _PASSPHRASE + salt
    return head + AESGCM(_stretched(passphrase, salt)).encrypt(_NONCE, data, head)


def to_recipient(data: bytes, public: X25519PublicKey) -> bytes:
    own = X25519PrivateKey.generate()
    said = own.public_key().public_bytes_raw()
    head = _MAGIC + _RECIPIENT + said
    return head + AESGCM(_agreed(own, public, said, public.public_bytes_raw())).encrypt(_NONCE, data, head)


def by_passphrase(sealed: bytes, passphrase: str) -> bytes:
    """Raises CannotOpenError."""
    head, body = _split(sealed, _PASSPHRASE)
    return _opened(_stretched(passphrase, head[5:]), head, body)


def by_identity(sealed: bytes, own: X25519PrivateKey) -> bytes:
    """Raises CannotOpenError."""
    head, body = _split(sealed, _RECIPIENT)
    public = X25519PublicKey.from_public_bytes(head[5:])
    return _opened(_agreed(own, public, head[5:], own.public_key().public_bytes_raw()), head, body)


def read_recipient(path: Path) -> X25519PublicKey:
    """Raises ValueError when it is no such key."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, X25519PublicKey):
        raise ValueError(f"{path.name} is not an X25519 public key")  # noqa: TRY004 - what the operator gave is wrong
    return key


def read_identity(path: Path) -> X25519PrivateKey:
    """Raises ValueError when it is no such key."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, X25519PrivateKey):
        raise ValueError(f"{path.name} is not an X25519 private key")  # noqa: TRY004 - what the operator gave is wrong
    return key


def _split(sealed: bytes, how: bytes) -> tuple[bytes, bytes]:
    if sealed[:5] != _MAGIC + how or len(sealed) < 5 + 32 + 16:
        raise CannotOpenError("sealed in another way, or not at all")
    return sealed[:37], sealed[37:]


def _opened(key: bytes, head: bytes, body: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(_NONCE, body, head)
    except InvalidTag:
        raise CannotOpenError("the wrong passphrase or key, or the file was changed") from None


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**16, r=8, p=1).derive(passphrase.encode())


def _agreed(own: X25519PrivateKey, other: X25519PublicKey, said: bytes, recipient: bytes) -> bytes:
    info = b"safetynet/sealed/1" + said + recipient
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(own.exchange(other))

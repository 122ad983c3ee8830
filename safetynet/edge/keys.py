"""Every secret: a centre's own keys, its certificates, the keys under which persons are sealed, tokens, passwords.

No key has a default. What a centre needs is drawn at its first start and lies in `D/keys/` as files that only their
owner can read; a key file that others could read stops the program. Keys never enter the environment, the database
(there they lie only wrapped) or a log.

    log.key      Ed25519, signs checkpoints of this centre's ledger and nothing else
    sign.key     Ed25519, signs messages and leases
    pseudonym.key  32 bytes, makes the ids under which partners know an incident; losing it changes only later ids
    person.key   AES-256, wraps the data keys of persons; losing it erases everyone
    tls.pem      ECDSA P-256 key with its certificate; who keeps the CA renews it, a running program takes the new one
    ca.pem       whom to trust on a link (more than one certificate may stand in it)
    phones.pem   key and certificate of the door for telephones, where there is one; issued by another CA
    peers.json   public signing keys of partners, pinned
"""

import asyncio
import base64
import datetime as dt
import hmac
import ipaddress
import os
import re
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import argon2
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from safetynet.core.terms import HOUR_MS, CentreId, Instant, SubjectId
from safetynet.edge import clock, files, log

FOLDER: Final = "keys"
PHONES: Final = "phones.pem"
CERTIFICATE_LIFE_HOURS: Final = 72
"""Short, so that expiry does what revocation lists promise (security.md section 4)."""
CA_LIFE_HOURS: Final = 5 * 365 * 24
RENEWED_LOOK_S: Final = 30.0
BACKDATED_HOURS: Final = 1
"""A new certificate is valid from a little earlier: partners' clocks differ."""
KEYS_CACHED_MAX: Final = 16_384
PASSWORD_BYTES_MAX: Final = 1_024
SALT_BYTES: Final = 32
_CENTRE_URI: Final = "safetynet:centre:"
_CENTRE_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class UnknownPeerError(LookupError):
    """No key is pinned for this centre: nothing it says can be believed."""


class TamperedError(ValueError):
    """Sealed bytes, or a wrapped key, are not what this centre wrote."""


# --- files ---------------------------------------------------------------------------------------------------------


def _read_secret(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path.name}: others than its owner may read this key; it must not be used (chmod 0400)")
    return path.read_bytes()


def _ed25519(path: Path) -> Ed25519PrivateKey:
    """Reads the key, drawing it first when there is none."""
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        files.write(path, _pem(fresh), mode=0o400, replace=False)
    key = serialization.load_pem_private_key(_read_secret(path), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path.name} is not an Ed25519 key")
    return key


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    kind = serialization
    return key.private_bytes(kind.Encoding.PEM, kind.PrivateFormat.PKCS8, kind.NoEncryption())


# --- a centre's own keys -------------------------------------------------------------------------------------------


class CentreKeys:
    """What one centre signs with. `open_centre` makes it."""

    def __init__(self, log: Ed25519PrivateKey, sign: Ed25519PrivateKey, person: bytes, pseudonym: bytes) -> None:
        self._log, self._sign, self._person = log, sign, person
        self.pseudonym: Final = pseudonym
        """32 bytes; the secret of the control centre's mind from which incident ids are derived."""
        self.public: Final = sign.public_key().public_bytes_raw()
        """32 bytes; partners pin it."""
        self.log_public: Final = log.public_key().public_bytes_raw()
        """32 bytes; stands in the log's verifier key."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes Ed25519 over a message's or a lease's signed part. The data must name its own domain."""
        return self._sign.sign(data)

    def sign_log(self, body: bytes) -> bytes:
        """64 bytes Ed25519 over a checkpoint's body. The caller has made sure that the tree only grew."""
        return self._log.sign(body)

    def persons(self, wrapped: "WrappedKeys") -> "PersonKeys":
        return PersonKeys(self._person, wrapped)


def open_centre(folder: Path) -> CentreKeys:
    """`folder` is the centre's D. Draws what is missing. Raises PermissionError when a key file is readable by others."""
    place = folder / FOLDER
    person, pseudonym = _secret(place / "person.key"), _secret(place / "pseudonym.key")
    return CentreKeys(_ed25519(place / "log.key"), _ed25519(place / "sign.key"), person, pseudonym)


def _secret(path: Path) -> bytes:
    """32 random bytes, drawn when there are none."""
    if not path.exists():
        files.write(path, secrets.token_bytes(32), mode=0o400, replace=False)
    secret = _read_secret(path)
    if len(secret) != 32:
        raise TamperedError(f"{path.name} is not 32 bytes")
    return secret


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    """Ed25519. A key or a signature of the wrong length is a no, not an error."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def pin_peer(folder: Path, centre: CentreId, public: bytes, *, replace: bool = False) -> None:
    """Trusts `public` for what `centre` signs. Raises ValueError on another key already pinned, unless `replace`."""
    assert len(public) == 32, "an Ed25519 public key has 32 bytes"
    known = dict(read_peers(folder))
    if not replace and known.get(centre, public) != public:
        raise ValueError(f"another key is pinned for {centre}")
    known[centre] = public
    listed = {each: base64.b64encode(known[each]).decode() for each in sorted(known)}
    files.write(folder / FOLDER / "peers.json", msgspec.json.format(msgspec.json.encode(listed)), mode=0o644)


def read_peers(folder: Path) -> Mapping[CentreId, bytes]:
    """All pinned keys. A program that checks many signatures reads them once."""
    path = folder / FOLDER / "peers.json"
    if not path.exists():
        return {}
    return {CentreId(each): key for each, key in msgspec.json.decode(path.read_bytes(), type=dict[str, bytes]).items()}


def peer_public(folder: Path, centre: CentreId) -> bytes:
    """32 bytes. Raises UnknownPeerError."""
    try:
        return read_peers(folder)[centre]
    except KeyError:
        raise UnknownPeerError(centre) from None


# --- certificates --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """The deployment's own small CA. Its key stays where it was made; centres get only certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _after(hours: int) -> dt.datetime:
    return dt.datetime.fromtimestamp((clock.now() + hours * HOUR_MS) / 1_000, dt.UTC)


def _builder(
    subject: str, issuer: x509.Name | None, public: ec.EllipticCurvePublicKey, hours: int
) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_after(min(-BACKDATED_HOURS, hours - BACKDATED_HOURS)))
        .not_valid_after(_after(hours))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def make_ca(folder: Path, name: str = "safetynet CA", within: tuple[str, ...] = ()) -> Authority:
    """Reads the CA of a deployment from `folder`, making it at the first start (`ca.key` 0400, `ca.pem`).

    `within`: networks beyond which it can vouch for nobody, and for no name but `localhost`. So whoever trusts it on a
    telephone trusts it for these addresses alone, also when its key is stolen.
    """
    key_path, path = folder / "ca.key", folder / "ca.pem"
    if not key_path.exists():
        if path.exists():
            raise FileNotFoundError("ca.key is gone but its certificate is there: a new CA must be set up on purpose")
        files.write(key_path, _pem(ec.generate_private_key(ec.SECP256R1())), mode=0o400, replace=False)
    key = serialization.load_pem_private_key(_read_secret(key_path), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key is not an elliptic-curve key")
    if not path.exists():
        builder = (
            _builder(name, None, key.public_key(), CA_LIFE_HOURS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=False, certifies=True), critical=True)
        )
        if within:
            networks = [x509.IPAddress(ipaddress.ip_network(each)) for each in within]
            only = x509.NameConstraints([*networks, x509.DNSName("localhost")], None)
            builder = builder.add_extension(only, critical=True)
        made = builder.sign(key, hashes.SHA256())
        files.write(path, made.public_bytes(serialization.Encoding.PEM), mode=0o444, replace=False)
    return Authority(x509.load_pem_x509_certificate(path.read_bytes()), key)


def issue(
    ca: Authority, folder: Path, centre: CentreId, hosts: Iterable[str], hours: int = CERTIFICATE_LIFE_HOURS
) -> None:
    """Gives the centre whose D is `folder` a new key and certificate, and the CA to trust.

    `hosts` are DNS names and IP addresses under which partners reach it. Key and certificate lie in one file, so that
    a power cut cannot leave one of them without the other.
    """
    assert _CENTRE_ID.fullmatch(centre), "a centre's id is lower-case letters, digits and hyphens"
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(_CENTRE_URI + centre)]
    names += [_host(each) for each in sorted({*hosts})]
    made = (
        _builder(centre, ca.certificate.subject, key.public_key(), hours)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True, certifies=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    place = folder / FOLDER
    root = ca.certificate.public_bytes(serialization.Encoding.PEM)
    files.write(place / "ca.pem", root, mode=0o444)
    files.write(place / "tls.pem", _pem(key) + made.public_bytes(serialization.Encoding.PEM), mode=0o400)


def renew_phones(ca: Authority, folder: Path, host: str, hours: int = CERTIFICATE_LIFE_HOURS) -> bool:
    """As `renew`, for the door for telephones at `host`; also issues when that is another place than before.

    It names no centre: what it opens is a page, never the link between organisations.
    """
    path = folder / FOLDER / PHONES
    name = _host(host)
    if path.exists():
        held = x509.load_pem_x509_certificate(_read_secret(path))
        names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        left_ms = Instant(int(held.not_valid_after_utc.timestamp()) * 1_000) - clock.now()
        if list(names) == [name] and held.issuer == ca.certificate.subject and left_ms >= hours * HOUR_MS // 2:
            return False
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder("safetynet phones", ca.certificate.subject, key.public_key(), hours)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True, certifies=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    files.write(path, _pem(key) + made.public_bytes(serialization.Encoding.PEM), mode=0o400)
    return True


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def valid_until(folder: Path) -> Instant | None:
    """When this centre's certificate runs out; None when it has none yet."""
    path = folder / FOLDER / "tls.pem"
    if not path.exists():
        return None
    certificate = x509.load_pem_x509_certificate(_read_secret(path))
    return Instant(int(certificate.not_valid_after_utc.timestamp()) * 1_000)


def renew(ca: Authority, folder: Path, centre: CentreId, hosts: Iterable[str]) -> bool:
    """For whoever keeps the CA, at every start and now and then: issues when there is none or less than half of its life is left."""
    until = valid_until(folder)
    if until is not None and until - clock.now() >= CERTIFICATE_LIFE_HOURS * HOUR_MS // 2:
        return False
    issue(ca, folder, centre, hosts)
    return True


def _context(folder: Path, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    place = folder / FOLDER
    context.load_verify_locations(cafile=str(place / "ca.pem"))
    _read_secret(place / "tls.pem")  # for its refusal of a file that others may read
    context.load_cert_chain(str(place / "tls.pem"))
    return context


def server_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.3 with a certificate from both sides. The caller still asks `peer_id` who it is."""
    context = _context(folder, ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # a resumed session would outlive its certificate
    return context


def device_context(folder: Path) -> ssl.SSLContext:
    """For devices, which are older than TLS 1.3. Whether they must show a certificate says whether their CA is there."""
    place = folder / FOLDER
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _read_secret(place / "devices.key")  # for its refusal of a file that others may read
    context.load_cert_chain(str(place / "devices.pem"), str(place / "devices.key"))
    if (place / "devices-ca.pem").exists():
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile=str(place / "devices-ca.pem"))
    context.num_tickets = 0  # a resumed session would outlive its certificate
    return context


def broker_password(folder: Path) -> str | None:
    """Of the broker of MQTT, where it asks for one."""
    path = folder / FOLDER / "broker.key"
    return _read_secret(path).decode().strip() if path.exists() else None


def client_context(folder: Path) -> ssl.SSLContext:
    """As `server_context`, from the calling side; checks the host name too. `peer_id` says which centre answered.

    TLS 1.3 lets a refused client write before it learns of it: believe the link only after a first answer.
    """
    context = _context(folder, ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = True
    return context


def phones_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.3 for telephones, which show no certificate: who they are is asked by password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    reload_phones(context, folder)
    return context


def reload_phones(context: ssl.SSLContext, folder: Path) -> None:
    path = folder / FOLDER / PHONES
    _read_secret(path)  # for its refusal of a file that others may read
    context.load_cert_chain(str(path))


async def follow_phones(folder: Path, context: ssl.SSLContext, look_s: float = RENEWED_LOOK_S) -> None:
    """As `follow`, for the door for telephones."""
    await _follow(folder / FOLDER / PHONES, lambda: reload_phones(context, folder), look_s)


def reload(context: ssl.SSLContext, folder: Path) -> None:
    """Lets a running server or client use a renewed certificate, and whom to trust, for its next connections."""
    place = folder / FOLDER
    _read_secret(place / "tls.pem")  # for its refusal of a file that others may read
    context.load_verify_locations(cafile=str(place / "ca.pem"))
    context.load_cert_chain(str(place / "tls.pem"))


async def follow(folder: Path, *contexts: ssl.SSLContext, look_s: float = RENEWED_LOOK_S) -> None:
    """Until cancelled: whoever renews the certificate puts it into `keys/`, and the program uses it from then on.

    Connections that stand go on: a link looks at its certificates again within hours (edge.link.SESSION_S_MAX).
    """

    def again() -> None:
        for context in contexts:
            reload(context, folder)

    await _follow(folder / FOLDER / "tls.pem", again, look_s)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


async def _follow(path: Path, again: Callable[[], None], look_s: float) -> None:
    seen = _written(path)
    while True:
        await asyncio.sleep(look_s)
        now = _written(path)
        if now != seen:
            again()
            seen = now
            log.say("certificate_renewed")


def peer_id(connection: ssl.SSLObject | ssl.SSLSocket) -> CentreId | None:
    """Which centre is at the other end, by its verified certificate. None when it names none, or more than one."""
    certificate = connection.getpeercert()
    names: list[str] = []
    for each in (certificate or {}).get("subjectAltName", ()):
        match each:
            case ("URI", str(uri)) if uri.startswith(_CENTRE_URI):
                names.append(uri.removeprefix(_CENTRE_URI))
            case _:
                continue
    if len(names) != 1 or not _CENTRE_ID.fullmatch(names[0]):
        return None
    return CentreId(names[0])


# --- persons -------------------------------------------------------------------------------------------------------


class WrappedKeys(Protocol):
    """Where wrapped data keys lie (edge.store; a dict in tests). Small: under 100 bytes each.

    An erasure is a `put` that overwrites with as many bytes: the old ones must not survive in free pages, the
    write-ahead log or a later backup (SQLite: `secure_delete`, and a truncating checkpoint after an erasure).
    """

    def get(self, subject: SubjectId) -> bytes | None: ...
    def put(self, subject: SubjectId, wrapped: bytes) -> None: ...
    def delete(self, subject: SubjectId) -> None: ...


_NONCE_BYTES: Final = 12
_GENERATION_BYTES: Final = 4
_NONCES_DRAWN: Final = 1_024
"""Drawn together: asking the kernel for each costs more than sealing."""
_WRAPPED_BYTES: Final = _NONCE_BYTES + 32 + 16
"""Nonce, key and tag: what an erasure leaves as zeros."""


class _Live(NamedTuple):
    """One subject's key of this generation, with what stands in front of everything that it seals."""

    generation: int
    key: AESGCM
    head: bytes
    bound: bytes


class _Nonces:
    """Random, each given out once: a child of this process that goes on by itself begins with none of its parent's."""

    def __init__(self) -> None:
        self._drawn, self._at = b"", 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self) -> bytes:
        at = self._at
        if at >= len(self._drawn):
            self._drawn, at = secrets.token_bytes(_NONCE_BYTES * _NONCES_DRAWN), 0
        self._at = at + _NONCE_BYTES
        return self._drawn[at : at + _NONCE_BYTES]

    def _forget(self) -> None:
        self._drawn, self._at = b"", 0


_NONCES: Final = _Nonces()


class PersonKeys:
    """One data key per subject: AES-256-GCM, random 96-bit nonces, wrapped under the centre's person.key.

    Sealed: generation (4) | nonce (12) | ciphertext and tag. Wrapped: generation (4) | nonce (12) | wrapped key and
    tag. A generation ends with an erasure, which leaves only its number behind; so what was erased (an older
    generation, None) can be told from what was tampered with (raises TamperedError), and a subject that appears again
    starts with a new key.
    """

    def __init__(self, kek: bytes, wrapped: WrappedKeys, keys_cached_max: int = KEYS_CACHED_MAX) -> None:
        self._kek = AESGCM(kek)
        self._grave = hmac.digest(kek, b"safetynet/tombstones/1", "sha256")
        self._wrapped = wrapped
        self._cached: OrderedDict[SubjectId, _Live] = OrderedDict()
        self._cached_max = keys_cached_max

    def seal(self, subject: SubjectId, data: bytes, aad: bytes = b"") -> bytes:
        """`aad` binds the data to its place (serial, table); the same must be given to `open`.

        A first seal of a subject puts its key: the caller's transaction holds both.
        """
        live = self._cached.get(subject)
        if live is None:
            generation, live = self._current(subject)
            if live is None:
                live = self._begin(subject, generation + 1)
        else:
            self._cached.move_to_end(subject)
        nonce = _NONCES.take()
        return live.head + nonce + live.key.encrypt(nonce, data, live.bound + aad)

    def open(self, subject: SubjectId, sealed: bytes, aad: bytes = b"") -> bytes | None:
        """None when it was erased. Raises TamperedError on anything that this centre did not seal for this subject."""
        sealed_in = int.from_bytes(sealed[:_GENERATION_BYTES], "big")
        generation, live = self._current(subject)
        if sealed_in < 1 or sealed_in > generation > 0:
            raise TamperedError("sealed under a key that never was")
        if live is None or sealed_in < generation:
            return None
        nonce, ciphertext = _split(sealed)
        try:
            return live.key.decrypt(nonce, ciphertext, live.bound + aad)
        except InvalidTag:
            raise TamperedError("sealed bytes were changed, or belong elsewhere") from None

    def erase(self, subject: SubjectId) -> None:
        """Destroys the key: everything sealed for this subject is noise from here on. Harmless when done twice."""
        generation, live = self._current(subject)
        self._cached.pop(subject, None)
        if live is not None:
            self._wrapped.put(subject, generation.to_bytes(_GENERATION_BYTES, "big") + bytes(_WRAPPED_BYTES))

    def tombstone(self, subject: SubjectId) -> bytes | None:
        """32 bytes by which this centre alone knows the subject's present key again; None when it has none.

        Names nobody to whoever lacks person.key, and not a key that the subject gets after an erasure.
        """
        generation, live = self._current(subject)
        return None if live is None else hmac.digest(self._grave, _bound(b"grave", generation, subject, b""), "sha256")

    def forget(self) -> None:
        """Drops unwrapped keys from memory: after a transaction that was rolled back, and when idle."""
        self._cached.clear()

    def _current(self, subject: SubjectId) -> tuple[int, _Live | None]:
        """(newest generation, its key); the key is None when that generation was erased; (0, None) before the first."""
        cached = self._cached.get(subject)
        if cached is not None:
            self._cached.move_to_end(subject)
            return cached.generation, cached
        wrapped = self._wrapped.get(subject)
        if wrapped is None:
            return 0, None
        generation = int.from_bytes(wrapped[:_GENERATION_BYTES], "big")
        if not any(wrapped[_GENERATION_BYTES:]):
            return generation, None
        nonce, ciphertext = _split(wrapped)
        try:
            key = AESGCM(self._kek.decrypt(nonce, ciphertext, _bound(b"wrapped", generation, subject, b"")))
        except InvalidTag:
            raise TamperedError("a wrapped key was changed, or person.key is another centre's") from None
        return generation, self._keep(subject, generation, key)

    def _begin(self, subject: SubjectId, generation: int) -> _Live:
        fresh, nonce = AESGCM.generate_key(256), secrets.token_bytes(_NONCE_BYTES)
        head = generation.to_bytes(_GENERATION_BYTES, "big")
        self._wrapped.put(
            subject, head + nonce + self._kek.encrypt(nonce, fresh, _bound(b"wrapped", generation, subject, b""))
        )
        return self._keep(subject, generation, AESGCM(fresh))

    def _keep(self, subject: SubjectId, generation: int, key: AESGCM) -> _Live:
        head = generation.to_bytes(_GENERATION_BYTES, "big")
        live = self._cached[subject] = _Live(generation, key, head, _bound(b"sealed", generation, subject, b""))
        if len(self._cached) > self._cached_max:
            self._cached.popitem(last=False)
        return live


def _bound(what: bytes, generation: int, subject: SubjectId, aad: bytes) -> bytes:
    """Unambiguous by length prefixes: nothing sealed for one subject or purpose opens as another."""
    name = subject.encode()
    return b"".join(
        (b"safetynet/", what, b"/1\n", generation.to_bytes(8, "big"), len(name).to_bytes(4, "big"), name, aad)
    )


def _split(data: bytes) -> tuple[bytes, bytes]:
    end = _GENERATION_BYTES + _NONCE_BYTES
    if len(data) < end + 16:
        raise TamperedError("too short to have been sealed here")
    return data[_GENERATION_BYTES:end], data[end:]


# --- tokens, ids, passwords ----------------------------------------------------------------------------------------


def token() -> str:
    """256 random bits, URL-safe. Keep only its SHA-256."""
    return secrets.token_urlsafe(32)


def fresh_id(prefix: str) -> str:
    """`prefix-` and 100 random bits in letters and digits that survive being read aloud (base32)."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(13)).decode().lower()[:20]}"


PASSPHRASE_WORDS: Final = 3
_SYLLABLES: Final = tuple(one + two for one in "bdghjklmnprst" for two in "aeiou")


def passphrase() -> str:
    """Like `mogari-tedubo-sanuki`: easily read off a screen, about 54 bits. For a password that is shown once."""
    return "-".join("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(PASSPHRASE_WORDS))


def salt() -> bytes:
    """32 random bytes for a ledger commitment: without it, short records could be guessed from their leaf."""
    return secrets.token_bytes(SALT_BYTES)


def same(one: bytes | str, other: bytes | str) -> bool:
    """Constant-time comparison of secrets."""
    left, right = (each.encode() if isinstance(each, str) else each for each in (one, other))
    return hmac.compare_digest(left, right)


_hasher: Final = argon2.PasswordHasher()
_NOBODY: Final = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Argon2id with the parameters of RFC 9106 (second choice). Raises ValueError beyond PASSWORD_BYTES_MAX."""
    if len(password.encode()) > PASSWORD_BYTES_MAX:
        raise ValueError("password too long")
    return _hasher.hash(password)


def check_password(stored: str | None, password: str) -> bool:
    """`stored` None is an account that does not exist: it costs the same time as a wrong password."""
    if len(password.encode()) > PASSWORD_BYTES_MAX:
        return False
    try:
        _hasher.verify(stored or _NOBODY, password)
    except argon2.exceptions.VerifyMismatchError:
        return False
    return stored is not None

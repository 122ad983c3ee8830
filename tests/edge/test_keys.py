"""N1 and L8 as an adversary would try them: on real files, real sockets, and with vectors made by others."""

import asyncio
import contextlib
import json
import os
import re
import ssl
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core.terms import CentreId, SubjectId
from safetynet.edge import files, keys
from safetynet.edge.keys import PersonKeys, TamperedError, UnknownPeerError

CONTROL, GARAM, NARAE = CentreId("control"), CentreId("garam"), CentreId("narae")
HOSTS = ("localhost", "127.0.0.1")
DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_first_start_draws_keys_that_only_their_owner_can_read(tmp_path: Path) -> None:
    one, again = keys.open_centre(tmp_path), keys.open_centre(tmp_path)
    assert (one.public, one.log_public) == (again.public, again.log_public)
    assert one.public != one.log_public
    assert one.pseudonym == again.pseudonym
    assert one.pseudonym != keys.open_centre(tmp_path / "other").pseudonym
    made = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "keys").iterdir()}
    assert made == {"log.key": 0o400, "sign.key": 0o400, "person.key": 0o400, "pseudonym.key": 0o400}
    other = keys.open_centre(tmp_path / "other")
    assert len({one.public, one.log_public, other.public, other.log_public}) == 4


@pytest.mark.parametrize("name", ["log.key", "sign.key", "person.key"])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, name: str) -> None:
    keys.open_centre(tmp_path)
    (tmp_path / "keys" / name).chmod(0o440)
    with pytest.raises(PermissionError, match=name):
        keys.open_centre(tmp_path)


def test_a_certificate_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    keys.issue(keys.make_ca(tmp_path / "ca"), tmp_path, GARAM, HOSTS)
    assert stat.S_IMODE((tmp_path / "keys" / "tls.pem").stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "ca" / "ca.key").stat().st_mode) == 0o400
    (tmp_path / "keys" / "tls.pem").chmod(0o404)
    with pytest.raises(PermissionError):
        keys.server_context(tmp_path)


def test_a_file_that_exists_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"one", replace=False)
    with pytest.raises(FileExistsError):
        files.write(tmp_path / "a", b"two", replace=False)
    assert (tmp_path / "a").read_bytes() == b"one"
    files.write(tmp_path / "a", b"two")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"two"


def test_a_ca_whose_key_is_gone_is_not_quietly_made_anew(tmp_path: Path) -> None:
    keys.make_ca(tmp_path)
    assert keys.make_ca(tmp_path).certificate == keys.make_ca(tmp_path).certificate
    (tmp_path / "ca.key").unlink()
    with pytest.raises(FileNotFoundError):
        keys.make_ca(tmp_path)


# --- signatures ----------------------------------------------------------------------------------------------------


def test_a_signature_holds_for_its_data_and_key_alone(tmp_path: Path) -> None:
    own = keys.open_centre(tmp_path)
    signature = own.sign(b"data")
    assert keys.verify(own.public, b"data", signature)
    assert not keys.verify(own.log_public, b"data", signature)
    assert not keys.verify(own.public, b"Data", signature)
    assert not keys.verify(own.public, b"data", signature[:-1])
    assert not keys.verify(own.public[:-1], b"data", signature)
    assert keys.verify(own.log_public, b"body", own.sign_log(b"body"))


def test_ed25519_agrees_with_wycheproof() -> None:
    path = DATA / "crypto" / "wycheproof" / "ed25519_test.json"
    if not path.exists():
        pytest.skip("needs the Wycheproof vectors (SAFETYNET_DATA)")
    judged = 0
    for group in json.loads(path.read_text())["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            holds = keys.verify(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert holds == (case["result"] == "valid"), case["tcId"]
            judged += 1
    assert judged > 100


def test_a_partner_is_known_by_a_pinned_key(tmp_path: Path) -> None:
    with pytest.raises(UnknownPeerError):
        keys.peer_public(tmp_path, GARAM)
    keys.pin_peer(tmp_path, GARAM, b"\1" * 32)
    keys.pin_peer(tmp_path, NARAE, b"\2" * 32)
    keys.pin_peer(tmp_path, GARAM, b"\1" * 32)
    with pytest.raises(ValueError, match="garam"):
        keys.pin_peer(tmp_path, GARAM, b"\3" * 32)
    assert keys.peer_public(tmp_path, GARAM) == b"\1" * 32
    keys.pin_peer(tmp_path, GARAM, b"\3" * 32, replace=True)
    assert keys.read_peers(tmp_path) == {GARAM: b"\3" * 32, NARAE: b"\2" * 32}


# --- mutual TLS ----------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[int]:
    """Answers each connection with the centre it sees at the other end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = keys.peer_id(writer.get_extra_info("ssl_object"))
        writer.write(f"{seen}\n".encode())
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=keys.server_context(folder))
    async with server:
        yield server.sockets[0].getsockname()[1]


async def call(port: int, context: ssl.SSLContext, host: str = "127.0.0.1") -> tuple[str, CentreId | None]:
    """(whom the server saw, whom we saw). Raises when either side refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
    try:
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("refused without a word")
        return line.decode().strip(), keys.peer_id(writer.get_extra_info("ssl_object"))
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@pytest.fixture
def country(tmp_path: Path) -> Path:
    ca = keys.make_ca(tmp_path / "ca")
    for each in (CONTROL, GARAM):
        keys.issue(ca, tmp_path / each, each, HOSTS)
    return tmp_path


async def test_both_sides_know_each_other(country: Path) -> None:
    async with serving(country / GARAM) as port:
        context = keys.client_context(country / CONTROL)
        assert await call(port, context) == ("control", GARAM)
        assert await call(port, context, "localhost") == ("control", GARAM)


async def test_without_a_certificate_nothing_is_answered(country: Path) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.load_verify_locations(str(country / CONTROL / "keys" / "ca.pem"))
    async with serving(country / GARAM) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await call(port, bare)


async def test_a_certificate_of_another_ca_is_refused(country: Path) -> None:
    """The stranger trusts the true CA and names itself control: only its issuer is wrong."""
    keys.issue(keys.make_ca(country / "false-ca"), country / "stranger", CONTROL, HOSTS)
    files.write(country / "stranger" / "keys" / "ca.pem", (country / "ca" / "ca.pem").read_bytes())
    async with serving(country / GARAM) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await call(port, keys.client_context(country / "stranger"))


async def test_a_server_of_another_ca_is_refused(country: Path) -> None:
    keys.issue(keys.make_ca(country / "false-ca"), country / "stranger", GARAM, HOSTS)
    async with serving(country / "stranger") as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await call(port, keys.client_context(country / CONTROL))


@pytest.mark.parametrize("late", [CONTROL, GARAM])
async def test_an_expired_certificate_is_refused(country: Path, late: CentreId) -> None:
    keys.issue(keys.make_ca(country / "ca"), country / late, late, HOSTS, hours=-1)
    async with serving(country / GARAM) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await call(port, keys.client_context(country / CONTROL))


async def test_another_centre_with_a_good_certificate_is_not_taken_for_the_one_called(country: Path) -> None:
    keys.issue(keys.make_ca(country / "ca"), country / NARAE, NARAE, HOSTS)
    async with serving(country / NARAE) as port:
        seen, answered = await call(port, keys.client_context(country / CONTROL))
    assert seen == "control"
    assert answered == NARAE != GARAM


async def test_another_host_name_is_refused(country: Path) -> None:
    async with serving(country / GARAM) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await call(port, keys.client_context(country / CONTROL), "narae.example")


async def test_older_tls_is_refused(country: Path) -> None:
    context = keys.client_context(country / CONTROL)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(country / GARAM) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await call(port, context)


def test_a_centre_cannot_issue_for_others(country: Path) -> None:
    """A leaf is no CA: a chain through it is refused by `pathlen` and `ca=False`; here its usage says so."""
    from cryptography import x509

    leaf = x509.load_pem_x509_certificate((country / GARAM / "keys" / "tls.pem").read_bytes())
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False


class Certificate:
    """Stands where a connection does: only the names in its certificate matter."""

    def __init__(self, *names: tuple[str, str]) -> None:
        self._names = names

    def getpeercert(self) -> dict[str, object]:
        return {"subjectAltName": self._names}


@pytest.mark.parametrize(
    "names",
    [
        (),
        (("DNS", "safetynet:centre:garam"),),
        (("URI", "safetynet:centre:"),),
        (("URI", "safetynet:centre:garam/../control"),),
        (("URI", "safetynet:centre:garam"), ("URI", "safetynet:centre:control")),
    ],
)
def test_a_certificate_that_names_no_centre_or_two_names_nobody(names: tuple[tuple[str, str], ...]) -> None:
    assert keys.peer_id(Certificate(*names)) is None
    assert keys.peer_id(Certificate(("DNS", "localhost"), ("URI", "safetynet:centre:garam"))) == GARAM


def test_certificates_are_renewed_when_half_of_their_life_is_over(tmp_path: Path) -> None:
    ca = keys.make_ca(tmp_path / "ca")
    assert keys.valid_until(tmp_path) is None
    assert keys.renew(ca, tmp_path, GARAM, HOSTS)
    first = (tmp_path / "keys" / "tls.pem").read_bytes()
    assert not keys.renew(ca, tmp_path, GARAM, HOSTS)
    assert (tmp_path / "keys" / "tls.pem").read_bytes() == first
    keys.issue(ca, tmp_path, GARAM, HOSTS, hours=keys.CERTIFICATE_LIFE_HOURS // 2 - 1)
    assert keys.renew(ca, tmp_path, GARAM, HOSTS)


# --- persons -------------------------------------------------------------------------------------------------------


class Shelf(dict[SubjectId, bytes]):
    def put(self, subject: SubjectId, wrapped: bytes) -> None:
        self[subject] = wrapped

    def delete(self, subject: SubjectId) -> None:
        del self[subject]


WEARER, OTHER = SubjectId("wearer:1"), SubjectId("wearer:2")


def persons(shelf: Shelf | None = None, cached_max: int = 8) -> PersonKeys:
    return PersonKeys(b"\x09" * 32, Shelf() if shelf is None else shelf, cached_max)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_opens_for_the_same_subject_and_place(data: bytes, aad: bytes) -> None:
    own = persons()
    sealed = own.seal(WEARER, data, aad)
    assert own.open(WEARER, sealed, aad) == data
    assert data == b"" or len(data) < 4 or data not in sealed
    own.seal(OTHER, b"")
    for subject, place in ((OTHER, aad), (WEARER, aad + b"x")):
        with pytest.raises(TamperedError):
            own.open(subject, sealed, place)


def test_two_seals_of_one_text_differ() -> None:
    own = persons()
    assert own.seal(WEARER, b"text") != own.seal(WEARER, b"text")


def test_no_byte_of_a_sealed_record_can_be_changed() -> None:
    own = persons()
    sealed = own.seal(WEARER, b"record", b"7")
    for at in range(len(sealed)):
        forged = bytearray(sealed)
        forged[at] ^= 1
        with pytest.raises(TamperedError):
            own.open(WEARER, bytes(forged), b"7")
    for cut in range(len(sealed)):
        with pytest.raises(TamperedError):
            own.open(WEARER, sealed[:cut], b"7")


def test_what_was_erased_cannot_be_opened_by_anyone() -> None:
    """The adversary has the disk after the erasure, and the centre's own key: L8."""
    shelf = Shelf()
    own = persons(shelf)
    sealed, others = own.seal(WEARER, b"where she was"), own.seal(OTHER, b"other")
    wrapped = shelf[WEARER]
    own.erase(WEARER)
    own.erase(WEARER)
    assert own.open(WEARER, sealed) is None
    assert persons(shelf).open(WEARER, sealed) is None
    assert own.open(OTHER, others) == b"other"
    left = b"".join(shelf.values())
    assert wrapped[4:] not in left
    assert len(shelf[WEARER]) == len(wrapped), "overwritten in place, to the byte"
    assert shelf[WEARER][4:] == bytes(60)


def test_a_subject_that_appears_again_does_not_revive_what_was_erased() -> None:
    own = persons()
    before = own.seal(WEARER, b"before")
    own.erase(WEARER)
    after = own.seal(WEARER, b"after")
    assert own.open(WEARER, before) is None
    assert own.open(WEARER, after) == b"after"
    own.erase(WEARER)
    assert own.open(WEARER, after) is None


def test_erasing_somebody_unknown_is_harmless() -> None:
    shelf = Shelf()
    persons(shelf).erase(WEARER)
    assert not shelf


def test_a_wrapped_key_put_in_anothers_place_is_found() -> None:
    shelf = Shelf()
    own = persons(shelf)
    sealed = own.seal(WEARER, b"record")
    own.seal(OTHER, b"other")
    shelf[WEARER], shelf[OTHER] = shelf[OTHER], shelf[WEARER]
    with pytest.raises(TamperedError):
        persons(shelf).open(WEARER, sealed)


def test_few_keys_are_held_in_memory_and_none_after_an_erasure() -> None:
    shelf = Shelf()
    own = persons(shelf, cached_max=3)
    sealed = {SubjectId(f"wearer:{each}"): own.seal(SubjectId(f"wearer:{each}"), b"x") for each in range(10)}
    assert len(own._cached) == 3
    assert all(own.open(subject, data) == b"x" for subject, data in sealed.items())
    assert len(own._cached) == 3
    last = next(iter(own._cached))
    own.erase(last)
    assert last not in own._cached
    own.forget()
    assert not own._cached


# --- tokens and passwords ------------------------------------------------------------------------------------------


def test_tokens_and_ids_are_long_and_never_twice() -> None:
    assert all(len(each) == 43 for each in (keys.token(), keys.token()))
    made = {keys.fresh_id("incident") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"incident-[a-z2-7]{20}", each) for each in made)
    assert len(keys.salt()) == 32


def test_passwords() -> None:
    stored = keys.hash_password("맑은 하늘 아래")
    assert stored.startswith("$argon2id$")
    assert keys.check_password(stored, "맑은 하늘 아래")
    assert not keys.check_password(stored, "맑은 하늘")
    assert not keys.check_password(None, "맑은 하늘 아래")
    assert not keys.check_password(stored, "x" * 2_000)
    with pytest.raises(ValueError, match="long"):
        keys.hash_password("x" * 2_000)


def test_secrets_are_compared_whole() -> None:
    assert keys.same("abc", b"abc")
    assert not keys.same("abc", "abd")
    assert not keys.same("abc", "abcd")

"""L3, L4, L8 of the ledger's promises, as a forger would attack them; the definition of RFC 6962 is the oracle."""

import base64
import hashlib
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import ledger
from safetynet.core.ledger import Checkpoint, Frontier, MalformedError, Tile, VerifierKey
from safetynet.edge.keys import verify

ENTRIES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=70)


def mth(entries: tuple[bytes, ...]) -> bytes:
    """RFC 6962 section 2.1, word for word: the oracle shares no line with what it judges."""
    n = len(entries)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: tuple[bytes, ...]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: tuple[bytes, ...], *, b: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    n = len(entries)
    if m == n:
        return [] if b else [mth(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], b=b), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], b=False), mth(entries[:k])]


def hash_at(entries: tuple[bytes, ...]) -> ledger.HashAt:
    @cache
    def at(level: int, index: int) -> bytes:
        part = entries[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only complete subtrees are ever asked for"
        return mth(part)

    return at


def test_the_vectors_of_certificate_transparency() -> None:
    """The seven trees of the reference implementation's test data."""
    leaves = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ]
    tree = Frontier()
    assert tree.root() == ledger.EMPTY_ROOT == mth(())
    for leaf, root in zip(leaves, roots, strict=True):
        tree = tree.append(leaf)
        assert tree.root().hex() == root


def test_every_small_tree_and_every_proof_against_the_definition() -> None:
    entries = tuple(bytes([each]) for each in range(40))
    for size in range(1, 41):
        part = entries[:size]
        at, root = hash_at(part), mth(part)
        assert Frontier().extend(part).root() == root == ledger.root(size, at)
        for index in range(size):
            proof = ledger.inclusion(index, size, at)
            assert list(proof) == path(index, part)
            assert ledger.verify_inclusion(ledger.leaf_hash(part[index]), index, size, proof, root)
            assert not ledger.verify_inclusion(ledger.leaf_hash(b"forged"), index, size, proof, root)
            assert not ledger.verify_inclusion(ledger.leaf_hash(part[index]), size, size, proof, root)
        for old in range(size + 1):
            proof = ledger.consistency(old, size, at)
            assert list(proof) == (subproof(old, part, b=True) if old else [])
            assert ledger.verify_consistency(old, size, mth(part[:old]), root, proof)
            if 0 < old < size:
                assert not ledger.verify_consistency(old, size, mth(part[:old]), mth(entries[:1]), proof)
                assert not ledger.verify_consistency(old, size, b"\0" * 32, root, proof)


@given(ENTRIES, ENTRIES)
def test_growing_in_batches_is_growing_at_once(first: list[bytes], then: list[bytes]) -> None:
    one = Frontier().extend(first)
    assert ledger.load(one.dump()) == one
    assert ledger.load(one.dump()).extend(then) == Frontier().extend(first + then)


@st.composite
def forgeries(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """A history and what a forger makes of it: edit, delete, insert, exchange, truncate, duplicate."""
    honest = draw(ENTRIES)
    forged = list(honest)
    at = draw(st.integers(0, len(honest) - 1))
    match draw(st.sampled_from(["edit", "delete", "insert", "exchange", "truncate", "twice"])):
        case "edit":
            forged[at] = draw(st.binary(max_size=40))
        case "delete":
            del forged[at]
        case "insert":
            forged.insert(at, draw(st.binary(max_size=40)))
        case "exchange":
            other = draw(st.integers(0, len(honest) - 1))
            forged[at], forged[other] = forged[other], forged[at]
        case "truncate":
            del forged[at:]
        case _:
            forged.insert(at, forged[at])
    return honest, forged


@given(forgeries())
@settings(max_examples=300)
def test_no_forgery_has_the_root_of_the_honest_history(histories: tuple[list[bytes], list[bytes]]) -> None:
    honest, forged = histories
    if honest != forged:
        assert (len(forged), Frontier().extend(forged).root()) != (len(honest), Frontier().extend(honest).root())


@given(forgeries(), st.data())
@settings(max_examples=300)
def test_a_fork_never_proves_that_it_continues_what_was_signed(
    histories: tuple[list[bytes], list[bytes]], data: st.DataObject
) -> None:
    """L4: the forger holds the log key and builds any further tree on the forged history, with its own best proof."""
    honest, forged = histories
    signed = data.draw(st.integers(1, len(honest)))
    grown = tuple(forged + data.draw(st.lists(st.binary(max_size=8), min_size=len(honest), max_size=90)))
    if grown[:signed] == tuple(honest[:signed]):
        return
    at, old_root = hash_at(grown), mth(tuple(honest[:signed]))
    proof = ledger.consistency(signed, len(grown), at)
    assert not ledger.verify_consistency(signed, len(grown), old_root, mth(grown), proof)
    shuffled = data.draw(st.permutations(proof))
    assert not ledger.verify_consistency(signed, len(grown), old_root, mth(grown), shuffled)


@given(ENTRIES, st.data())
def test_a_changed_proof_proves_nothing(entries: list[bytes], data: st.DataObject) -> None:
    part = tuple(entries)
    at, root = hash_at(part), mth(part)
    index = data.draw(st.integers(0, len(part) - 1))
    leaf, proof = ledger.leaf_hash(part[index]), list(ledger.inclusion(index, len(part), at))
    longer = [*proof, b"\0" * 32]
    assert not ledger.verify_inclusion(leaf, index, len(part), longer, root)
    if proof:
        assert not ledger.verify_inclusion(leaf, index, len(part), proof[:-1], root)
        where = data.draw(st.integers(0, len(proof) - 1))
        proof[where] = bytes([proof[where][0] ^ 1]) + proof[where][1:]
        assert not ledger.verify_inclusion(leaf, index, len(part), proof, root)


@pytest.mark.parametrize("data", [b"", b"\0" * 7, (3).to_bytes(8, "big") + b"\0" * 32, b"\xff" * 8 + b"\0" * 2048])
def test_what_is_no_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        ledger.load(data)


# --- tiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999, 7), "tile/1/999.p/7"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(None, 1_000, 255), "tile/entries/x001/000.p/255"),
    ],
)
def test_tiles_are_named_as_the_specification_says(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert ledger.read_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/00",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/00/001",
        "tile/0/../../etc",
        "tile/0/٠٠١",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
    ],
)
def test_no_tile_has_a_second_name(path: str) -> None:
    with pytest.raises(MalformedError):
        ledger.read_tile_path(path)


@given(st.integers(0, 2**62), st.sampled_from([None, 0, 1, 7]), st.integers(1, 256))
def test_names_of_tiles_read_back(number: int, level: int | None, width: int) -> None:
    tile = Tile(level, number % 10**20, width)
    assert ledger.read_tile_path(tile.path) == tile


def test_the_tiles_of_a_tree() -> None:
    assert list(ledger.tiles_of(0)) == []
    paths = [each.path for each in ledger.tiles_of(70_000)]
    assert len(paths) == 274 + 274 + 2 + 1
    assert "tile/entries/273.p/112" in paths
    assert "tile/0/273.p/112" in paths
    assert {"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} <= set(paths)


@given(st.lists(st.binary(max_size=70), max_size=256))
def test_bundles_read_back_and_a_cut_one_does_not(entries: list[bytes]) -> None:
    data = ledger.bundle(entries)
    assert ledger.read_bundle(data) == tuple(entries)
    if entries:
        with pytest.raises(MalformedError):
            ledger.read_bundle(data + b"\x00")


def test_a_full_tile_hashes_to_its_subtree() -> None:
    entries = tuple(each.to_bytes(2, "big") for each in range(256))
    assert ledger.tile_root(tuple(ledger.leaf_hash(each) for each in entries)) == mth(entries)


# --- notes ---------------------------------------------------------------------------------------------------------

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
VKEY = VerifierKey("safetynet/garam", KEY.public_key().public_bytes_raw())
POINT = Checkpoint("safetynet/garam", 70_001, b"\x05" * 32)
NOTE = ledger.signed_note(POINT.body, VKEY, KEY.sign(POINT.body))


def test_the_example_of_the_signed_note_specification() -> None:
    """The key that the Go checksum database is known by: name, id and key were made by others."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert ledger.read_verifier_key(text).id.hex() == "033de0ae"
    assert ledger.read_verifier_key(text).text == text
    with pytest.raises(MalformedError):
        ledger.read_verifier_key(text.replace("033de0ae", "033de0af"))
    with pytest.raises(MalformedError):
        ledger.read_verifier_key(text.replace("sum.golang.org", "sum.golang.net"))


def test_a_checkpoint_is_three_lines() -> None:
    assert POINT.body == b"safetynet/garam\n70001\n" + base64.b64encode(b"\x05" * 32) + b"\n"
    assert ledger.read_checkpoint(POINT.body) == POINT


@pytest.mark.parametrize(
    "body",
    [
        POINT.body + b"extension\n",
        POINT.body[:-1],
        POINT.body.replace(b"70001", b"070001"),
        POINT.body.replace(b"70001", b"-1"),
        POINT.body.replace(b"70001", b"9999999999999999999"),
        POINT.body.replace(b"BQU=", b"BQV="),
        b"\n" + POINT.body.partition(b"\n")[2],
        b"\xff" + POINT.body,
    ],
)
def test_no_other_form_of_a_checkpoint_is_read(body: bytes) -> None:
    with pytest.raises(MalformedError):
        ledger.read_checkpoint(body)


def test_a_note_reads_back_and_holds() -> None:
    note = ledger.read_note(NOTE.text)
    assert note == NOTE
    assert ledger.signed_by(note, VKEY, verify)
    assert NOTE.text.split(b"\n")[4].startswith("— safetynet/garam ".encode())


def test_another_key_another_body_or_a_second_false_line_is_a_no() -> None:
    assert not ledger.signed_by(NOTE, VerifierKey(VKEY.name, OTHER.public_key().public_bytes_raw()), verify)
    assert not ledger.signed_by(NOTE, VerifierKey("safetynet/narae", VKEY.public), verify)
    changed = Checkpoint(POINT.origin, POINT.size - 1, POINT.root).body
    assert not ledger.signed_by(ledger.Note(changed, NOTE.signatures), VKEY, verify)
    false = ledger.Signature(VKEY.name, VKEY.id, OTHER.sign(POINT.body))
    assert not ledger.signed_by(ledger.Note(POINT.body, (*NOTE.signatures, false)), VKEY, verify)
    witness = ledger.Signature("witness.example", b"\1\2\3\4", b"\0" * 72)
    assert ledger.signed_by(ledger.Note(POINT.body, (*NOTE.signatures, witness)), VKEY, verify)


def test_a_cosignature_covers_its_time() -> None:
    witness = VerifierKey("witness.example", OTHER.public_key().public_bytes_raw(), ledger.COSIGNATURE_KEY)
    time = (1_790_000_000).to_bytes(8, "big")
    signature = OTHER.sign(b"cosignature/v1\ntime 1790000000\n" + POINT.body)
    line = ledger.Signature(witness.name, witness.id, time + signature)
    assert ledger.signed_by(ledger.Note(POINT.body, (line,)), witness, verify)
    later = ledger.Signature(witness.name, witness.id, (1_790_000_001).to_bytes(8, "big") + signature)
    assert not ledger.signed_by(ledger.Note(POINT.body, (later,)), witness, verify)


@given(st.data())
def test_no_byte_of_a_note_can_be_changed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NOTE.text) - 1))
    flipped = bytearray(NOTE.text)
    flipped[at] ^= data.draw(st.integers(1, 255))
    try:
        note = ledger.read_note(bytes(flipped))
    except MalformedError:
        return
    assert not ledger.signed_by(note, VKEY, verify)


def test_a_proof_file_has_the_lines_that_verifiers_read() -> None:
    text = ledger.proof_file(5, [b"\1" * 32, b"\2" * 32], NOTE).decode()
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 5\nAQEB")
    assert text.endswith("\n\n" + NOTE.text.decode())


def test_a_commitment_hides_and_binds() -> None:
    assert ledger.commit(b"\1" * 32, b"record") != ledger.commit(b"\2" * 32, b"record")
    assert ledger.commit(b"\1" * 32, b"record") != ledger.commit(b"\1" * 32, b"Record")
    with pytest.raises(AssertionError):
        ledger.commit(b"short", b"record")

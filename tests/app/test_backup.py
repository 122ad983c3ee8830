"""A backup brought back, as the adversary would use it: to revive a grant, to cut the ledger, to bring back a person."""

import base64
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent))
import deployment
from deployment import LAT, LON

from safetynet.app import audit, backup
from safetynet.app.backup import CannotRestoreError, Wish
from safetynet.app.city import City
from safetynet.app.control import Control
from safetynet.core import events as e
from safetynet.core import ledger
from safetynet.core import messages as m
from safetynet.core.fixes import Fix
from safetynet.core.grants import LEASE_MS_MAX
from safetynet.core.messages import Role, Send
from safetynet.core.terms import AlarmKind, Basis, CentreId, Instant, Source, SubjectId, Why
from safetynet.edge import archive, clock, config, erasures, files, keys, registry, sealed
from safetynet.edge.archive import BadArchiveError
from safetynet.edge.heads import Heads
from safetynet.edge.journal import Journal
from safetynet.edge.link import Behind
from safetynet.edge.relay import words as relay
from safetynet.edge.store import Store

PLACE = e.Place(LAT, LON, 10.0, Source.GNSS, 1_000, 1_100, 1)
WEARER = SubjectId("wearer:w1")


def store_of(folder):
    own, centre = keys.open_centre(folder), config.read(folder)
    return Store.open(folder / "log.db", centre=centre.id, keys=own.persons, sign=own.sign, salt=keys.salt)


secrets_of = backup.secrets_of


def wish(source, folder, secrets, **more):
    return Wish(source=source, folder=folder, secrets=secrets, **({"erasures": None} | more))


def alarm(n=1, wearer="w1"):
    return (
        e.AlarmRaised(
            at=n, alarm=f"a{n}", wearer=wearer, kind=AlarmKind.STRAP_CUT, priority=1, certainty="certain", place=PLACE,
            zone=None, episode=f"e{n}", order_version=1, rules="1",
        ),
        e.IncidentOpened(at=n, incident=f"i{n}", wearer=wearer, alarm=f"a{n}"),
    )  # fmt: skip


def issued(until):
    return e.GrantIssued(
        at=1, grant="g1", request="r1", incident="i1", receiver="control", basis=Basis.DEVICE_DUTY,
        kind=AlarmKind.STRAP_CUT, place=PLACE, radius_m=300, cameras_max=4, cameras=("c1",), conditions=(), until=until,
        policy_sha256=b"", by=None,
    )  # fmt: skip


@pytest.fixture
def control(tmp_path):
    folder = deployment.make(tmp_path, 19_900)
    store = store_of(folder)
    for n in range(1, 4):
        store.commit(alarm(n, f"w{n}"))
    with Journal(folder / "journal", store.person_keys, segment_records=64) as positions:
        for n in range(1, 101):
            positions.append([
                Fix(
                    id=n, wearer=f"w{1 + n % 3}", device="d1", observed_at=n, received_at=n, lat=LAT, lon=LON,
                    accuracy_m=10.0, source=Source.GNSS,
                )
            ])  # fmt: skip
    store.close()
    shutil.rmtree(folder / "journal")  # its segments are smaller than a program's
    (folder / "journal").mkdir()
    return folder


@pytest.fixture
def city(tmp_path):
    folder, ca = tmp_path / "garam", keys.make_ca(tmp_path / "ca")
    peer = config.Peer(id="control", name="관제센터", role=Role.CONTROL, host="127.0.0.1", link_port=19_981)
    config.write(
        folder,
        config.Centre(id="garam", name="가람시", role=Role.CITY, host="127.0.0.1", link_port=19_982, peers=(peer,)),
    )
    keys.open_centre(folder)
    keys.issue(ca, folder, "garam", ["127.0.0.1"])
    keys.pin_peer(folder, "control", b"\1" * 32)
    registry.write(folder, registry.CityCameras(v=1, city="garam", cameras=[], descriptions={}))
    files.write(folder / "sources.json", msgspec.json.encode({"c1": "rtsp://127.0.0.1:1/c1"}), mode=0o600)
    return folder


def told(program):
    said = []
    program.relay.tell = said.append
    return said


# --- a backup ------------------------------------------------------------------------------------------------------


def test_a_backup_is_made_while_the_program_writes_and_holds_what_stood_then(control, tmp_path):
    store = store_of(control)
    before = store.head()
    manifest = backup.backup(control, tmp_path / "b.tar.gz")
    store.commit(alarm(9, "w1"))
    assert store.head() == before + 2, "the program went on"
    store.close()
    assert manifest.size == before
    assert manifest.note
    made = backup.restore(wish(tmp_path / "b.tar.gz", tmp_path / "new", secrets_of(control)))
    back = store_of(tmp_path / "new")
    assert (made.size, back.head()) == (before, before)
    assert [subject for subject, _ in back.persons()] == ["wearer:w1", "wearer:w2", "wearer:w3"]
    assert len(back.accounts()) == 4
    back.close()


def test_positions_come_back_with_it_and_none_is_later_than_the_keys(control, tmp_path):
    store = store_of(control)
    with Journal(control / "journal", store.person_keys) as positions:
        positions.append([
            Fix(
                id=n, wearer="w1", device="d1", observed_at=n, received_at=n, lat=LAT, lon=LON, accuracy_m=10.0,
                source=Source.GNSS,
            )
            for n in range(1, 51)
        ])  # fmt: skip
    store.close()
    manifest = backup.backup(control, tmp_path / "b.tar.gz")
    assert manifest.fixes == 50
    assert (tmp_path / "b.tar.gz").stat().st_size < 1_000_000, "a segment's room is not stored"
    backup.restore(wish(tmp_path / "b.tar.gz", tmp_path / "new", secrets_of(control)))
    back = store_of(tmp_path / "new")
    with Journal(tmp_path / "new" / "journal", back.person_keys) as positions:
        assert [fix.observed_at for fix in positions.replay()] == list(range(1, 51))
        assert positions.append(list(positions.replay())[:1]) == 51
    back.close()


def test_no_key_and_no_secret_is_in_the_archive(control, tmp_path):
    backup.backup(control, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        whole = b"".join(file.read() for each in tar if (file := tar.extractfile(each)))
        assert not {each.name.removeprefix("files/") for each in tar.getmembers()} & set(secrets_of(control).files)
    for name, data in secrets_of(control).files.items():
        assert data not in whole, name
    assert "시험용 1".encode() not in whole, "nor a name that can be read"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "files/log.db", "files/centre.json"])
def test_one_changed_byte_of_any_file_is_found(control, tmp_path, name):
    path = _backed(control, tmp_path)
    with tarfile.open(path) as tar:
        members = [(each, tar.extractfile(each).read()) for each in tar.getmembers()]
    with tarfile.open(path, "w:gz") as tar:
        for each, data in members:
            at = data.index(b'"size"') + 1 if each.name == "manifest.json" else len(data) // 2
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if each.name == name else data
            tar.addfile(each, io.BytesIO(changed))
    with pytest.raises(BadArchiveError):
        backup.restore(wish(path, tmp_path / "new", secrets_of(control)))
    assert not (tmp_path / "new").exists()


def test_an_archive_that_was_cut_short_is_refused(control, tmp_path):
    path = _backed(control, tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadArchiveError):
        backup.restore(wish(path, tmp_path / "new", secrets_of(control)))
    assert not (tmp_path / "new").exists()


def test_an_archive_that_somebody_made_anew_is_refused(control, tmp_path):
    """The adversary cuts the log, describes it and packs it again; what he lacks is the centre's key."""
    path, stage = tmp_path / "b.tar.gz", tmp_path / "stage"
    backup.backup(control, path)
    stage.mkdir()
    manifest = archive.unpack(path, stage, believed)
    archive.pack(stage, msgspec.structs.replace(manifest, made_at=1), lambda body: b"\0" * 64, path)
    with pytest.raises(BadArchiveError, match="not signed"):
        backup.restore(wish(path, tmp_path / "new", secrets_of(control)))


def test_a_name_that_leads_outside_is_refused(control, tmp_path):
    own, stage = keys.open_centre(control), tmp_path / "stage"
    stage.mkdir()
    manifest = archive.unpack(_backed(control, tmp_path), stage, believed)
    (stage / "x").write_bytes(b"x")
    bad = msgspec.structs.replace(manifest, files={"../x": archive.Entry(1, "0" * 64)})
    shutil.copy(stage / "x", tmp_path / "x")
    archive.pack(stage, bad, own.sign, tmp_path / "bad.tar.gz")
    (tmp_path / "x").unlink()
    with pytest.raises(BadArchiveError, match="outside"):
        archive.unpack(tmp_path / "bad.tar.gz", tmp_path / "other", believed)
    assert not (tmp_path / "x").exists()


def believed(_manifest, _body, _signature):
    """The one who unpacks has made it himself."""


def _written(path, manifest, *, sign, files=()):
    """An archive as nobody of ours would make it."""
    body = manifest if isinstance(manifest, bytes) else msgspec.json.encode(manifest)
    signature = base64.b64encode(sign(archive.signed_part(body)))
    with tarfile.open(path, "w:gz") as tar:
        for name, data in (("manifest.json", body), ("manifest.sig", signature), *files):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _unpacked(folder, tmp_path):
    (tmp_path / "stage").mkdir()
    return archive.unpack(_backed(folder, tmp_path), tmp_path / "stage", believed)


@pytest.mark.parametrize(
    "deep", [b"[" * 60_000, b'{"v":' * 60_000, b'{"centre":"\xff"}', b'{"x":' + b"[" * 60_000 + b"]" * 60_000 + b"}"]
)
def test_a_manifest_of_nonsense_is_a_bad_archive(control, tmp_path, deep):
    path = _written(tmp_path / "bad.tar.gz", deep, sign=keys.open_centre(control).sign)
    with pytest.raises(BadArchiveError):
        backup.restore(wish(path, tmp_path / "new", secrets_of(control)))
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_for_who_cannot_sign(control, tmp_path, monkeypatch):
    manifest = _unpacked(control, tmp_path)
    path = _written(tmp_path / "bad.tar.gz", manifest, sign=lambda _: b"\0" * 64)
    monkeypatch.setattr(archive, "_extract", lambda *_: pytest.fail("written before it was believed"))
    with pytest.raises(BadArchiveError, match="not signed"):
        backup.restore(wish(path, tmp_path / "new", secrets_of(control)))


@pytest.mark.parametrize("size", [-1, -2, 2**62])
def test_sizes_that_cannot_be_are_refused_before_a_byte_is_written(control, tmp_path, size):
    manifest = _unpacked(control, tmp_path)
    bad = msgspec.structs.replace(manifest, files={"x": archive.Entry(size, "0" * 64)})
    path = _written(tmp_path / "bad.tar.gz", bad, sign=keys.open_centre(control).sign, files=[("files/x", b"x" * 9)])
    with pytest.raises(BadArchiveError, match=r"less than nothing|do not fit"):
        archive.unpack(path, tmp_path / "other", believed, free=lambda _: 10**12)
    assert not (tmp_path / "other").exists()


def _backed(folder, tmp_path):
    backup.backup(folder, tmp_path / "b.tar.gz")
    return tmp_path / "b.tar.gz"


def test_nothing_of_the_folder_is_forgotten_and_nobody_stays_signed_in(control, tmp_path):
    """Also what this room has never heard of, and every key that a release adds."""
    (control / "later").mkdir()
    (control / "later" / "list.json").write_bytes(b"[]")
    (control / "keys" / "later.key").write_bytes(b"a secret of a later release")
    (control / "sessions.json").write_bytes(b"{}")
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    backup.restore(wish(source, tmp_path / "new", secrets))
    there = {each.relative_to(control).as_posix() for each in control.rglob("*") if each.is_file()}
    back = {each.relative_to(tmp_path / "new").as_posix() for each in (tmp_path / "new").rglob("*") if each.is_file()}
    assert {"later/list.json", "keys/later.key", "keys/pseudonym.key"} <= back
    assert there - back <= {"sessions.json", "log.db.lock", "log.db-wal", "log.db-shm", "journal/lock"}
    (tmp_path / "peek").mkdir()
    manifest = archive.unpack(source, tmp_path / "peek", believed)
    assert not {"keys/later.key", "keys/pseudonym.key"} & manifest.files.keys()


def test_a_backup_does_not_lie_in_what_it_is_of(control):
    with pytest.raises(BadArchiveError, match="cannot lie in"):
        backup.backup(control, control / "b.tar.gz")
    assert not [each for each in control.iterdir() if "b.tar.gz" in each.name]


def test_keys_are_sealed_for_a_passphrase_or_a_recipient(control, tmp_path):
    secrets = msgspec.msgpack.encode(secrets_of(control))
    by_word = sealed.to_passphrase(secrets, "correct horse battery")
    assert sealed.by_passphrase(by_word, "correct horse battery") == secrets
    with pytest.raises(sealed.CannotOpenError):
        sealed.by_passphrase(by_word, "correct horse batterY")
    with pytest.raises(ValueError, match="at least"):
        sealed.to_passphrase(secrets, "short")
    own, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    by_key = sealed.to_recipient(secrets, own.public_key())
    assert sealed.by_identity(by_key, own) == secrets
    for wrong in (lambda: sealed.by_identity(by_key, other), lambda: sealed.by_passphrase(by_key, "correct horse")):
        with pytest.raises(sealed.CannotOpenError):
            wrong()
    changed = bytearray(by_key)
    changed[-1] ^= 1
    with pytest.raises(sealed.CannotOpenError):
        sealed.by_identity(bytes(changed), own)


# --- a restore that wants to roll back -----------------------------------------------------------------------------


def test_a_folder_that_holds_anything_is_not_restored_over(control, tmp_path):
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    with pytest.raises(CannotRestoreError, match="not empty"):
        backup.restore(wish(source, control, secrets))
    (tmp_path / "new").mkdir()
    backup.restore(wish(source, tmp_path / "new", secrets))


def test_a_restored_log_declares_what_is_missing_and_signs_nothing_of_that_size_again(control, tmp_path):
    source, secrets, own = _backed(control, tmp_path), secrets_of(control), keys.open_centre(control)
    store = store_of(control)
    store.commit([event for n in range(10, 14) for event in alarm(n, "w1")])
    note = Heads(store, "control", own.log_public, own.sign_log).note()
    lost = ledger.read_checkpoint(ledger.read_note(note).body)
    store.close()
    made = backup.restore(wish(source, tmp_path / "new", secrets, newest=note))
    assert (made.size, made.size_before) == (6, 14)
    program = Control(tmp_path / "new")
    said = [event for _, event in program.store.events() if isinstance(event, e.LogRestored)]
    assert [(each.size, each.size_before, each.root_before) for each in said] == [(6, 14, lost.root)]
    heads = Heads(program.store, "control", own.log_public, own.sign_log)
    assert heads.note() == b"", "never two trees of one size"
    while program.store.head() <= 14:
        program.store.commit(alarm(100 + program.store.head(), "w1"))
    after = ledger.read_checkpoint(ledger.read_note(heads.note()).body)
    assert after.size > lost.size, "a checkpoint never gets smaller"
    program.store.close()
    program.journal.close()
    again = Control(tmp_path / "new")
    assert sum(isinstance(event, e.LogRestored) for _, event in again.store.events()) == 1, "declared once"
    again.store.close()
    again.journal.close()


def test_a_checkpoint_of_another_history_or_another_log_is_refused(control, tmp_path):
    source, secrets, own = _backed(control, tmp_path), secrets_of(control), keys.open_centre(control)
    key = ledger.VerifierKey(ledger.origin_of("control"), own.log_public)
    body = ledger.Checkpoint(key.name, 4, b"\7" * 32).body
    other = ledger.signed_note(body, key, own.sign_log(body)).text
    with pytest.raises(CannotRestoreError, match="another history"):
        backup.restore(wish(source, tmp_path / "new", secrets, newest=other))
    stranger = keys.open_centre(tmp_path / "stranger")
    wrong = ledger.VerifierKey(key.name, stranger.log_public)
    foreign = ledger.signed_note(body, wrong, stranger.sign_log(body)).text
    with pytest.raises(CannotRestoreError, match="not signed by this log"):
        backup.restore(wish(source, tmp_path / "new", secrets, newest=foreign))
    assert not (tmp_path / "new").exists()


def borne_out(program: City) -> None:
    """The control centre is on the link and has said that it has seen no more of this log."""
    program.link.confirmed.add("control")
    program.link._heard_at["control"] = clock.monotonic()


def test_a_lease_lasts_from_the_last_word_of_who_was_granted(city):
    """The end of a grant cannot arrive over a road that is cut: the pictures end all the same, within a lease."""
    store = store_of(city)
    store.commit([issued(clock.now() + 600_000)])
    store.close()
    program = City(city)
    said = told(program)
    borne_out(program)
    program._greet()
    (fresh,) = said
    assert LEASE_MS_MAX - 1_000 < fresh.lease_ms <= LEASE_MS_MAX
    said.clear()
    program.link._heard_at["control"] = Instant(clock.monotonic() - 7_000)
    program._greet()
    (older,) = said
    assert older.issued_ms + older.lease_ms <= clock.monotonic() + LEASE_MS_MAX - 7_000
    said.clear()
    program.link._heard_at["control"] = Instant(clock.monotonic() - LEASE_MS_MAX)
    program._greet()
    assert said == []
    borne_out(program)
    program._greet()
    assert [type(each) for each in said] == [relay.SetLease], "the road is whole again, and the grant still holds"
    program.store.close()


def test_a_restored_city_leases_nothing_that_was_alive_and_tells_the_receiver(city, tmp_path):
    store = store_of(city)
    store.commit([issued(clock.now() + 600_000)])
    store.close()
    source, secrets = _backed(city, tmp_path), secrets_of(city)
    backup.restore(wish(source, tmp_path / "new", secrets))
    program = City(tmp_path / "new")
    said = told(program)
    borne_out(program)
    program._greet()
    assert not [each for each in said if isinstance(each, relay.SetLease | relay.Preconnect)]
    ended = [event for _, event in program.store.events() if isinstance(event, e.GrantEnded)]
    assert [(each.grant, each.why) for each in ended] == [("g1", Why.RESTORED)]
    owed = program.store.pending("control")
    assert [msgspec.msgpack.decode(each.body)["message"] for each in owed] == ["end_grant"]
    assert all(each.epoch == program.store.said_to("control").epoch for each in owed)
    program.store.close()


def test_an_old_folder_copied_by_hand_leases_nothing_before_a_partner_bears_it_out(city, tmp_path):
    """No `safetynet restore`: the adversary copies files. The receiver's word is what it has to wait for."""
    store = store_of(city)
    store.commit([issued(clock.now() + 600_000)])
    store.close()
    program = City(city)
    said = told(program)
    program._greet()
    assert said == []
    borne_out(program)
    program._greet()
    assert [type(each) for each in said] == [relay.SetLease], "or this test proves nothing"
    said.clear()
    lost = ledger.Checkpoint(ledger.origin_of("garam"), 40, b"\3" * 32)
    program.behind(Behind("control", 5, lost))
    assert [type(each) for each in said] == [relay.EndGrant]
    program._greet()
    assert [type(each) for each in said] == [relay.EndGrant]
    found = [event for _, event in program.store.events() if isinstance(event, e.LogRestored)]
    assert [(each.found, each.size_before, each.root_before) for each in found] == [("partner", 40, lost.root)]
    program.store.close()


def test_what_a_restored_centre_still_owes_goes_under_new_numbers_but_nothing_that_opens(control, tmp_path):
    store = store_of(control)
    ask = m.RequestVideo(
        incident="i1", request="r1", basis=Basis.DEVICE_DUTY, kind=AlarmKind.STRAP_CUT, place=PLACE, radius_m=300,
        cameras_max=4, until=clock.now() + 60_000,
    )  # fmt: skip
    tell = m.NotifyPolice(incident="i1", notice="n1", kind=AlarmKind.STRAP_CUT, place=PLACE)
    store.commit(
        [], [Send("garam", ask), Send("garam", m.EndIncident(incident="i2", why=Why.STOPPED)), Send("police", tell)]
    )
    before = store.said_to("garam")
    store.close()
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    backup.restore(wish(source, tmp_path / "new", secrets))
    back, public = store_of(tmp_path / "new"), keys.open_centre(control).public
    owed = [*back.pending("garam"), *back.pending("police")]
    assert [msgspec.msgpack.decode(each.body)["message"] for each in owed] == ["end_incident", "notify_police"]
    for each in owed:
        assert each.epoch > before.epoch
        assert keys.verify(public, m.signed_part(each), each.signature)
    back.close()


def test_a_restored_control_centre_ends_its_grants_and_lets_a_person_ask_anew(control, tmp_path):
    request = {
        "incident": "i1", "request": "r1", "city": "garam", "basis": Basis.DEVICE_DUTY, "kind": AlarmKind.STRAP_CUT,
        "place": PLACE, "radius_m": 300, "cameras_max": 4, "until": clock.now() + 600_000,
    }  # fmt: skip
    store = store_of(control)
    store.commit([
        e.IncidentClaimed(at=5, incident="i1", by="p-kim"),
        e.VideoRequested(at=6, by="p-kim", **request),
        e.VideoGranted(
            at=7, incident="i1", request="r1", grant="g1", city="garam", cameras=(), conditions=(), until=request["until"]
        ),
        e.ViewerAdmitted(
            at=8, incident="i1", grant="g1", viewer="v1", by="p-kim", token_sha256=b"t" * 32, until=request["until"]
        ),
    ])  # fmt: skip
    store.close()
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    backup.restore(wish(source, tmp_path / "new", secrets))
    program = Control(tmp_path / "new")
    said = told(program)
    program._greet()
    assert [each for each in said if isinstance(each, relay.Admit | relay.SetCameras)] == []
    assert relay.CutGrant(grant="g1", why=Why.RESTORED) in said
    held = program.loop.state.incidents["i1"].requests["garam"]
    assert (held.state.value, held.why) == ("ended", Why.RESTORED)
    program.store.close()
    program.journal.close()


# --- a restore that wants a person back ----------------------------------------------------------------------------


def test_who_was_erased_after_the_backup_stays_erased(control, tmp_path):
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    store = store_of(control)
    store.erase(WEARER)
    store.close()
    kept = tmp_path / "elsewhere.list"
    shutil.copy(control / erasures.FILE, kept)
    assert b"w1" not in kept.read_bytes(), "the list names nobody"
    made = backup.restore(wish(source, tmp_path / "new", secrets, erasures=kept))
    assert (made.erased, made.erasures_known) == (1, True)
    back = store_of(tmp_path / "new")
    assert back.person(WEARER) is None
    assert {event.wearer for _, event in back.events() if isinstance(event, e.AlarmRaised)} == {"w2", "w3"}
    assert [each.wearer for each in back.devices()] == ["w2", "w3"]
    back.close()
    assert erasures.read(tmp_path / "new" / erasures.FILE) == erasures.read(kept), "and so at the next restore"


def test_a_list_of_before_the_backup_or_of_somebody_else_is_refused(control, tmp_path):
    store = store_of(control)
    early = tmp_path / "early.list"
    store.erase(SubjectId("wearer:w2"))
    shutil.copy(control / erasures.FILE, early)
    store.erase(SubjectId("wearer:w3"))
    store.close()
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    foreign, empty = tmp_path / "foreign.list", tmp_path / "empty.list"
    erasures.add(foreign, b"\1" * 32)
    erasures.add(foreign, b"\2" * 32)
    empty.touch()
    for wrong in (early, foreign, empty, tmp_path / "none.list"):
        with pytest.raises(CannotRestoreError):
            backup.restore(wish(source, tmp_path / "new", secrets, erasures=wrong))
    assert not (tmp_path / "new").exists()


def test_who_came_again_after_an_erasure_is_not_erased_by_the_old_stone(control, tmp_path):
    store = store_of(control)
    store.erase(WEARER)
    store.put_person(WEARER, b"again, with another key")
    store.close()
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    made = backup.restore(wish(source, tmp_path / "new", secrets, erasures=control / erasures.FILE))
    back = store_of(tmp_path / "new")
    assert (made.erased, back.person(WEARER)) == (0, b"again, with another key")
    back.close()


def test_an_erasure_that_cannot_be_noted_is_not_done(control, tmp_path):
    """Done but not noted, the next restore would undo it."""
    own = keys.open_centre(control)
    store = Store.open(
        control / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt,
        tombstones=tmp_path / "no such folder" / "list",
    )  # fmt: skip
    with pytest.raises(FileNotFoundError):
        store.erase(WEARER)
    assert store.person(WEARER) is not None
    store.close()


def test_a_line_that_a_crash_cut_short_is_written_over(tmp_path):
    path = tmp_path / "list"
    erasures.add(path, b"\1" * 32)
    with path.open("ab") as file:
        file.write(b"0202")
    erasures.add(path, b"\3" * 32)
    assert erasures.read(path) == (b"\1" * 32, b"\3" * 32)


def test_without_a_list_the_operator_vouches_and_the_ledger_says_so(control, tmp_path):
    source, secrets = _backed(control, tmp_path), secrets_of(control)
    backup.restore(wish(source, tmp_path / "new", secrets))
    program = Control(tmp_path / "new")
    (said,) = [event for _, event in program.store.events() if isinstance(event, e.LogRestored)]
    assert (said.found, said.erasures_known) == ("operator", False)
    program.store.close()
    program.journal.close()


# --- the commands --------------------------------------------------------------------------------------------------


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "safetynet", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands_as_an_operator_types_them(control, tmp_path):
    own = X25519PrivateKey.generate()
    private, public = tmp_path / "safe.pem", tmp_path / "safe.pub"
    kind = serialization
    private.write_bytes(own.private_bytes(kind.Encoding.PEM, kind.PrivateFormat.PKCS8, kind.NoEncryption()))
    public.write_bytes(own.public_key().public_bytes(kind.Encoding.PEM, kind.PublicFormat.SubjectPublicKeyInfo))
    out = tmp_path / "backups"
    out.mkdir()
    status, said, wrong = run(
        "backup", "--dir", control, "--to", out, "--keys-to", tmp_path / "keys.sealed", "--recipient", public
    )
    assert status == 0, wrong
    made = json.loads(said)
    assert made["verified"] is True
    status, said, wrong = run(
        "restore", made["backup"], "--dir", tmp_path / "new", "--keys", tmp_path / "keys.sealed", "--identity", private,
        "--no-erasures-since",
    )  # fmt: skip
    assert status == 0, wrong
    assert json.loads(said)["size"] == made["size"]
    assert (tmp_path / "new" / "keys" / "person.key").stat().st_mode & 0o777 == 0o400
    status, _, wrong = run(
        "restore", made["backup"], "--dir", tmp_path / "new", "--keys", tmp_path / "keys.sealed", "--identity", private,
        "--no-erasures-since",
    )  # fmt: skip
    assert status == 1
    assert "not empty" in wrong


def test_a_log_that_is_empty_is_published_and_not_taken_for_a_restored_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "narae"
    folder.mkdir()
    (folder / "centre.json").write_bytes(
        msgspec.json.encode(
            config.Centre(id=CentreId("narae"), name="나래시", role=Role.CITY, host="127.0.0.1", link_port=1)
        )
    )
    keys.open_centre(folder)
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["safetynet", "--dir", str(folder), "--out", str(out)])
    assert audit.publish_main() == 0
    assert (out / "narae" / "checkpoint").exists()

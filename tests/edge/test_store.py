"""One contract for the store on disk and its twin in memory, and what only a disk can break."""

import hmac
import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import events as e
from safetynet.core import ledger
from safetynet.core import messages as m
from safetynet.core.terms import (
    AlarmId,
    CentreId,
    DeviceId,
    Disposition,
    IncidentId,
    Instant,
    PersonId,
    SubjectId,
    WearerId,
    Why,
)
from safetynet.edge import codec
from safetynet.edge.doors import InboxKey, RelayMark
from safetynet.edge.keys import CentreKeys, TamperedError, open_centre, salt, verify
from safetynet.edge.store import Account, Damaged, Device, Fenced, Send, Store
from safetynet.sim.memory import Memory

ME, CITY, OTHER = CentreId("control"), CentreId("garam"), CentreId("narae")
W1, W2 = WearerId("w-1"), WearerId("w-2")
I1 = IncidentId("i-1")


def opened(wearer: WearerId = W1, at: int = 1) -> e.IncidentOpened:
    return e.IncidentOpened(at=Instant(at), incident=I1, wearer=wearer, alarm=AlarmId("a-1"))


def started(at: int = 1) -> e.ProgramStarted:
    return e.ProgramStarted(at=Instant(at), version="1")


def ending(why: Why = Why.STOPPED, incident: IncidentId = I1) -> m.EndIncident:
    return m.EndIncident(incident=incident, why=why)


def on_disk(folder: Path, keys: CentreKeys | None = None, centre: CentreId = ME) -> Store:
    keys = keys or open_centre(folder)
    return Store.open(
        folder / "log.db", centre=centre, keys=keys.persons, sign=keys.sign, salt=salt, now=lambda: Instant(77)
    )


@pytest.fixture(params=["disk", "memory"])
def log(request, tmp_path):
    keys = open_centre(tmp_path)
    if request.param == "memory":
        yield Memory(centre=ME, sign=keys.sign, now=lambda: Instant(77))
        return
    store = on_disk(tmp_path, keys)
    yield store
    store.close()


# --- the contract --------------------------------------------------------------------------------------------------


def test_an_empty_log_is_empty(log):
    assert list(log.events()) == []
    assert log.head() == 0
    assert log.checkpoint() is None
    assert log.pending(CITY, 0, 10) == []


def test_serials_count_from_one_without_gaps(log):
    assert log.commit([opened(), started()]) == 1
    assert log.commit([opened(at=2)]) == 3
    assert list(log.events()) == [(1, opened()), (2, started()), (3, opened(at=2))]
    assert log.head() == 3


def test_a_commit_of_nothing_but_a_key_is_remembered(log):
    key = InboxKey(CITY, 5, 1)
    assert not log.seen(key)
    assert log.commit([], inbox=[key]) == 1
    assert log.seen(key)
    assert not log.seen(InboxKey(CITY, 5, 2))
    assert not log.seen(InboxKey(CITY, 6, 1))
    assert not log.seen(InboxKey(OTHER, 5, 1))
    assert log.head() == 0


def test_counters_pass_every_limit_of_narrow_integers(log):
    for limit in (2**31, 2**32, 2**53, 2**62):
        keys = [InboxKey(CITY, limit - 10, limit + step) for step in range(-10, 10)]
        log.commit([], inbox=keys, relay_marks=[RelayMark("r", limit)])
        assert all(map(log.seen, keys))
        assert log.relay_mark("r") == limit


def test_a_relay_mark_only_rises(log):
    log.commit([], relay_marks=[RelayMark("city-relay", 7)])
    log.commit([], relay_marks=[RelayMark("city-relay", 3)])
    assert log.relay_mark("city-relay") == 7
    assert log.relay_mark("another") == 0


def test_the_generation_of_the_session_file_only_rises(tmp_path):
    log = on_disk(tmp_path)
    assert (log.generation(), log.next_generation(), log.next_generation()) == (0, 1, 2)
    log.close()
    again = on_disk(tmp_path)
    assert again.generation() == 2
    again.close()


def test_outbox_counts_per_receiver_and_keeps_order(log):
    log.commit([started()], [Send(CITY, ending()), Send(OTHER, ending()), Send(CITY, ending(Why.WITHDRAWN))])
    log.commit([], [Send(CITY, ending(Why.RUN_OUT))])
    assert [each.seq for each in log.pending(CITY, 0, 10)] == [1, 2, 3]
    assert [each.seq for each in log.pending(OTHER, 0, 10)] == [1]
    assert [each.seq for each in log.pending(CITY, 1, 1)] == [2]
    assert codec.decode_message(log.pending(CITY, 2, 1)[0].body) == ending(Why.RUN_OUT)
    assert {(each.origin, each.to, each.epoch, each.sent_at) for each in log.pending(CITY, 0, 10)} == {
        (ME, CITY, 77, 77)
    }


def test_acknowledged_is_owed_no_more_and_its_number_never_comes_back(log):
    log.commit([], [Send(CITY, ending()), Send(CITY, ending())])
    log.acked(CITY, 2)
    assert [each.seq for each in log.pending(CITY, 0, 10)] == [1]
    log.acked(CITY, 1)
    log.acked(CITY, 1)
    log.commit([], [Send(CITY, ending())])
    assert [each.seq for each in log.pending(CITY, 0, 10)] == [3]


def test_envelopes_carry_the_centres_signature(log, tmp_path):
    log.commit([], [Send(CITY, ending())])
    envelope = log.pending(CITY, 0, 1)[0]
    public = open_centre(tmp_path).public
    assert verify(public, m.signed_part(envelope), envelope.signature)
    other = msgspec.structs.replace(envelope, seq=2)
    assert not verify(public, m.signed_part(other), envelope.signature)


def test_who_listens_hears_of_what_is_owed_after_the_commit(log):
    heard = []
    log.listen(lambda to: heard.append((to, [each.seq for each in log.pending(CITY, 0, 10)])))
    log.commit([started()])
    log.commit([], [Send(CITY, ending()), Send(OTHER, ending())])
    assert heard == [({CITY, OTHER}, [1])]


def test_every_event_has_a_leaf_and_only_nameless_ones_are_opened(log):
    log.commit([opened(), started(), opened(W2), started(2)])
    leaves = list(log.leaves())
    assert len(set(leaves)) == 4
    assert list(log.leaves(2)) == leaves[2:]
    assert [each.index for each in log.openings()] == [1, 3]
    assert [each.index for each in log.openings(2)] == [3]
    for each in log.openings():
        assert ledger.entry(each.salt, each.record, sealed=False) == leaves[each.index]
        assert codec.decode_record(each.record) == (each.index + 1, started(1 if each.index == 1 else 2))
    assert [ledger.sealed(leaf) for leaf in leaves] == [True, False, True, False]


def test_equal_events_have_unequal_leaves(log):
    log.commit([started()])
    log.commit([started()])
    first, second = (each.salt for each in log.openings())
    assert first != second


def test_an_erased_persons_events_are_skipped_and_leaves_stay(log):
    log.commit([opened(W1), opened(W2), started()])
    leaves = list(log.leaves())
    log.erase(SubjectId("wearer:w-1"))
    assert list(log.events()) == [(2, opened(W2)), (3, started())]
    assert list(log.leaves()) == leaves
    assert log.head() == 3
    log.commit([opened(W1, at=9)])
    assert list(log.events())[-1] == (4, opened(W1, at=9)), "a later event of the same subject stands under a new key"
    log.erase(SubjectId("wearer:w-1"))
    assert [serial for serial, _ in log.events()] == [2, 3]


def test_erasing_takes_person_devices_and_unsent_messages_along(log):
    subject = SubjectId("wearer:w-1")
    log.put_person(subject, b"made-up name")
    log.put_person(SubjectId("wearer:w-2"), b"another")
    log.put_device(Device(DeviceId("d-1"), W1, b"1" * 32))
    log.put_device(Device(DeviceId("d-2"), W2, b"2" * 32))
    log.commit([], [Send(CITY, ending()), Send(CITY, ending(incident=IncidentId("i-2")))])
    log.erase(subject)
    log.erase(SubjectId("incident:i-1"))
    assert log.person(subject) is None
    assert list(log.persons()) == [("wearer:w-2", b"another")]
    assert [each.device for each in log.devices()] == ["d-2"]
    assert [each.seq for each in log.pending(CITY, 0, 10)] == [2]


def test_erasing_twice_or_somebody_unknown_is_harmless(log):
    log.commit([opened()])
    for _ in range(2):
        log.erase(SubjectId("wearer:w-1"))
    log.erase(SubjectId("wearer:nobody"))
    assert list(log.events()) == []
    assert len(list(log.leaves())) == 1


def test_persons_devices_and_accounts_are_replaced_whole(log):
    log.put_person(SubjectId("wearer:w-1"), b"one")
    log.put_person(SubjectId("wearer:w-1"), b"two")
    assert log.person(SubjectId("wearer:w-1")) == b"two"
    assert log.person(SubjectId("wearer:w-2")) is None
    log.put_device(Device(DeviceId("d-1"), W1, b"1" * 32))
    log.put_device(Device(DeviceId("d-1"), W2, b"2" * 32))
    assert log.devices() == [Device(DeviceId("d-1"), W2, b"2" * 32)]
    account = Account(PersonId("p-1"), "op1", "운영자 하나", "operator", "A1", "$argon2id$x")
    log.put_account(account)
    log.put_account(msgspec.structs.replace(account, seat="A2"))
    assert log.accounts() == [msgspec.structs.replace(account, seat="A2")]
    with pytest.raises(ValueError, match="login_taken"):
        log.put_account(msgspec.structs.replace(account, person=PersonId("p-2")))
    log.erase(SubjectId("person:p-1"))
    assert log.accounts() == []


def test_checkpoints_are_kept_and_the_largest_is_the_last(log):
    log.commit([started(), started()])
    log.set_checkpoint(2, b"two")
    log.set_checkpoint(1, b"one")
    assert log.checkpoint() == (2, b"two")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from([opened(W1), opened(W2), started()]), max_size=5), max_size=6))
def test_disk_and_memory_read_the_same(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("log")
    keys = open_centre(folder)
    disk, twin = on_disk(folder, keys), Memory(centre=ME, sign=keys.sign, now=lambda: Instant(77))
    for batch in batches:
        sends = [Send(CITY, ending()) for _ in batch]
        assert disk.commit(batch, sends) == twin.commit(batch, sends)
    disk.close()
    disk = on_disk(folder, keys)
    assert list(disk.events()) == list(twin.events())
    assert disk.pending(CITY, 0, 100) == twin.pending(CITY, 0, 100)
    disk.close()


# --- the disk ------------------------------------------------------------------------------------------------------


def test_everything_is_there_after_opening_again(tmp_path):
    store = on_disk(tmp_path)
    store.commit([opened(), started()], [Send(CITY, ending())], [InboxKey(CITY, 1, 1)], [RelayMark("r", 4)])
    envelopes, leaves = store.pending(CITY), list(store.leaves())
    store.close()
    store = on_disk(tmp_path)
    assert list(store.events()) == [(1, opened()), (2, started())]
    assert store.pending(CITY) == envelopes, "resent to the byte"
    assert list(store.leaves()) == leaves
    assert store.seen(InboxKey(CITY, 1, 1))
    assert store.relay_mark("r") == 4
    store.close()


def test_more_events_than_one_chunk(tmp_path):
    store = on_disk(tmp_path)
    store.commit([started(at) for at in range(2_500)])
    assert [serial for serial, _ in store.events()] == list(range(1, 2_501))
    assert len(list(store.leaves(999))) == 1_501
    store.close()


def test_a_second_writer_is_turned_away(tmp_path):
    store = on_disk(tmp_path)
    with pytest.raises(BlockingIOError):
        on_disk(tmp_path)
    store.close()
    on_disk(tmp_path).close()


def test_another_centres_log_is_not_opened(tmp_path):
    on_disk(tmp_path).close()
    with pytest.raises(Damaged, match="control"):
        on_disk(tmp_path, centre=OTHER)


def test_a_commit_that_fails_leaves_nothing_and_fences(tmp_path):
    store = on_disk(tmp_path)
    store.commit([], inbox=[InboxKey(CITY, 1, 1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([opened()], [Send(CITY, ending())], [InboxKey(CITY, 1, 1)])
    with pytest.raises(Fenced):
        store.commit([started()])
    store.close()
    store = on_disk(tmp_path)
    assert (list(store.events()), store.pending(CITY), store.head()) == ([], [], 0)
    assert store.commit([opened()]) == 1
    assert list(store.events()) == [(1, opened())], "the key drawn in the lost transaction was not used again"
    store.close()


def test_a_full_disk_fences_and_loses_nothing(tmp_path):
    store = on_disk(tmp_path)
    store.commit([started()])
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(Fenced, match="full"):
        store.commit([started(at) for at in range(4_000)])
    with pytest.raises(Fenced):
        store.put_person(SubjectId("wearer:w-1"), b"x")
    store.close()
    store = on_disk(tmp_path)
    assert next(store.events()) == (1, started())
    store.close()


def tamper(folder: Path, sql: str, *values: object) -> None:
    """An administrator with a shell: triggers are no obstacle to somebody who owns the file."""
    db = sqlite3.connect(folder / "log.db")
    for trigger in ("event_stays", "event_remains", "event_follows"):
        db.execute(f"drop trigger {trigger}")
    db.execute(sql, values)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "sql",
    [
        "delete from event where serial = 2",
        "update event set leaf = zeroblob(32) where serial = 2",
        "update event set sealed = (select sealed from event where serial = 1) where serial = 2",
        "update event set sealed = zeroblob(100) where serial = 2",
        "delete from wrapped_key_gone",
    ],
)
def test_what_was_changed_behind_our_back_is_found(tmp_path, sql):
    store = on_disk(tmp_path)
    store.commit([started(), started(2), opened()])
    store.close()
    if sql.endswith("wrapped_key_gone"):
        tamper(tmp_path, "update wrapped_key set size_bytes = -1")
    else:
        tamper(tmp_path, sql)
    store = on_disk(tmp_path)
    with pytest.raises(Damaged):
        list(store.events())
    store.close()


def test_a_log_cut_behind_its_checkpoint_is_not_opened(tmp_path):
    store = on_disk(tmp_path)
    store.commit([started(), started()])
    store.set_checkpoint(2, b"note")
    store.close()
    tamper(tmp_path, "delete from event where serial = 2")
    with pytest.raises(Damaged, match="signs 2"):
        on_disk(tmp_path)


@pytest.mark.parametrize(
    "sql",
    [
        "update event set leaf = zeroblob(32)",
        "delete from event",
        "insert or replace into event values (1, null, x'00', x'00')",
        "insert into event values (9, null, x'00', x'00')",
        "delete from inbox",
        "update inbox set seq = 9",
        "delete from wrapped_key",
        "update event set serial = 'nine'",
    ],
)
def test_sql_by_mistake_is_refused(tmp_path, sql):
    store = on_disk(tmp_path)
    store.commit([opened()], inbox=[InboxKey(CITY, 1, 1)])
    with pytest.raises(sqlite3.IntegrityError):
        store._db.execute(sql)
    assert list(store.events()) == [(1, opened())]
    store.close()


def test_durable_settings_are_what_was_measured(tmp_path):
    store = on_disk(tmp_path)
    store.commit([], [Send(CITY, ending())])
    store.acked(CITY, 1)
    read = {
        name: store._db.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "secure_delete", "recursive_triggers")
    }
    assert read == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "recursive_triggers": 1}
    assert (tmp_path / "log.db").stat().st_mode & 0o077 == 0
    store.close()


def test_nothing_of_a_person_is_readable_in_the_files(tmp_path):
    store = on_disk(tmp_path)
    store.put_person(SubjectId("wearer:w-1"), b"KIM-MADE-UP")
    store.put_account(Account(PersonId("p-1"), "op1", "LEE-MADE-UP", "operator", "A1", "$argon2id$x"))
    closed = e.IncidentClosed(
        at=Instant(1),
        incident=IncidentId("INCIDENT-X"),
        wearer=W1,
        by=PersonId("p"),
        code=Disposition.DRIFT,
        fix_through=0,
    )
    store.commit([closed], [Send(CITY, m.EndIncident(incident=IncidentId("OUTBOX-Y"), why=Why.BAD_SIGNATURE))])
    on_disk_bytes = b"".join(path.read_bytes() for path in tmp_path.glob("log.db*"))
    for word in (b"KIM-MADE-UP", b"LEE-MADE-UP", b"INCIDENT-X", b"bad_signature"):
        assert word not in on_disk_bytes
    store.close()


@pytest.mark.parametrize("changed", [b"other salt" + bytes(22), bytes(32)])
def test_a_leaf_hangs_on_its_salt(changed):
    """Otherwise whoever guesses a record (there are few cameras and fewer verdicts) finds it in the ledger."""
    drawn, record = b"salt" * 8, b"a record that anybody can guess"
    assert ledger.commit(drawn, record) != ledger.commit(changed, record)
    assert ledger.commit(drawn, record) == hmac.digest(drawn, record, "sha256")


def test_a_photograph_is_kept_once_and_goes_with_its_incident(log):
    whose, other = SubjectId("incident:i-1"), SubjectId("incident:i-2")
    log.put_photo(whose, "p-1", b"one")
    log.put_photo(whose, "p-1", b"two")
    log.put_photo(other, "p-1", b"three")
    assert log.photo(whose, "p-1") == b"one", "a name that is there keeps what it holds"
    assert log.photo(whose, "p-2") is None
    log.erase(whose)
    assert log.photo(whose, "p-1") is None
    assert log.photo(other, "p-1") == b"three"


def test_no_photograph_is_readable_in_the_files_or_under_another_name(tmp_path):
    store = on_disk(tmp_path)
    store.put_photo(SubjectId("incident:i-1"), "p-1", b"A-FACE-MADE-UP" * 500)
    assert b"A-FACE" not in b"".join(each.read_bytes() for each in tmp_path.glob("log.db*"))
    store._db.execute("update photo set name = 'p-2'")
    with pytest.raises(TamperedError):
        store.photo(SubjectId("incident:i-1"), "p-2")
    store.close()


def test_chosen_events_come_with_their_leaves_and_what_was_erased_says_so(tmp_path):
    store = on_disk(tmp_path)
    written = [opened(at=1), started(2), opened(WearerId("w2"), 3), started(4)]
    store.commit(written)
    leaves = list(store.leaves())
    assert list(store.some([3, 1])) == [(3, leaves[2], written[2]), (1, leaves[0], written[0])]
    store.erase(SubjectId(f"wearer:{W1}"))
    assert list(store.some([1, 2])) == [(1, leaves[0], None), (2, leaves[1], written[1])]
    assert [serial for serial, _ in store.events(2)] == [3, 4]
    with pytest.raises(Damaged):
        list(store.some([9]))

"""What holds for every stream protocol alike: who may speak, what is kept, how bytes are cut, what nonsense does."""

import random
import struct
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from dialects import IMEI, KNOWN, NOW, WAYS, line, stream, walk

from safetynet.core.fixes import Mark, Said
from safetynet.edge.devices import gt06, jt808, lines, owntracks, teltonika
from safetynet.edge.devices.lines import Locate, Rhythm
from safetynet.edge.devices.words import Reason
from safetynet.sim import dialects

ways = pytest.mark.parametrize("way", WAYS)


def said(turns):
    return [fix for turn in turns for fix in turn.fixes]


def placed(turns):
    return [fix for fix in said(turns) if fix.lat is not None]


@ways
def test_the_same_walk_in_every_protocol_is_the_same_walk(way):
    make, speaker = WAYS[way]
    got = placed(line(make).feed(stream(speaker(), walk()), NOW))
    assert [(round(fix.lat, 4), round(fix.lon, 4), fix.observed_at) for fix in got] == [
        (round(each.lat, 4), round(each.lon, 4), each.observed_at) for each in walk()
    ]
    assert {(fix.wearer, fix.device, fix.received_at) for fix in got} == {("w1", IMEI, NOW)}
    assert all(abs(fix.speed_mps - 1.4) < 0.3 for fix in got)


@ways
def test_every_alarm_that_a_protocol_has_a_word_for_is_heard_whatever_the_position(way):
    make, speaker = WAYS[way]
    flags = {"sos": Said.SOS, "tampering": Said.BODY_TAMPER, "removing": Said.STRAP_CUT}
    for word in speaker().says:
        report = walk(1, word)[0]
        abroad = type(report)(**{name: getattr(report, name) for name in report.__slots__} | {"lat": 10.0})
        for each, mark in ((report, False), (abroad, True)):
            (fix,) = [
                fix for fix in said(line(make).feed(stream(speaker(), [each]), NOW)) if fix.said is not Said.NOTHING
            ]
            assert fix.said is flags[word]
            assert bool(fix.marks & Mark.PLACE_REFUSED) is mark
            assert (fix.lat is None) is mark


@ways
def test_a_place_abroad_without_an_alarm_is_refused_counted_and_acknowledged(way):
    """Unacknowledged it would be sent again for ever, before everything that follows."""
    make, speaker = WAYS[way]
    report = walk(1)[0]
    abroad = type(report)(**{name: getattr(report, name) for name in report.__slots__} | {"lat": 10.0})
    turns = line(make).feed(stream(speaker(), [abroad]), NOW)
    assert placed(turns) == []
    assert turns[-1].refused == (Reason.OUT_OF_KOREA,)
    assert turns[-1].reply
    assert not turns[-1].over


@ways
@given(cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40))
@settings(max_examples=40)
def test_how_the_bytes_are_cut_changes_nothing(way, cuts):
    make, speaker = WAYS[way]
    data = stream(speaker(), walk(5, "sos"))
    whole, pieces = line(make).feed(data, NOW), []
    parted, at = line(make), 0
    while at < len(data):
        step = cuts[at % len(cuts)]
        pieces += parted.feed(data[at : at + step], NOW)
        at += step
    assert pieces == whole


@ways
def test_an_unknown_device_is_not_heard_and_the_connection_ends(way):
    make, speaker = WAYS[way]
    stranger = line(make, {}.get)
    turns = stranger.feed(stream(speaker(), walk(3)), NOW)
    assert said(turns) == []
    assert [turn.refused for turn in turns] == [(Reason.UNKNOWN_DEVICE,)]
    assert stranger.over
    assert stranger.feed(stream(speaker(), walk(3)), NOW) == []


@pytest.mark.parametrize("way", ["gt06", "teltonika_8e", "h02", "jt808"])
def test_a_connection_speaks_for_one_device(way):
    make, speaker = WAYS[way]
    other = type(speaker())("356314041419999")
    both = line(make, lambda _: KNOWN[IMEI])
    assert said(both.feed(stream(speaker(), walk(2)), NOW))
    turns = both.feed(other.hello() or other.report(walk(1, device="356314041419999")[0]), NOW)
    assert turns[-1].refused == (Reason.OTHER_DEVICE,)
    assert both.over


@pytest.mark.parametrize("way", ["gt06", "teltonika_8e"])
def test_who_has_not_said_who_it_is_is_not_heard(way):
    make, speaker = WAYS[way]
    turns = line(make).feed(speaker().report(walk(1)[0]), NOW)
    assert [(turn.fixes, turn.reply, turn.refused, turn.over) for turn in turns] == [
        ((), b"", (Reason.NAMELESS,), True)
    ]


# --- what proves who speaks ---------------------------------------------------------------------------------------


@ways
def test_what_nothing_proves_is_heard_and_marked(way):
    make, speaker = WAYS[way]
    unproven = way != "jt808_key"
    got = said(line(make).feed(stream(speaker(), walk(3, "sos")), NOW))
    assert {bool(fix.marks & Mark.UNPROVEN) for fix in got} == {unproven}
    assert got[-1].said is Said.SOS


@ways
def test_the_line_itself_can_prove_it(way):
    make, speaker = WAYS[way]
    asked = []
    proved = set()
    mine = line(make, proved=proved, proves=lambda device: asked.append(device) or True)
    got = said(mine.feed(stream(speaker(), walk(3)), NOW))
    assert not any(fix.marks & Mark.UNPROVEN for fix in got)
    assert asked == [IMEI], "once"
    assert proved == {IMEI}


@pytest.mark.parametrize("way", ["gt06", "teltonika_8", "h02", "jt808"])
def test_who_has_proved_itself_once_is_not_believed_without_proof(way):
    make, speaker = WAYS[way]
    turns = line(make, proved={IMEI}).feed(stream(speaker(), walk(3, "sos")), NOW)
    assert said(turns) == []
    assert turns[-1].refused == (Reason.UNPROVEN,)
    assert turns[-1].over


def test_a_wrong_code_is_no_proof_and_a_given_one_neither():
    wrong = line(jt808.Jt808)
    turns = wrong.feed(stream(WAYS["jt808"][1]().__class__(IMEI, "x" * 22), walk(1)), NOW)
    assert [turn.refused for turn in turns] == [(Reason.BAD_KEY,)]
    assert wrong.over
    assert jt808.unescaped(turns[0].reply[1:-1])[-2] == jt808.REFUSED
    given = line(jt808.Jt808)
    frame = jt808.framed(jt808.REGISTER, bytes(40), bytes.fromhex(IMEI.rjust(20, "0")), 7)
    (turn,) = given.feed(frame, NOW)
    body = jt808.unescaped(turn.reply[1:-1])[17:-1]
    assert body == struct.pack(">HB", 7, 0) + jt808.GIVEN
    shown = bytes((len(jt808.GIVEN),)) + jt808.GIVEN + bytes(35)
    given.feed(jt808.framed(jt808.SHOW_CODE, shown, bytes.fromhex(IMEI.rjust(20, "0")), 8), NOW)
    assert not given.proven
    assert not given.over


# --- commands ------------------------------------------------------------------------------------------------------


def test_a_wish_is_said_in_the_words_of_each_protocol():
    told = {}
    for way in ("gt06", "teltonika_8e", "h02", "jt808"):
        make, speaker = WAYS[way]
        mine = line(make)
        assert mine.say(Locate(), NOW) == b"", "nobody is there yet"
        mine.feed(stream(speaker(), walk(1)), NOW)
        told[way] = mine.say(Rhythm(10), NOW), mine.say(Locate(), NOW)
    rhythm, locate = told["gt06"]
    assert rhythm[5:-6].endswith(b"TIMER,10,10#")
    assert gt06.Gt06().cut(rhythm) == (len(rhythm), rhythm)
    assert locate[5:-6].endswith(b"WHERE#")
    rhythm, locate = told["teltonika_8e"]
    assert b"setparam 10000:10;10050:10" in rhythm
    assert locate[:8] == bytes(4) + struct.pack(">I", 3 + 4 + 6 + 1)
    assert told["h02"] == (f"*HQ,{IMEI},S71,150640,22,10#".encode(), f"*HQ,{IMEI},R1,150640#".encode())
    rhythm, locate = (jt808.unescaped(each[1:-1]) for each in told["jt808"])
    assert (rhythm[:2], rhythm[17:-1]) == (b"\x82\x02", struct.pack(">HI", 10, jt808.TRACKING_S))
    assert (locate[:2], locate[17:-1]) == (b"\x82\x01", b"")


def test_owntracks_takes_its_commands_with_the_answer():
    assert owntracks.reply(()) == b"[]"
    assert b'"action":"reportLocation"' in owntracks.command(Locate())
    assert b'"moveModeLocatorInterval":10' in owntracks.reply((Rhythm(10),))


# --- limits and nonsense -------------------------------------------------------------------------------------------


@ways
def test_bytes_that_begin_nothing_end_the_connection_after_a_limit(way):
    make, _ = WAYS[way]
    noise = line(make)
    turns = []
    for _ in range(100):
        turns += noise.feed(b"\x55" * 100, NOW)
        assert noise.waiting_bytes <= lines.FRAME_BYTES_MAX
    assert [reason for turn in turns for reason in turn.refused] == [Reason.GARBAGE]
    assert noise.over


@pytest.mark.parametrize(
    ("way", "start"),
    [
        ("gt06", b"\x79\x79\xff\xff"),
        ("teltonika_8", bytes(4) + b"\x7f\xff\xff\xff"),
        ("jt808", b"\x7e"),
        ("h02", b"*HQ"),
    ],
)
def test_a_frame_that_never_ends_is_not_kept(way, start):
    make, _ = WAYS[way]
    endless = line(make)
    endless.feed(start, NOW)
    turns = []
    for _ in range(40):
        turns += endless.feed(b"1" * 1_000, NOW)
        assert endless.waiting_bytes <= lines.FRAME_BYTES_MAX
    assert endless.over
    assert {reason for turn in turns for reason in turn.refused} <= {Reason.FRAME_TOO_LONG, Reason.GARBAGE}


@ways
def test_a_flipped_bit_is_never_another_place(way):
    """Where the protocol has a checksum; H02 has none."""
    make, speaker = WAYS[way]
    if way == "h02":
        return
    one = speaker()
    hello, report = one.hello(), one.report(walk(1)[0])
    right = placed(line(make).feed(hello + report, NOW))
    for bit in range(len(report) * 8):
        wrong = bytearray(report)
        wrong[bit // 8] ^= 1 << bit % 8
        got = placed(line(make).feed(hello + bytes(wrong), NOW))
        assert got in ([], right)


FUZZED = 100_000
"""Of each decoder."""


def mutated(dice, frames):
    data = bytearray(dice.choice(frames))
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(data))
        match dice.randrange(8):
            case 0:
                del data[at + 1 :]
            case 1:
                data[at:at] = dice.randbytes(4)
            case 2:
                data = bytearray(dice.randbytes(40))
            case _:
                data[at] = dice.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("ways_", [["gt06"], ["teltonika_8", "teltonika_8e", "teltonika_16"], ["h02"], ["jt808"]])
def test_nonsense_raises_nothing_and_keeps_nothing(ways_):
    """A hundred thousand mutations of real frames and plain noise, the checksums repaired half of the time."""
    make = WAYS[ways_[0]][0]
    dice, frames, read = random.Random(ways_[0]), [], 0
    for way in ways_:
        speaker = WAYS[way][1]()
        frames += [speaker.hello() or b"*HQ,1,HTBT,9#", *(speaker.report(each) for each in walk(2, "sos"))]
    began = time.monotonic()
    for n in range(FUZZED):
        data = mutated(dice, frames)
        if n % 2:
            data = repaired(ways_[0], data)
        mine = line(make, lambda _: KNOWN[IMEI])
        if n % 4:
            mine.device, mine._whose = IMEI, KNOWN[IMEI]
        turns = mine.feed(data, NOW)  # nothing is raised: a frame is read, or refused with a word
        read += any(turn.fixes for turn in turns)
        assert len(turns) <= len(data)
        assert mine.waiting_bytes <= len(data)
    assert read > FUZZED // 20, "enough of it comes past the checksum"
    assert time.monotonic() - began < 90, "a hang, not a slow machine"


def repaired(way, data):
    if way == "gt06" and len(data) > 10:
        return data[:-4] + gt06.checksum(data[2:-4]).to_bytes(2, "big") + b"\r\n"
    if way.startswith("teltonika") and len(data) > 12:
        return data[:-4] + teltonika.checksum(data[8:-4]).to_bytes(4, "big")
    if way == "jt808" and len(data) > 13:
        body, check = data[1:-2].replace(b"\x7d", b""), 0
        for byte in body:
            check ^= byte
        return b"\x7e" + body.replace(b"\x7e", b"") + bytes((check,)) + b"\x7e"
    return data


# --- JT/T 808: messages in parts ------------------------------------------------------------------------------------


def parted(body, serial, pieces, telephone=None):
    """A message of 0704 in parts, as a terminal sends it: number of parts and place behind the serial."""
    telephone = telephone or bytes.fromhex(IMEI.rjust(20, "0"))
    size = -(-len(body) // pieces)
    for n in range(pieces):
        piece = pieces.to_bytes(2, "big") + (n + 1).to_bytes(2, "big") + body[n * size : (n + 1) * size]
        properties = (len(piece) - 4) | 0x6000
        data = (0x0704).to_bytes(2, "big") + properties.to_bytes(2, "big") + b"\x01" + telephone
        data += ((serial + n) % 65_536).to_bytes(2, "big") + piece
        check = 0
        for byte in data:
            check ^= byte
        data += bytes((check,))
        yield b"\x7e" + data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def reports(count):
    """The body of 0704 around the reports that the same terminal would send one by one."""
    bodies = []
    for each in walk(count):
        whole = jt808.unescaped(dialects.Jt808(IMEI).report(each)[1:-1])
        bodies.append(whole[17:-1])
    return count.to_bytes(2, "big") + b"\x01" + b"".join(len(each).to_bytes(2, "big") + each for each in bodies)


def test_a_message_in_parts_is_heard_when_it_is_whole_and_answered_then():
    one = line(jt808.Jt808)
    *first, last = parted(reports(6), 65_534, 4)
    for part in first:
        for _ in range(2):  # what is said again changes nothing
            assert [(turn.fixes, turn.reply, turn.refused) for turn in one.feed(part, NOW)] == [((), b"", ())]
    (turn,) = one.feed(last, NOW)
    assert [fix.observed_at for fix in turn.fixes] == [each.observed_at for each in walk(6)]
    answers = [jt808.unescaped(each) for each in turn.reply.split(b"\x7e") if each]
    assert [int.from_bytes(each[17:19], "big") for each in answers] == [65_534, 65_535, 0, 1], "each part by its serial"


def test_parts_of_two_messages_are_not_mixed():
    one = line(jt808.Jt808)
    first, second = list(parted(reports(4), 10, 2)), list(parted(reports(6), 40, 2))
    turns = [turn for part in (first[0], second[0], first[1], second[1], second[0]) for turn in one.feed(part, NOW)]
    assert len(said(turns)) == 6
    assert not any(turn.refused for turn in turns)


@pytest.mark.parametrize(("count", "place"), [(0, 1), (2, 0), (2, 3), (33, 1)])
def test_impossible_parts_are_refused(count, place):
    one = line(jt808.Jt808)
    (part,) = parted(b"", 1, 1)
    data = bytearray(jt808.unescaped(part[1:-1])[:-1])
    data[-4:] = count.to_bytes(2, "big") + place.to_bytes(2, "big")
    check = 0
    for byte in data:
        check ^= byte
    (turn,) = one.feed(b"\x7e" + bytes(data) + bytes((check,)) + b"\x7e", NOW)
    assert turn.refused
    assert not turn.reply

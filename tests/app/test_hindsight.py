"""Why an alarm rang, told from the records; and the past judged by other figures."""

import sys
from pathlib import Path

import msgspec
import ports
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import deployment

from safetynet.app import hindsight
from safetynet.app.control import Control
from safetynet.app.hindsight import replay_main, why_main
from safetynet.core import geo, thresholds
from safetynet.core.events import AlarmRaised
from safetynet.core.fixes import Fix, Said
from safetynet.core.rules import RULES_VERSION
from safetynet.core.terms import Source
from safetynet.core.thresholds import STANDARD
from safetynet.edge import keys
from safetynet.edge.journal import Journal
from safetynet.edge.store import Store

PLANE = geo.Plane(deployment.LAT, deployment.LON)
T0 = 1_795_400_000_000


def fix(n, x, *, who="w1", radius=12.0, said=Said.NOTHING):
    lat, lon = PLANE.to_latlon(x, 0.0)
    at = T0 + 60_000 * n
    return Fix(id=0, wearer=who, device="d1", observed_at=at, received_at=at + 400, lat=lat, lon=lon, accuracy_m=radius,
               source=Source.GNSS, said=said)  # fmt: skip


WAY = [
    *(fix(n, 600.0) for n in range(5)),
    fix(5, 20.0),
    fix(6, 10.0),
    fix(7, 600.0),
    fix(8, 600.0, who="w2"),
    fix(9, 600.0, said=Said.STRAP_CUT),
]


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    """A centre that has journalled a way and judged it at its start."""
    folder = deployment.make(tmp_path_factory.mktemp("centre"), ports.take(8))
    own = keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    with Journal(folder / "journal", store.person_keys) as journal:
        journal.append(WAY)
    store.close()
    program = Control(folder)
    raised = [event for _, event in program.store.events() if isinstance(event, AlarmRaised)]
    yield folder, {each.kind.value: each for each in raised}, program
    program.store.close()
    program.journal.close()


def told(capsys, *args):
    code = args[0](list(map(str, args[1:])))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_why_says_which_fixes_in_both_languages_while_the_centre_runs(centre, capsys):
    folder, raised, _ = centre
    alarm = raised["exclusion_zone"].alarm
    code, out, _ = told(capsys, why_main, alarm, "--dir", folder, "--language", "en")
    assert code == 0
    assert f"rules {RULES_VERSION}" in out
    assert "order version 1" in out
    assert "satellite, radius 12.1 m" in out
    row = next(line for line in out.splitlines() if line.startswith("▶"))
    assert "130.0 m inside the edge" in row
    assert "rang (maybe, inside)" in row
    assert "became certain (certain, inside)" in out
    assert "returned" in out
    code, ko, _ = told(capsys, why_main, alarm, "--dir", folder)
    assert code == 0
    assert "경계 안 130.0 m" in ko
    assert "울림 (의심, 구역 안)" in ko
    assert "{" not in out + ko, "every blank is filled"


def test_why_is_the_same_to_the_byte_and_holds_no_place_and_no_name(centre, capsys):
    folder, raised, _ = centre
    alarm = raised["exclusion_zone"].alarm
    first = told(capsys, why_main, alarm, "--dir", folder, "--json")
    assert first == told(capsys, why_main, alarm, "--dir", folder, "--json")
    for text in (first[1], told(capsys, why_main, alarm, "--dir", folder)[1]):
        assert "시험용" not in text
        assert "36.35" not in text
        assert "127.3" not in text
    found = msgspec.json.decode(first[1])
    assert (found["kind"], found["about"], found["raised_by"]) == ("exclusion_zone", "z1", 6)
    assert found["lines"][-1]["fix"] == 10, "what came after it too"
    assert not (folder / hindsight.WORKROOM).exists()


def test_a_flag_is_explained_by_the_device_itself(centre, capsys):
    folder, raised, _ = centre
    _, out, _ = told(capsys, why_main, raised["strap_cut"].alarm, "--dir", folder, "--language", "en")
    assert "the device said: strap cut" in next(line for line in out.splitlines() if line.startswith("▶"))


def test_why_of_nothing(centre, capsys):
    folder, _, _ = centre
    code, out, err = told(capsys, why_main, "A-NONE", "--dir", folder)
    assert (code, out) == (1, "")
    assert "A-NONE" in err


def test_replay_says_what_other_figures_would_have_rung(centre, capsys, tmp_path):
    folder, _, program = centre
    head, newest = program.store.head(), program.journal.newest
    strict = tmp_path / "rules.json"
    strict.write_bytes(msgspec.json.encode({"version": "strict", "zone": {"suspect": 5.5, "sure": 5.8, "watch": 5.5}}))
    code, out, err = told(capsys, replay_main, "--dir", folder, "--since", "2026-01-01", "--rules", strict)
    assert code == 0, err
    found = msgspec.json.decode(out.splitlines()[-1])
    assert (found["rules_before"], found["rules_after"], found["fixes"]) == (RULES_VERSION, "strict", len(WAY))
    assert found["alarms_before"] == 3
    assert found["kinds"]["exclusion_zone/maybe"] == {"before": 1, "after": 0}
    assert found["kinds"]["strap_cut/certain"] == {"before": 1, "after": 1}
    assert found["only_before"] >= 1
    assert (program.store.head(), program.journal.newest) == (head, newest), "a dry run"
    code, out, _ = told(capsys, replay_main, "--dir", folder, "--since", "2027-01-01")
    assert msgspec.json.decode(out.splitlines()[-1])["fixes"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        b"{}",
        b'{"version": "x", "zone": {"sure": -9}}',
        b'{"version": "x", "zone": {"floor": 3}}',
        b'{"version": "x", "typo": 1}',
        b'{"version": "x", "home": {"weight": 0}}',
        b'{"version": "x", "home": {"power": -1}}',
        b'{"version": "x", "pace_factor": 0.5}',
        b'{"version": "x", "watch_ms": -1}',
        b"\xff",
    ],
)
def test_figures_that_nobody_can_mean_are_refused(centre, capsys, tmp_path, wrong):
    file = tmp_path / "rules.json"
    file.write_bytes(wrong)
    code, out, err = told(capsys, replay_main, "--dir", centre[0], "--since", "2026-01-01", "--rules", file)
    assert (code, out) == (1, "")
    assert str(file) in err


def test_the_standard_can_be_printed_and_read_back(capsys):
    _, out, _ = told(capsys, replay_main, "--standard")
    assert thresholds.from_json(out.encode()) == STANDARD

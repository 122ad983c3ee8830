"""Provisioning twice gives one deployment; what is secret is closed; children come up, come back and never stay behind."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import ports
import pytest
from patience import PATIENCE_S

from safetynet.app.people import PROTECTED, People
from safetynet.core.annunciations import OUTAGE_MEMBERS_MIN
from safetynet.edge import config, keys, registry
from safetynet.sim import carriers, children, demo, provision
from safetynet.sim.children import ChildFailedError, Children, PortTakenError, Program
from safetynet.sim.provision import CITIES, CONTROL, POLICE, CannotProvisionError, Deployment, Ports, Wish

PORT = ports.take(60)


def wish(folder: Path, **changed: object) -> Wish:
    return replace(Wish(folder=folder, ports=Ports(first=PORT), seed=7, data=None, fresh=False), **changed)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Wish, Deployment]:
    wished = wish(tmp_path_factory.mktemp("deployment") / "demo")
    deployment, fresh = provision.provision(wished, lambda _ko, _en: None)
    assert fresh
    return wished, deployment


def _held(folder: Path) -> dict[str, bytes]:
    """Everything that is an identity or a record; addresses and logs may change."""
    kept = ("keys/", "deployment.json", "cameras.json", "ca/")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(each in str(path.relative_to(folder)) for each in kept)
    }


def test_a_second_start_reuses_everything_and_is_quick(made: tuple[Wish, Deployment]) -> None:
    wished, first = made
    before, since = _held(wished.folder), time.process_time()
    second, fresh = provision.provision(wished, lambda _ko, _en: None)
    assert not fresh
    assert second == first
    assert _held(wished.folder) == before
    assert time.process_time() - since < 5


def test_an_outage_of_the_largest_carrier_is_one_of_the_demo(made: tuple[Wish, Deployment]) -> None:
    """Each device has a carrier, and the largest has so many wearers that their silence is known for an outage."""
    wished, deployment = made
    found = config.read_carriers(wished.folder / CONTROL)
    assert found.keys() == deployment.devices.keys()
    networks = Counter(found[each.device] for each in provision.make_world(wished).wearers())
    assert len(networks) == len(carriers.SHARES)
    assert max(networks.values()) >= OUTAGE_MEMBERS_MIN
    assert min(networks.values()) < OUTAGE_MEMBERS_MIN
    assert carriers.of(sorted(deployment.devices, reverse=True)) == found


def test_another_port_moves_every_address_and_nothing_else(made: tuple[Wish, Deployment]) -> None:
    wished, _ = made
    before = _held(wished.folder)
    provision.provision(replace(wished, ports=Ports(first=PORT + 1_000)), lambda _ko, _en: None)
    control = config.read(wished.folder / CONTROL)
    assert (control.web_port, control.link_port, control.video_port) == (PORT + 1_000, PORT + 1_001, PORT + 1_002)
    assert [(each.link_port, each.relay_port) for each in control.peers] == [
        (PORT + 1_018, PORT + 1_019),
        (PORT + 1_028, PORT + 1_029),
        (PORT + 1_041, None),
    ]
    sources = registry.read_sources(wished.folder / CITIES[0])
    assert all(url.startswith(f"rtsp://127.0.0.1:{PORT + 1_051}/") for url in sources.values())
    assert _held(wished.folder) == before
    provision.provision(wished, lambda _ko, _en: None)


def test_telephones_find_this_machine_only_where_it_was_asked_for(made: tuple[Wish, Deployment]) -> None:
    wished, _ = made
    world = msgspec.json.decode((wished.folder / "world" / "world.json").read_bytes())
    door = config.read(wished.folder / CONTROL).phones
    assert door is not None
    assert (door.host, door.web_port, door.video_port) == ("127.0.0.1", PORT + 5, PORT + 7)
    assert world["phones"]["open_url"] == f"https://127.0.0.1:{PORT + 5}/field"
    assert "PRIVATE" not in world["phones"]["ca"]
    first = (wished.folder / "ca-phones" / "ca.pem").read_bytes()
    provision.provision(replace(wished, field_host="192.168.0.12"), lambda _ko, _en: None)
    moved = config.read(wished.folder / CONTROL).phones
    assert moved is not None
    assert moved.host == "192.168.0.12"
    assert config.read(wished.folder / CONTROL).host == "127.0.0.1", "the desk's pages stay where they are"
    assert (wished.folder / "ca-phones" / "ca.pem").read_bytes() == first, "telephones need not trust anew"
    provision.provision(wished, lambda _ko, _en: None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "8.8.8.8", "example.com", ""])
def test_no_door_for_telephones_at_every_address_or_a_public_one(host: str) -> None:
    with pytest.raises(SystemExit):
        demo.main(["--field-host", host, "--data-dir", "/nonexistent/x"])


def test_secrets_are_closed_to_others(made: tuple[Wish, Deployment]) -> None:
    folder = made[0].folder
    secret = [folder / "deployment.json", folder / "world/world.json", folder / "ca/ca.key"]
    secret += [folder / CONTROL / each for each in ("demo.json", "units.json", "log.db")]
    secret += [folder / city / "sources.json" for city in CITIES]
    secret += [
        folder / centre / "keys" / each
        for centre in (CONTROL, *CITIES, POLICE)
        for each in ("log.key", "sign.key", "person.key", "pseudonym.key", "tls.pem")
    ]
    assert [each for each in secret if stat.S_IMODE(each.stat().st_mode) & 0o077] == []


def test_partners_trust_each_others_keys_and_cities_not_one_another(made: tuple[Wish, Deployment]) -> None:
    folder = made[0].folder
    public = {each: keys.open_centre(folder / each).public for each in (CONTROL, *CITIES, POLICE)}
    assert keys.read_peers(folder / CONTROL) == {each: public[each] for each in (*CITIES, POLICE)}
    for partner in (*CITIES, POLICE):
        assert keys.read_peers(folder / partner) == {CONTROL: public[CONTROL]}


def test_every_wearer_has_a_sealed_record_and_a_device_with_a_key_of_its_own(made: tuple[Wish, Deployment]) -> None:
    wished, deployment = made
    store = provision.open_store(wished.folder / CONTROL, CONTROL)
    try:
        people, devices = People(store), store.devices()
        assert len(people) > 0
        assert len(people) + len(people.protected) == len(devices) == len(deployment.devices)
        assert {each.wearer for each in devices if not each.protected} == set(people.orders)
        assert {each.wearer for each in devices if each.protected} == set(people.protected)
        assert {one.id for each in people.orders.values() for one in each.protected} == set(people.protected)
        assert {each.login for each in store.accounts() if each.role == PROTECTED} == {
            each.person for each in people.protected.values()
        }
        assert len(set(deployment.devices.values())) == len(devices)
        hashed = {each.argon2 for each in store.accounts()}
    finally:
        store.close()
    raw = (wished.folder / CONTROL / "log.db").read_bytes()
    names = [record.name for each in people.orders if (record := people.get(each))]
    names += [each.name for each in people.protected.values()]
    assert all(name.encode() not in raw for name in names)
    assert all(each.password not in str(hashed) for each in deployment.logins)


def test_the_sign_in_is_what_the_screen_shows(made: tuple[Wish, Deployment]) -> None:
    wished, deployment = made
    shown = msgspec.json.decode((wished.folder / CONTROL / "demo.json").read_bytes())
    assert [each["account"] for each in shown["accounts"]] == [each.account for each in deployment.logins]
    store = provision.open_store(wished.folder / CONTROL, CONTROL)
    try:
        stored = {each.login: each.argon2 for each in store.accounts()}
    finally:
        store.close()
    operator = deployment.logins[0]
    assert keys.check_password(stored[operator.account], operator.password)
    assert not keys.check_password(stored[operator.account], deployment.logins[1].password)


def test_another_seed_does_not_silently_reuse_the_old_city(made: tuple[Wish, Deployment]) -> None:
    with pytest.raises(CannotProvisionError, match="--fresh"):
        provision.provision(replace(made[0], seed=8), lambda _ko, _en: None)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_not_ours_is_never_cleared(tmp_path: Path, *, fresh: bool) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CannotProvisionError, match="not made by"):
        provision.provision(wish(tmp_path, fresh=fresh), lambda _ko, _en: None)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


# --- children ------------------------------------------------------------------------------------------------------

PYTHON = (sys.executable, "-u", "-c")
LISTEN = """
import socket, sys, time
held = socket.socket(); held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("127.0.0.1", int(sys.argv[1]))); held.listen()
time.sleep(60)
"""


def _children(folder: Path, *programs: Program) -> tuple[Children, list[str]]:
    said: list[str] = []
    return Children(programs, folder, say=said.append, command=PYTHON), said


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat_line = Path(f"/proc/{pid}/stat").read_text()
    return stat_line.rpartition(")")[2].split()[0] != "Z"


async def test_ready_is_when_the_port_answers_and_stop_leaves_nothing(tmp_path: Path) -> None:
    held, _ = _children(tmp_path, Program("listener", (LISTEN, str(PORT)), (PORT,)))
    await held.start()
    pid = held.pids()["listener"]
    assert not children.is_free(PORT)
    await held.stop()
    assert not _is_alive(pid)
    assert children.is_free(PORT)


async def test_without_ports_only_the_line_counts(tmp_path: Path) -> None:
    script = 'import time; print("{\\"level\\": 1}"); print("{\\"ready\\": true}"); time.sleep(60)'
    held, _ = _children(tmp_path, Program("talker", (script,)))
    async with asyncio.timeout(PATIENCE_S):
        await held.start()
    await held.stop()


async def test_a_child_that_cannot_start_ends_all_and_shows_the_end_of_its_log(tmp_path: Path) -> None:
    good = Program("good", (LISTEN, str(PORT)), (PORT,))
    bad = Program("bad", ("raise SystemExit('no such folder')",), (PORT + 1,))
    held, _ = _children(tmp_path, good, bad)
    with pytest.raises(ChildFailedError, match="bad: ended with status 1") as failed:
        await held.start()
    assert "no such folder" in failed.value.tail
    assert children.is_free(PORT)


async def test_a_port_of_somebody_else_is_named_before_anything_starts(tmp_path: Path) -> None:
    held, _ = _children(tmp_path, Program("listener", (LISTEN, str(PORT)), (PORT,)))
    with socket.create_server(("127.0.0.1", PORT)), pytest.raises(PortTakenError, match=str(PORT)):
        await held.start()
    assert held.pids() == {}


async def test_a_crashed_child_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    held, said = _children(tmp_path, Program("listener", (LISTEN, str(PORT)), (PORT,)))
    await held.start()
    first = held.pids()["listener"]
    watching = asyncio.ensure_future(held.watch())
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while held.pids()["listener"] == first or children.is_free(PORT):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await held.stop()
    assert len(said) == 1
    assert "listener ended with status -9; started again (1 of" in said[0]


async def test_a_child_that_keeps_crashing_ends_the_launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "RESTART_PAUSE_MS", 1)
    script = 'print("{\\"ready\\": true}"); raise SystemExit(3)'
    held, said = _children(tmp_path, Program("crasher", (script,)))
    await held.start()
    with pytest.raises(ChildFailedError, match="ended 6 times"):
        async with asyncio.timeout(PATIENCE_S):
            await held.watch()
    await held.stop()
    assert len(said) == children.RESTARTS_MAX


async def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    script = 'import signal, time; signal.signal(15, signal.SIG_IGN); print("{\\"ready\\": true}"); time.sleep(60)'
    held, said = _children(tmp_path, Program("stubborn", (script,), end_ms_max=200))
    await held.start()
    pid = held.pids()["stubborn"]
    await held.stop()
    assert not _is_alive(pid)
    assert "killed" in said[0]


def test_children_die_with_a_killed_launcher(tmp_path: Path) -> None:
    """`kill -9` of the launcher: the kernel ends its children."""
    script = f"""
import asyncio, sys
from pathlib import Path
from safetynet.sim.children import Children, Program
async def main():
    children = Children((Program("world", ("help",)),), Path({str(tmp_path)!r}), say=print)
    child = children._children[0]
    children._command = (sys.executable, "-u", "-c", {_BOUND!r}, str(__import__("os").getpid()))
    await children._launch(child)
    await children._ready(child)
    print(children.pids()["world"], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    launcher = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    assert _is_alive(pid)
    launcher.kill()
    launcher.wait(10)
    launcher.stdout.close()
    deadline = time.monotonic() + PATIENCE_S
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)


_BOUND = """
import sys, time
from safetynet.sim.children import bind_to_parent
bind_to_parent(int(sys.argv[1]))
print('{"ready": true}')
time.sleep(60)
"""


def test_demo_names_the_port_that_is_taken_and_touches_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", PORT + 2)):
        assert demo.main(["--port", str(PORT), "--data-dir", str(tmp_path / "demo")]) == 1
    assert f"{PORT + 2} (centre-relay)" in capfd.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "demo").exists()


def test_the_plan_is_that_of_the_contract() -> None:
    plan = {each.name: each for each in demo.programs(Path("D"), Ports(first=9_000))}
    assert {name: each.ports for name, each in plan.items()} == {
        "garam": (9_011, 9_013, 9_015),
        "garam-relay": (9_012, 9_014),
        "garam-windows": (9_016, 9_017),
        "narae": (9_021, 9_023, 9_025),
        "narae-relay": (9_022, 9_024),
        "narae-windows": (9_026, 9_027),
        "outages": (9_018, 9_019, 9_028, 9_029),
        "police112": (9_041,),
        "control": (9_000, 9_003),
        "centre-relay": (9_002, 9_004),
        "world": (9_050, 9_051, 9_052, 9_054),
    }

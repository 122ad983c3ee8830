"""A whole deployment made from nothing: keys, certificates, registries, records, accounts. Once; later starts reuse it.

What is drawn (keys, passwords, device keys) is drawn at the first start and never stands in the source. What a start
may move (ports, certificates that run out) is written anew at every start. Everybody in it is made up.

    D/ca  D/control  D/garam  D/narae  D/police112  D/world  D/outages  D/log  D/deployment.json

Absent on purpose: any real person, any default password, and anything a real installation would run.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from safetynet.app import people
from safetynet.app.people import ProtectedRecord, WearerRecord
from safetynet.core.cameras import Camera
from safetynet.core.lists.words import Problem
from safetynet.core.messages import Role
from safetynet.core.orders import Circle, Curfew, Order, Polygon, Protected, Row, Zone
from safetynet.core.terms import CameraId, CentreId, DeviceId, PersonId, UnitId, WearerId
from safetynet.edge import config, keys, recorder, registry
from safetynet.edge.config import Centre, Peer, Phones
from safetynet.edge.registry import CityCameras
from safetynet.edge.sources import ptz
from safetynet.edge.store import Account, Device, Store
from safetynet.sim import carriers, districts, outages, recordings
from safetynet.sim.children import HOST
from safetynet.sim.world import SimUnit, SimWearer, SimZone, World

FORM: Final = 2
"""Of `deployment.json`. A deployment of another form is not read: `--fresh` makes it anew."""
MARK: Final = ".safetynet-demo"
"""Stands in every folder that this module made. No other folder is ever removed."""
CONTROL: Final = CentreId("control")
POLICE: Final = CentreId("police112")
CITIES: Final = (CentreId("garam"), CentreId("narae"))
NAMES: Final = {CONTROL: "위치추적관제센터", POLICE: "112치안종합상황실"}
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128")
"""Networks in which telephones may find a demo."""
DEVICE_KEY_BYTES: Final = 16
REAL_LIST: Final = Path("cctv/daejeon_2026_std_cp949.csv")
REAL_REPAIRS: Final = (Problem.DEGREES_MINUTES_SECONDS, Problem.PLACEHOLDER)
"""What a person who looked through the quarantine of this list would accept: a place whose digits say what was meant,
and the place that other rows give for the same address.
"""
IMPORTED: Final = "imported"
"""Folder of the real list as it was read, before the border divides it."""
WHOLE: Final = "whole"
"""Beside it: the import of the whole list, of every owner."""
IMPORT_FILE: Final = "import.json"
"""Beside it: what the importer counted."""
IMPORT_S_MAX: Final = 120
LOGS: Final = "log"
"""Of every program, with the number under which it runs."""
YEAR: Final = 2026
"""Of the made city: ages are counted from it."""


class CannotProvisionError(Exception):
    """The folder cannot be used as it is. The text says what to do."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A demo account. The password is shown on the screen: these exist in demo mode only."""

    account: str
    password: str
    name: str
    role: str
    seat: str


class MadeCity(msgspec.Struct, frozen=True):
    name: str
    area: tuple[tuple[float, float], ...]
    """Corners, (lat, lon)."""


class Title(msgspec.Struct, frozen=True):
    """A story as the console offers it."""

    name: str
    ko: str
    en: str


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """`deployment.json`, 0600. Written last: its presence says that the first start was finished.

    It holds what a start needs of the made world, so that later starts need not make the world to say it.
    """

    form: int
    seed: int
    data: str | None
    """The folder of real data that was used, if any."""
    logins: tuple[Login, ...]
    city_logins: dict[CentreId, tuple[Login, ...]]
    """Each city has its own people; nobody works for two organisations."""
    devices: dict[DeviceId, str]
    """Device keys: the simulated devices have to know them, the control centre keeps only their hash."""
    units: dict[UnitId, str]
    """Keys of the phones that say where a unit is."""
    posts: tuple[SimUnit, ...]
    cities: dict[CentreId, MadeCity]
    stories: tuple[Title, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """docs/contracts.md section 1, from the first port on."""

    first: int

    @property
    def pages(self) -> int:
        return self.first

    @property
    def control_link(self) -> int:
        return self.first + 1

    @property
    def windows(self) -> int:
        return self.first + 2

    @property
    def control_health(self) -> int:
        return self.first + 3

    @property
    def windows_health(self) -> int:
        return self.first + 4

    def city_health(self, index: int) -> int:
        return self.first + 13 + 10 * index

    def city_video_health(self, index: int) -> int:
        return self.first + 14 + 10 * index

    def city_link(self, index: int) -> int:
        return self.first + 11 + 10 * index

    def city_video(self, index: int) -> int:
        return self.first + 12 + 10 * index

    def city_pages(self, index: int) -> int:
        return self.first + 15 + 10 * index

    def city_windows(self, index: int) -> int:
        return self.first + 16 + 10 * index

    def city_windows_health(self, index: int) -> int:
        return self.first + 17 + 10 * index

    def city_link_road(self, index: int) -> int:
        """What the control centre dials; it leads to the city's link while the road is whole."""
        return self.first + 18 + 10 * index

    def city_video_road(self, index: int) -> int:
        return self.first + 19 + 10 * index

    @property
    def phones(self) -> int:
        """The door for telephones; their pictures are at + 2, where a page looks for them."""
        return self.first + 5

    @property
    def phones_windows(self) -> int:
        return self.first + 7

    @property
    def stand(self) -> int:
        """Where a telephone fetches the certificate that it has to trust."""
        return self.first + 53

    @property
    def police_link(self) -> int:
        return self.first + 41

    @property
    def panel(self) -> int:
        return self.first + 50

    @property
    def rtsp(self) -> int:
        return self.first + 51

    @property
    def ptz(self) -> int:
        return self.first + 52

    @property
    def recorder(self) -> int:
        return self.first + 54


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    folder: Path
    ports: Ports
    seed: int
    data: Path | None
    fresh: bool
    field_host: str = HOST
    """The one address of this machine at which telephones find it; only this machine does unless it is asked for."""


Told = Callable[[str, str], None]
"""Hears of each step: Korean, English."""


def provision(wish: Wish, told: Told) -> tuple[Deployment, bool]:
    """The deployment, and whether it was made just now. Raises CannotProvisionError, with what to do."""
    known = _known(wish)
    made = known is None
    deployment = known or _first_start(wish, told)
    _every_start(wish, deployment, told)
    return deployment, made


def _known(wish: Wish) -> Deployment | None:
    """What lies there, when it is whole and is what was wished for. Removes an unfinished first start."""
    folder, path = wish.folder, wish.folder / "deployment.json"
    if wish.fresh or not path.exists():
        _clear(folder)
        return None
    try:
        deployment = msgspec.json.decode(path.read_bytes(), type=Deployment)
    except msgspec.DecodeError as broken:
        raise CannotProvisionError(f"{path}: {broken}; --fresh makes the deployment anew") from broken
    data = None if wish.data is None else str(wish.data.resolve())
    if (deployment.form, deployment.seed, deployment.data) != (FORM, wish.seed, data):
        raise CannotProvisionError(
            f"{folder} was made with seed {deployment.seed} and {deployment.data or 'no real data'}"
            " (another seed, data or release now); --fresh makes it anew"
        )
    return deployment


def _clear(folder: Path) -> None:
    if not folder.exists():
        return
    if not (folder / MARK).exists():
        if any(folder.iterdir()):
            raise CannotProvisionError(f"{folder} was not made by safetynet demo; choose another with --data-dir")
        return
    shutil.rmtree(folder)


# --- the first start -----------------------------------------------------------------------------------------------


def _first_start(wish: Wish, told: Told) -> Deployment:
    wish.folder.mkdir(parents=True, exist_ok=True)
    (wish.folder / MARK).write_bytes(b"")
    told("열쇠와 인증기관", "keys and the certificate authority")
    for centre in (CONTROL, *CITIES, POLICE):
        keys.open_centre(wish.folder / centre)
    keys.make_ca(wish.folder / "ca")
    told("기관끼리 열쇠 고정", "partners pin each other's keys")
    for partner in (*CITIES, POLICE):
        _pin_each_other(wish.folder, CONTROL, partner)
    told("가상 도시와 카메라 대장", "the made city and the registries of its cameras")
    if wish.data is not None:
        if absent := [*recordings.missing(wish.data), *districts.missing(wish.data)]:
            raise CannotProvisionError(f"{absent[0]} is not there")
        _import_real(wish.folder / IMPORTED, wish.data)
    world = make_world(wish)
    for city in CITIES:
        registry.write(wish.folder / city, _registered(wish, world, city))
    told("피부착자, 판결, 장치", "wearers, orders, devices")
    devices = _enrol(wish, world)
    told("시연 계정", "demo accounts")
    logins = _accounts(wish, world)
    city_logins = {city: _put_accounts(wish, city, seats) for city, seats in _CITY_SEATS.items()}
    _write_map(wish, world)
    told("관할 구역", "districts and who is competent")
    try:
        districts.write(wish.folder / CONTROL, world, wish.data)
    except districts.CannotReadMapError as refused:
        raise CannotProvisionError(str(refused)) from refused
    deployment = Deployment(
        form=FORM,
        seed=wish.seed,
        data=None if wish.data is None else str(wish.data.resolve()),
        logins=logins,
        city_logins=city_logins,
        devices=devices,
        units={each.id: secrets.token_urlsafe(DEVICE_KEY_BYTES) for each in world.units()},
        posts=tuple(world.units()),
        cities={city: MadeCity(world.city_name(city), area) for city, area in world.areas().items()},
        stories=tuple(Title(each.name, each.title_ko, each.title_en) for each in world.stories()),
    )
    _secret(wish.folder / "deployment.json", deployment)
    return deployment


def _pin_each_other(folder: Path, one: CentreId, other: CentreId) -> None:
    keys.pin_peer(folder / one, other, keys.open_centre(folder / other).public)
    keys.pin_peer(folder / other, one, keys.open_centre(folder / one).public)


def _import_real(folder: Path, data: Path) -> None:
    """The product's own door for lists of others, as an administrator would use it.

    The whole list, through quarantine and repair and the boundary of each row's owner; and each district's own, one of
    which the made world is built around.
    """
    source = data / REAL_LIST
    if not source.is_file():
        raise CannotProvisionError(f"{source} is not there")
    command = [sys.executable, "-m", "safetynet", "import", "cameras", str(source), "--city", CITIES[0]]
    command += ["--boundary", str(data / districts.REAL_MAP), "--accept", ",".join(each.value for each in REAL_REPAIRS)]
    owners = {code: ("--owner", name) for code, name in districts.REAL_OWNERS.items()}
    own = (folder, owners.pop(districts.REAL_OWN))
    for into, only in ((folder / WHOLE, ()), own, *((folder / code, each) for code, each in owners.items())):
        done = subprocess.run(
            [*command, "--dir", str(into), *only], capture_output=True, text=True, timeout=IMPORT_S_MAX, check=False
        )
        if done.returncode != 0:
            raise CannotProvisionError(f"import of {source} failed:\n{done.stdout}{done.stderr}")
        (into / IMPORT_FILE).write_text(done.stdout.splitlines()[-1] + "\n", encoding="utf-8")


def make_world(wish: Wish) -> World:
    """The same world as the world program makes from `world.json`."""
    if wish.data is None:
        return World(wish.seed)
    return World(wish.seed, registered=registry.read(wish.folder / IMPORTED), walk=recordings.walk(wish.data.resolve()))


def _registered(wish: Wish, world: World, city: CentreId) -> CityCameras:
    """What the city knows of its cameras: where nobody has measured a direction, it knows none.

    Cameras of a real list stand in it as they were imported.
    """
    listed = {each.id: each for each in registry.read(wish.folder / IMPORTED)} if wish.data is not None else {}
    found = tuple(
        msgspec.structs.replace(listed[row.id], city=city)
        if row.id in listed
        else Camera(**msgspec.structs.asdict(row))
        for row in world.registry(city)
    )
    assert found, f"the world has no camera in {city}"
    return CityCameras(city=city, cameras=found)


def _write_map(wish: Wish, world: World) -> None:
    """What the maps are drawn from: streets, and where cameras stand, all closed. A city's map shows its own."""
    places: list[dict[str, object]] = []
    for city in CITIES:
        own: list[dict[str, object]] = [
            {"id": each.id, "city": each.city, "lat": round(each.lat, 6), "lon": round(each.lon, 6)}
            for each in registry.read(wish.folder / city)
        ]
        _put_map(wish.folder / city, world, own)
        places += own
    _put_map(wish.folder / CONTROL, world, places)


def _put_map(folder: Path, world: World, cameras: list[dict[str, object]]) -> None:
    place = folder / "map"
    place.mkdir(exist_ok=True)
    (place / "base.geojson").write_bytes(world.base_map())
    (place / "cameras.json").write_bytes(msgspec.json.encode({"cameras": cameras}))


# --- people --------------------------------------------------------------------------------------------------------


def open_store(folder: Path, centre: CentreId) -> Store:
    own = keys.open_centre(folder)
    return Store.open(folder / "log.db", centre=centre, keys=own.persons, sign=own.sign, salt=keys.salt)


def _enrol(wish: Wish, world: World) -> dict[DeviceId, str]:
    """Every wearer of the world gets a sealed record with an order, and a device with a key of its own."""
    drawn: dict[DeviceId, str] = {}
    store = open_store(wish.folder / CONTROL, CONTROL)
    try:
        for wearer in world.wearers():
            people.enrol(store, record(wearer))
            key = secrets.token_urlsafe(DEVICE_KEY_BYTES)
            store.put_device(Device(wearer.device, wearer.id, _sha256(key)))
            drawn[wearer.device] = key
        for n, each in enumerate(world.protected(), 1):
            account = PersonId(f"protected{n}")
            held = ProtectedRecord(protected=each.id, name=each.name, phone=each.phone, person=account)
            people.enrol_protected(store, held)
            key = secrets.token_urlsafe(DEVICE_KEY_BYTES)
            store.put_device(Device(each.device, WearerId(each.id), _sha256(key), protected=True))
            drawn[each.device] = key
    finally:
        store.close()
    return drawn


def record(wearer: SimWearer) -> WearerRecord:
    return WearerRecord(
        wearer=wearer.id,
        name=wearer.name,
        case_no=wearer.case_no,
        born_year=YEAR - wearer.age,
        office=wearer.office,
        officer=wearer.officer,
        phone=wearer.phone,
        order=order_of(wearer),
    )


def order_of(wearer: SimWearer) -> Order:
    """What the court ordered, as the control centre knows it."""
    return Order(
        wearer=wearer.id,
        wearer_class=wearer.wearer_class,
        version=1,
        zones=tuple(Zone(id=each.id, name=each.name, area=_area(each)) for each in wearer.zones),
        curfews=_curfews(wearer),
        protected=tuple(Protected(id=each) for each in wearer.protected),
    )


def _curfews(wearer: SimWearer) -> tuple[Curfew, ...]:
    told = wearer.curfew
    if told is None:
        return ()
    row = Row(days=tuple(range(7)), start_min=told.start_min, end_min=told.end_min)
    return (Curfew(id=told.id, name=told.name, home=Circle(wearer.lat, wearer.lon, told.radius_m), rows=(row,)),)


def _area(zone: SimZone) -> Circle | Polygon:
    return Polygon(zone.polygon) if zone.radius_m is None else Circle(zone.lat, zone.lon, zone.radius_m)


def _sha256(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


_SEATS: Final = (
    ("operator1", "강연습", "operator", "3"),
    ("operator2", "노모의", "operator", "4"),
    ("supervisor1", "문시험", "supervisor", "1"),
    ("admin1", "안가명", "administrator", ""),
    ("admin2", "서연습", "administrator", ""),
)
"""Login, name, role, seat. Everybody is made up: 연습 is exercise, 모의 mock, 시험 test."""
SEAT_PHONES: Final = {seat: f"02-0000-{int(seat):04d}" for _, _, _, seat in _SEATS if seat}
"""Nobody has these."""
_CITY_SEATS: Final = {
    CITIES[0]: (("garam1", "심가명", "city_operator", "1"), ("garam2", "엄예비", "city_head", "")),
    CITIES[1]: (("narae1", "마훈련", "city_operator", "1"), ("narae2", "도모형", "city_head", "")),
}
_OFFICERS: Final = ("송예시", "허견본", "백표본", "홍가상", "유보기", "노시범")


def _accounts(wish: Wish, world: World) -> tuple[Login, ...]:
    """Operators, a supervisor, for each unit whoever carries its phone (`seat` is then its name), and the protected."""
    units = world.units()
    officers = [
        (f"officer{n}", name, "officer", unit.name)
        for n, (unit, name) in enumerate(zip(units, _OFFICERS, strict=False), 1)
    ]
    assert len(officers) == len(units), "a unit without an officer"
    protected = [(f"protected{n}", each.name, people.PROTECTED, "") for n, each in enumerate(world.protected(), 1)]
    return _put_accounts(wish, CONTROL, (*_SEATS, *officers, *protected))


def _put_accounts(wish: Wish, centre: CentreId, people: Sequence[tuple[str, str, str, str]]) -> tuple[Login, ...]:
    logins = tuple(
        Login(account=account, password=keys.passphrase(), name=name, role=role, seat=seat)
        for account, name, role, seat in people
    )
    store = open_store(wish.folder / centre, centre)
    try:
        for each in logins:
            store.put_account(
                Account(
                    person=PersonId(each.account),
                    login=each.account,
                    name=each.name,
                    role=each.role,
                    seat=each.seat,
                    argon2=keys.hash_password(each.password),
                )
            )
    finally:
        store.close()
    return logins


# --- every start ---------------------------------------------------------------------------------------------------


def renew(folder: Path) -> None:
    """Certificates of which less than half of the life is left are issued anew. Running programs see it by themselves."""
    authority = keys.make_ca(folder / "ca")
    for centre in (CONTROL, *CITIES, POLICE):
        keys.renew(authority, folder / centre, centre, [HOST, "localhost"])
    if (door := config.read(folder / CONTROL).phones) is not None:
        keys.renew_phones(phones_ca(folder), folder / CONTROL, door.host)


def phones_ca(folder: Path) -> keys.Authority:
    """Another authority than the centres': whoever trusts it on a telephone trusts it for private addresses alone."""
    return keys.make_ca(folder / "ca-phones", "safetynet phones CA", PRIVATE)


def _every_start(wish: Wish, deployment: Deployment, told: Told) -> None:
    told("인증서와 주소", "certificates and addresses")
    door = Phones(host=wish.field_host, web_port=wish.ports.phones, video_port=wish.ports.phones_windows)
    for each in _centres(wish.ports, deployment.cities):
        config.write(wish.folder / each.id, msgspec.structs.replace(each, phones=door) if each.id == CONTROL else each)
    renew(wish.folder)
    for city in CITIES:
        sources = {each.id: _source(wish.ports, each.id) for each in registry.read(wish.folder / city)}
        registry.write_sources(wish.folder / city, sources)
        turning = {
            each.id: f"http://{HOST}:{wish.ports.ptz}/onvif/{each.id}/ptz"
            for each in registry.read(wish.folder / city)
            if each.ptz
        }
        _secret(wish.folder / city / ptz.FILE, turning)
        _secret(wish.folder / city / recorder.FILE, {"url": f"http://{HOST}:{wish.ports.recorder}/recorder"})
    _for_control(wish, deployment)
    for city in CITIES:
        offered = {
            "accounts": deployment.city_logins[city],
            "stories": [],
            "panel_url": "",
            "centre_name": deployment.cities[city].name,
        }
        _secret(wish.folder / city / "demo.json", offered)
    _secret(wish.folder / "outages" / outages.FILE, _for_outages(wish))
    _secret(wish.folder / "world" / "world.json", _for_world(wish, deployment))


def field_url(wish: Wish) -> str:
    name = f"[{wish.field_host}]" if ":" in wish.field_host else wish.field_host
    return f"https://{name}:{wish.ports.phones}/field"


def _for_outages(wish: Wish) -> outages.Settings:
    ports = wish.ports
    ways = (
        way
        for index, city in enumerate(CITIES)
        for way in (
            outages.Way(city, ports.city_link_road(index), ports.city_link(index)),
            outages.Way(city, ports.city_video_road(index), ports.city_video(index)),
        )
    )
    return outages.Settings(ways=tuple(ways), pids=str((wish.folder / LOGS).resolve()))


def _source(ports: Ports, camera: CameraId) -> str:
    return f"rtsp://{HOST}:{ports.rtsp}/{camera}"


def _centres(ports: Ports, made: dict[CentreId, MadeCity]) -> tuple[Centre, ...]:
    def as_peer(centre: Centre) -> Peer:
        relay_port = centre.video_port if centre.role is Role.CITY else None
        return Peer(
            id=centre.id,
            name=centre.name,
            role=centre.role,
            host=HOST,
            link_port=centre.link_port,
            relay_port=relay_port,
            area=centre.area,
        )

    cities = tuple(
        Centre(
            id=city,
            name=made[city].name,
            role=Role.CITY,
            host=HOST,
            link_port=ports.city_link(index),
            web_port=ports.city_pages(index),
            video_port=ports.city_video(index),
            window_port=ports.city_windows(index),
            health_port=ports.city_health(index),
            relay_health_port=ports.city_video_health(index),
            window_health_port=ports.city_windows_health(index),
            area=made[city].area,
            demo=True,
        )
        for index, city in enumerate(CITIES)
    )
    police = Centre(id=POLICE, name=NAMES[POLICE], role=Role.POLICE, host=HOST, link_port=ports.police_link, demo=True)
    control = Centre(
        id=CONTROL,
        name=NAMES[CONTROL],
        role=Role.CONTROL,
        host=HOST,
        link_port=ports.control_link,
        web_port=ports.pages,
        video_port=ports.windows,
        health_port=ports.control_health,
        relay_health_port=ports.windows_health,
        seat_phones=SEAT_PHONES,
        peers=(*(_by_road(as_peer(each), index, ports) for index, each in enumerate(cities)), as_peer(police)),
        demo=True,
    )
    known = (as_peer(control),)
    return (control, *(msgspec.structs.replace(each, peers=known) for each in (*cities, police)))


def _by_road(city: Peer, index: int, ports: Ports) -> Peer:
    """As the control centre reaches it: by the road that a story may cut."""
    return msgspec.structs.replace(city, link_port=ports.city_link_road(index), relay_port=ports.city_video_road(index))


def _for_control(wish: Wish, deployment: Deployment) -> None:
    """The teams, and what the console of a demo offers: accounts and stories."""
    folder = wish.folder / CONTROL
    _secret(folder / "units.json", [_unit(each, deployment) for each in deployment.posts])
    _secret(folder / config.CARRIERS, carriers.of(deployment.devices))
    demo = {
        "accounts": deployment.logins,
        "stories": deployment.stories,
        "panel_url": f"http://{HOST}:{wish.ports.panel}",
        "phones_url": f"http://{HOST}:{wish.ports.panel}/phones",
    }
    _secret(folder / "demo.json", demo)


def _unit(unit: SimUnit, deployment: Deployment) -> dict[str, object]:
    """A row of the control centre's `units.json`."""
    officer = next(each for each in deployment.logins if each.seat == unit.name)
    return {
        "unit": unit.id,
        "name": unit.name,
        "kind": unit.kind,
        "person": officer.account,
        "device": unit_device(unit.id),
        "key_sha256": _sha256(deployment.units[unit.id]),
        "lat": unit.lat,
        "lon": unit.lon,
        "office": districts.OFFICES_OF_UNITS.get(unit.id),
    }


def unit_device(unit: UnitId) -> DeviceId:
    return DeviceId(f"phone-{unit}")


def _for_world(wish: Wish, deployment: Deployment) -> dict[str, object]:
    """`world.json`: everything the world program needs to be the same world and to speak as its devices."""
    pages = f"http://{HOST}:{wish.ports.pages}"
    return {
        "seed": wish.seed,
        "control_url": f"{pages}/device",
        "unit_url": f"{pages}/unit",
        "panel_port": wish.ports.panel,
        "rtsp_port": wish.ports.rtsp,
        "ptz_port": wish.ports.ptz,
        "recorder_port": wish.ports.recorder,
        "console_origins": [pages],
        "phones": {
            "open_url": field_url(wish),
            "host": wish.field_host,
            "stand_port": wish.ports.stand,
            "ca": (wish.folder / "ca-phones" / "ca.pem").read_text(encoding="ascii"),
        },
        "devices": deployment.devices,
        "units": {unit: {"device": unit_device(unit), "key": key} for unit, key in deployment.units.items()},
        "registry": str((wish.folder / IMPORTED).resolve()) if wish.data is not None else None,
        "data": None if wish.data is None else str(wish.data.resolve()),
        "outages": str((wish.folder / "outages" / outages.DOOR).resolve()),
    }


def _secret(path: Path, content: object) -> None:
    """0600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)

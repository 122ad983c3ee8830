"""The same zones and fixes asked of PostGIS and Redis, each alone on a core: fixes per second of their own processor time.

PostGIS answers in batches, with its best plan (the wearer's own zones by an equal join, the shared ones by GiST), two questions:
`touches`, which zones the circle of each fix touches, and nothing else; and `everything`, as far as SQL can be asked what the
rules answer: the fixes brought into metres, the zones that circle or way since the last fix touches, how far apart the pairs
are, and the last positions kept. It knows no beliefs, no curfews, no episodes. Redis knows points only: it answers which
zones' middles are near, which is what one would still have to judge.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import crowd
import numpy as np
import postgis

from safetynet.core.orders import Circle

PIPELINE = 100
ASKED_S_MIN = 0.2
"""Processor time is counted in hundredths of a second: a question is asked again until it has cost so much."""
READY_S = 30.0


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- PostGIS -----------------------------------------------------------------------------------------------------------

_SCHEMA = """
create extension postgis;
create unlogged table own (owner int, area geometry(Geometry, 5179), r float8);
create unlogged table shared (area geometry(Geometry, 5179));
create unlogged table raw (owner int, r float8, area text);
create unlogged table fix (owner int, acc float8, bound bool, place geometry(Point, 5179));
create unlogged table said (owner int, acc float8, lat float8, lon float8, person bool);
create unlogged table last (owner int primary key, place geometry(Point, 5179));
create unlogged table person (owner int primary key, place geometry(Point, 5179));
"""
_FIXES = """
truncate said, fix;
\\copy said from '{file}'
analyze said;
"""
_METRES = """
truncate fix;
insert into fix select owner, acc, owner % 2 = 1, st_transform(st_setsrid(st_makepoint(lon, lat), 4326), 5179) from said where not person;
analyze fix;
"""
_KEEP = """
insert into last select distinct on (owner) owner, place from fix on conflict (owner) do update set place = excluded.place;
insert into person select distinct on (owner) owner, st_transform(st_setsrid(st_makepoint(lon, lat), 4326), 5179)
from said where person on conflict (owner) do update set place = excluded.place;
"""
_WAYS = """
select count(*) from fix f join last l using (owner) join own z using (owner)
where st_dwithin(z.area, st_makeline(l.place, f.place), z.r + f.acc)
union all
select count(*) from fix f join last l using (owner) join shared z on st_dwithin(z.area, st_makeline(l.place, f.place), f.acc) where f.bound
union all
select count(*) from fix f join person p using (owner) where st_distance(f.place, p.place) < 2000;
"""
_ASK = """
select count(*) from fix f join own z on z.owner = f.owner and st_dwithin(z.area, f.place, z.r + f.acc)
union all
select count(*) from fix f join shared z on st_dwithin(z.area, f.place, f.acc) where f.bound;
"""


class Psql:
    """A session of psql over a pipe."""

    def __init__(self, address: str) -> None:
        self._it = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.say("set max_parallel_workers_per_gather = 0; set jit = off; set work_mem = '256MB';")
        self.pid = int(self.say("select pg_backend_pid();")[0])

    def say(self, text: str) -> list[str]:
        self._it.stdin.write(f"{text}\n\\echo done\n")
        self._it.stdin.flush()
        lines = []
        while (line := self._it.stdout.readline().rstrip("\n")) != "done":
            if not line and self._it.poll() is not None:
                raise ChildProcessError("psql ended")
            lines.append(line)
        return lines

    def close(self) -> None:
        self._it.stdin.close()
        self._it.wait()


def ask_postgis(made: crowd.Crowd, batches: list[np.ndarray], port: int) -> dict | None:
    """fixes_per_cpu_s and how many pairs of fix and zone touched in the first batch; None without the packages."""
    with tempfile.TemporaryDirectory(prefix="bench-rules-") as parent:
        Path(parent).chmod(0o755)
        with postgis.running(port, Path(parent)) as address:
            if address is None:
                return None
            session = Psql(address)
            try:
                return _asked(session, made, batches, Path(parent))
            finally:
                session.close()


def _asked(session: Psql, made: crowd.Crowd, batches: list[np.ndarray], folder: Path) -> dict:
    session.say(_SCHEMA)
    common = {each.id for each in made.shared}
    with (folder / "zones").open("w") as file:
        file.writelines(f"-1\t0\t{_wkt(each.area)}\n" for each in made.shared)
        for n, order in enumerate(made.orders.values()):
            for each in order.zones:
                if each.id not in common:
                    radius = each.area.radius_m if isinstance(each.area, Circle) else 0.0
                    file.write(f"{n}\t{radius}\t{_wkt(each.area)}\n")
    session.say(f"\\copy raw from '{folder}/zones'")
    area = "st_transform(st_setsrid(st_geomfromtext(area), 4326), 5179)"
    session.say(f"insert into own select owner, {area}, r from raw where owner >= 0;")
    session.say(f"insert into shared select {area} from raw where owner < 0;")
    session.say("create index on shared using gist (area); analyze own; analyze shared;")
    touches, everything, found = [], [], []
    for n, batch in enumerate(batches):
        protected = batch["protected"] == 1
        owner = np.where(protected, made.persons[np.where(protected, batch["row"], 0)], batch["row"])
        np.savetxt(
            folder / "fixes",
            np.column_stack((owner, batch["accuracy_m"], batch["lat"], batch["lon"], protected)),
            fmt=("%d", "%.3f", "%.9f", "%.9f", "%d"),
            delimiter="\t",
        )
        session.say(_FIXES.format(file=folder / "fixes"))
        session.say(_METRES)
        if n == 0:
            session.say(_KEEP + "analyze last; analyze person;")
            continue
        fixes = int((~protected).sum())
        rate, answer = _repeated(session, _ASK, fixes)
        touches.append(rate)
        found.append(answer)
        everything.append(_repeated(session, _METRES + _WAYS + _KEEP, len(batch))[0])
    return {
        "touches_per_cpu_s": max(touches),
        "everything_per_cpu_s": max(everything),
        "touched": found[0],
        "fixes": fixes,
    }


def _repeated(session: Psql, question: str, fixes: int) -> tuple[float, int]:
    """Fixes per second of processor time, and what was found."""
    before, asked, found = cpu_s(session.pid), 0, 0
    while (spent := cpu_s(session.pid) - before) < ASKED_S_MIN:
        found = sum(int(each) for each in session.say(question) if each)
        asked += fixes
    return asked / spent, found


def _wkt(area) -> str:
    if isinstance(area, Circle):
        return f"POINT({area.lon:.9f} {area.lat:.9f})"
    corners = [*area.corners, area.corners[0]]
    return "POLYGON((" + ",".join(f"{lon:.9f} {lat:.9f}" for lat, lon in corners) + "))"


# --- Redis -------------------------------------------------------------------------------------------------------------


def ask_redis(made: crowd.Crowd, fixes: np.ndarray) -> dict | None:
    """As above; None without the package."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder:
        server = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", "s", "--save", "", "--appendonly", "no"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        try:
            with contextlib.closing(_reached(Path(folder) / "s", server)) as line:
                return _searched(line, server.pid, made, fixes)
        finally:
            server.terminate()
            server.wait()


def _reached(path: Path, server: subprocess.Popen) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + READY_S
    while True:
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until or server.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return line


def _command(*words: object) -> bytes:
    parts = [str(each).encode() for each in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in parts)


def _say(line: socket.socket, commands: list[bytes]) -> int:
    """Many at a time; how many elements came back."""
    found = 0
    buffer = line.makefile("rb")
    for n in range(0, len(commands), PIPELINE):
        some = commands[n : n + PIPELINE]
        line.sendall(b"".join(some))
        for _ in some:
            head = buffer.readline()
            assert head[:1] in b":*", head
            if head[:1] == b"*":
                found += int(head[1:])
                for _ in range(int(head[1:])):
                    buffer.read(int(buffer.readline()[1:]) + 2)
    return found


def _searched(line: socket.socket, pid: int, made: crowd.Crowd, fixes: np.ndarray) -> dict:
    common = {each.id for each in made.shared}
    _say(line, [_command("GEOADD", "shared", *_middle(each.area), each.id) for each in made.shared])
    _say(
        line,
        [
            _command("GEOADD", wearer, *_middle(each.area), each.id)
            for wearer, order in made.orders.items()
            for each in order.zones
            if each.id not in common
        ],
    )
    own = fixes[fixes["protected"] == 0]
    asked = []
    for each in own:
        at = ("FROMLONLAT", f"{each['lon']:.7f}", f"{each['lat']:.7f}", "BYRADIUS")
        asked.append(_command("GEOSEARCH", f"w{each['row']}", *at, f"{300 + each['accuracy_m']:.1f}", "m"))
        if each["row"] % 2:
            asked.append(_command("GEOSEARCH", "shared", *at, f"{200 + each['accuracy_m']:.1f}", "m"))
    before, fixes_asked, found = cpu_s(pid), 0, 0
    while (spent := cpu_s(pid) - before) < ASKED_S_MIN:
        found = _say(line, asked)
        fixes_asked += len(own)
    return {"fixes_per_cpu_s": fixes_asked / spent, "found": found}


def _middle(area) -> tuple[float, float]:
    if isinstance(area, Circle):
        return area.lon, area.lat
    lats, lons = zip(*area.corners, strict=True)
    return sum(lons) / len(lons), sum(lats) / len(lats)

"""Reading lists of others: rows a second, peak memory and what was found wrong, for each real list and a made one.

The made list has the layout of the country's (18 columns, CP949), 1,000,000 rows at 400,000 poles, and each error of
the real ones in about their share. Every list goes through `safetynet import cameras` in a process of its own, then
once more with a tenth of its rows changed, as the next edition comes. The peer is the least anybody must do: a
`csv.DictReader` that decodes every row and keeps none.

    make bench NAME=import          real lists: SAFETYNET_DATA or DATA, else ../shared/data
"""

import argparse
import csv
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
HEADER = (
    "개방자치단체코드", "관리번호", "관리기관명", "소재지도로명주소", "소재지지번주소", "설치목적구분", "카메라대수", "카메라화소수",
    "촬영방면정보", "보관일수", "설치연월", "관리기관전화번호", "WGS84위도", "WGS84경도", "데이터기준일자", "데이터갱신구분",
    "데이터갱신시점", "최종수정시점",
)  # fmt: skip
ROWS = 1_000_000
PIECE_CHARS = 4 * 1024 * 1024
ADDRESS_CHARS_MAX = 17
POLES = 400_000
OWNERS = 250
REAL = ("daejeon_2026_std_cp949.csv", "gangnam_2019_std_cp949.csv", "seoul_ansimi_gangnam_cp949.csv")
INTERNAL = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
PEER = (
    "import csv,sys,time\nbefore=time.perf_counter()\n"
    "rows=sum(1 for _ in csv.DictReader(open(sys.argv[1],encoding='cp949',newline='')))\n"
    "print(rows,time.perf_counter()-before)"
)


def data_folder() -> Path | None:
    said = os.environ.get("SAFETYNET_DATA") or os.environ.get("DATA")
    folder = Path(said) if said else ROOT.parent / "shared" / "data"
    return folder / "cctv" if (folder / "cctv").is_dir() else None


def dms(degrees: float) -> float:
    """36.3111 as somebody writes 36°18'40\": 36.1840."""
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    seconds = (degrees - whole - minutes / 60) * 3600
    return whole + minutes / 100 + seconds / 10_000


def spoilt(dice: random.Random, lat: float, lon: float) -> tuple[str, str]:
    """A place with one of the errors of real lists, 4 % of all rows."""
    kind = dice.randrange(1000)
    if kind < 10:
        return "36.1", "127.1"
    if kind < 15:
        return "0", "0"
    if kind < 20:
        return f"{lon:.6f}", f"{lat:.6f}"
    if kind < 30:
        return f"{dms(lat):.6f}", f"{dms(lon):.6f}"
    if kind < 33:
        return "", ""
    if kind < 36:
        return "32.212", f"{lon:.6f}"
    if kind < 38:
        return "34.9", "131.2"
    if kind < 40:
        return f"{lat + 0.9:.6f}", f"{lon:.6f}"
    return f"{lat:.6f}", f"{lon:.6f}"


def make(path: Path, rows: int, *, edition: int) -> None:
    """Always the same list for one edition. The second moves, alters, adds and takes away a tenth."""
    dice = random.Random(7)
    middles = [(35.0 + 2.6 * dice.random(), 126.8 + 2.0 * dice.random()) for _ in range(OWNERS)]
    per_owner = max(POLES * rows // ROWS // OWNERS, 1)
    spread = np.random.default_rng(7).normal(0, 0.03, (OWNERS, per_owner, 2)).tolist()
    purposes = ("생활방범", "어린이보호", "교통단속", "시설물관리", "쓰레기단속")
    with path.open("w", encoding="cp949", newline="") as file:
        write = csv.writer(file).writerow
        write(HEADER)
        for n in range(rows):
            owner = dice.randrange(OWNERS)
            pole = dice.randrange(per_owner)
            north, east = spread[owner][pole]
            lat, lon = middles[owner][0] + north, middles[owner][1] + east
            said = spoilt(dice, lat, lon)
            leak = f" (172.31.{n % 256}.{n // 256 % 256})" if n % 10 == 0 else ""
            address = f"가람도 별빛{owner}시 은하로{pole % 97}길 {pole}(별빛동, 은하수){leak}"
            view = ("360도 전방면", "주택 앞 삼거리", "북동방향", f"은하수 {pole}호 앞")[n % 4]
            changed = dice.randrange(10) == 0 and edition == 2
            if changed and n % 3 == 0:
                continue
            count = 2 if changed and n % 3 == 1 else 1
            purpose = purposes[1] if changed and n % 3 == 2 else purposes[n % 5]
            number = f"2026{3_000_000 + owner}{n:09d}"
            write(
                (3_000_000 + owner, number, f"가람도 별빛{owner}시청", address, "", purpose, count, 200, view, 30,
                 "202005", "02-000-0000", *said, "2026-05-20", "", "2026-05-24 22:28:20", "2026-05-23 08:28:42")
            )  # fmt: skip


def measured(command: list[str]) -> tuple[str, float, float, float]:
    """Standard output, seconds, seconds of processor time and peak megabytes of a process."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stderr is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    return said, took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def internal_ips(folder: Path, said: str) -> int:
    """Addresses of private nets in anything that the import has written or said, by a rule of its own."""
    found = 0
    for text in chain([said], chain.from_iterable(map(pieces, filter(Path.is_file, folder.rglob("*"))))):
        for each in INTERNAL.findall(text):
            parts = [int(part) for part in each.split(".")]
            if max(parts) <= 255 and ipaddress.IPv4Address(bytes(parts)).is_private:
                found += 1
    return found


def pieces(path: Path) -> Iterator[str]:
    """A file in pieces that each begin with the end of the one before. Never whole: what this process has held counts as
    held by the next one it starts (`ru_maxrss` outlives an exec).
    """
    with path.open(encoding="utf-8", errors="ignore") as file:
        end = ""
        while piece := file.read(PIECE_CHARS):
            yield end + piece
            end = piece[-ADDRESS_CHARS_MAX:]


def imported(file: Path, folder: Path) -> dict[str, object]:
    command = [
        sys.executable,
        "-m",
        "safetynet",
        "import",
        "cameras",
        str(file),
        "--city",
        "garam",
        "--dir",
        str(folder),
    ]
    said, took, cpu_s, peak_mb = measured(command)
    figures = json.loads(said.splitlines()[-1])
    return {
        "list": file.name,
        "rows": figures["rows"],
        "seconds": round(took, 1),
        "cpu_seconds": round(cpu_s, 1),
        "rows_per_s": round(figures["rows"] / took),
        "peak_mb": round(peak_mb),
        "cameras": figures["cameras"],
        "problems": figures["skipped"],
        "quarantined": figures["quarantined"],
        "proposals": figures["proposals"],
        "diff": figures["diff"],
        "texts_redacted": figures["texts_redacted"],
        "internal_ips_left": internal_ips(folder, said),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    found: list[dict[str, object]] = []
    folder = data_folder()
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        for name in REAL if folder else ():
            assert folder is not None
            found.append(imported(folder / name, here / name))
            print(json.dumps(found[-1], ensure_ascii=False), flush=True)
        made = here / "made.csv"
        for edition in (1, 2):
            make(made, rows, edition=edition)
            peer_rows, peer_s = measured([sys.executable, "-c", PEER, str(made)])[0].split()
            found.append(imported(made, here / "made") | {"edition": edition})
            found[-1]["peer_rows_per_s"] = round(int(peer_rows) / float(peer_s))
            print(json.dumps(found[-1], ensure_ascii=False), flush=True)
    whole = found[-2]
    peer = whole["peer_rows_per_s"]
    assert isinstance(peer, int)
    assert isinstance(whole["rows_per_s"], int)
    print(
        json.dumps(
            {
                "bench": "import",
                "rows": whole["rows"],
                "seconds": whole["seconds"],
                "cpu_seconds": whole["cpu_seconds"],
                "rows_per_s": whole["rows_per_s"],
                "peak_mb": max(int(str(each["peak_mb"])) for each in found),
                "quarantined": {str(each["list"]): each["quarantined"] for each in found[:-1]},
                "repairs_proposed": {
                    str(each["list"]): sum(dict(each["proposals"]).values())
                    for each in found[:-1]  # type: ignore[call-overload]
                },
                "internal_ips_left": sum(int(str(each["internal_ips_left"])) for each in found),
                "real_lists": bool(folder),
                "second_edition_seconds": found[-1]["seconds"],
                "peer": "csv.DictReader, decoding only",
                "peer_rows_per_s": peer,
                "peer_over_import": round(peer / whole["rows_per_s"], 2),
                "lists": found,
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()

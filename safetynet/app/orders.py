"""`safetynet import orders|zones|holidays FILE --dir D`: what courts and offices write, made drafts at a running control centre.

Orders and shared zones go in through the administrators' own door (`batches`), with the person's account and password:
what comes of a list is drafts, all in one commit, and each waits for a second person on `/admin`. Before anything is
sent the file is read and judged here; what cannot be meant waits in a quarantine file with its reason, and then nothing
goes in at all unless `--partly` says so. `--dry-run` asks the centre what would change and changes nothing.

The table of public holidays is a file of the centre's folder, and counts for every draft made after it.
"""

import argparse
import csv
import getpass
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.edge import calendars, config, files, holidays, orderfiles, zonefiles
from safetynet.edge.caller import Caller, RefusedError
from safetynet.edge.codec import NONSENSE

KINDS: Final = ("orders", "zones", "holidays")
SHOWN_MAX: Final = 40
"""Lines of a table; the figures say how many there are."""
QUARANTINE: Final = "quarantine.csv"

SAID: Final[dict[str, str]] = {
    "abroad": "국외 좌표 · a coordinate outside Korea",
    "radius": "반지름은 1 m–50 km · radius is not 1 m to 50 km",
    "corners": "꼭짓점 수 · number of corners",
    "too_large": "50 km 넘음 · larger than 50 km",
    "crosses": "선이 엇갈림 · an outline crosses itself or another",
    "name": "이름 없음 · no name",
    "days": "요일 · days of the week",
    "minutes": "시각 · time of day",
    "dates": "날짜 목록 · list of dates",
    "weeks": "몇 주마다 · number of weeks",
    "clock": "모르는 시간대 · unknown time zone",
    "holidays": "공휴일 규칙 없음 · names holidays without a rule for them",
    "no_holidays": "공휴일 표 없음 · the centre has no table of public holidays",
    "rows": "시간 없음 · no hours",
    "absence": "끝이 앞섬 · ends before it begins",
    "distance": "거리는 50–500 m · distance is not 50 to 500 m",
    "limit": "농도 기준 · limit out of range",
    "too_many": "너무 많음 · too many",
    "too_long": "너무 긺 · too long",
    "twice": "두 번 있음 · listed twice",
    "ends_first": "끝이 시작보다 앞섬 · ends before it starts",
    "unclear": "읽을 수 없음 · cannot be read",
    "nobody": "누구인지 없음 · names no wearer",
    "instant": "시각에 시간대가 없음 · an instant without its offset",
    "unknown_wearer": "등록되지 않은 사람 · not in the register",
    "two_wearers": "사건번호가 두 사람 · two wearers have this case number",
    "draft_waits": "다른 초안이 기다림 · another draft waits",
    "not_there": "감독이 끝난 사람 · discharged",
    "malformed": "형식 · malformed",
    "overtaken": "그사이 바뀜 · changed meanwhile",
    "no_zones": "시행 중이 아닌 공유 구역 · a shared set that is not in force",
    "no_area": "넓이 없음 · no area",
    "torn": "깨짐 · broken",
    "no_name": "이름 없음 · no name",
    "too_many_corners": "꼭짓점 500개 넘음 · more than 500 corners",
    "not_a_date": "날짜가 아님 · no date",
    "out_of_range": "2000–2099년 밖 · not of 2000 to 2099",
    "no_times": "시작이나 끝 없음 · no beginning or end",
    "not_a_minute": "분 단위가 아님 · not whole minutes",
    "zone_unknown": "모르는 시간대 · unknown time zone",
    "zones_differ": "시간대가 서로 다름 · several time zones",
    "never_ends": "끝없는 규칙 · a rule that is not weekly and never ends",
    "too_fine": "하루에 여러 번 · recurs within a day",
    "too_many_dates": "날짜가 너무 많음 · too many dates",
    "outdated_rule": "옛 형식의 규칙 · an outdated form of rule",
    "too_many_rows": "시간이 너무 많음 · too many rows",
    "empty": "남는 날 없음 · no day is left",
}
CHANGES: Final[dict[str, str]] = {
    "class": "감독 유형 · footing",
    "starts": "시작 · begins",
    "ends": "끝 · ends",
    "zone_added": "출입금지구역 더함 · exclusion zone added",
    "zone_removed": "출입금지구역 뺌 · exclusion zone removed",
    "zone_renamed": "출입금지구역 이름 · exclusion zone renamed",
    "zone_redrawn": "출입금지구역 다시 그림 · exclusion zone redrawn",
    "curfew_added": "외출제한 더함 · curfew added",
    "curfew_removed": "외출제한 뺌 · curfew removed",
    "curfew_renamed": "외출제한 이름 · curfew renamed",
    "curfew_hours": "외출제한 시간 · curfew hours",
    "curfew_home": "외출제한 장소 · curfew home",
    "curfew_kind": "외출제한 종류 · kind of curfew",
    "on_holidays": "공휴일에 · on public holidays",
    "clock": "시간대 · time zone",
    "inclusion_added": "지켜야 할 곳 더함 · area to keep added",
    "inclusion_removed": "지켜야 할 곳 뺌 · area to keep removed",
    "inclusion_renamed": "지켜야 할 곳 이름 · area to keep renamed",
    "inclusion_redrawn": "지켜야 할 곳 다시 그림 · area to keep redrawn",
    "inclusion_hours": "지켜야 할 시간 · hours to be there",
    "inclusion_kind": "지켜야 할 까닭 · why to be there",
    "absence_added": "허가 더함 · permit added",
    "absence_moved": "허가 시간 · permit moved",
    "absence_said": "허가 내용 · permit particulars",
    "absence_removed": "허가 뺌 · permit removed",
    "protected_added": "보호대상자 더함 · protected person added",
    "protected_removed": "보호대상자 뺌 · protected person removed",
    "protected_distance": "접근금지 거리 · distance",
    "protected_device": "보호대상자 장치 · device of protected person",
    "shared_added": "공유 구역 더함 · shared set added",
    "shared_removed": "공유 구역 뺌 · shared set removed",
    "sobriety_added": "음주·약물 금지 더함 · sobriety added",
    "sobriety_limit": "음주 기준 · limit of alcohol",
    "sobriety_removed": "음주·약물 금지 뺌 · sobriety removed",
    "duties": "장치 의무 · duties of the device",
    "holidays": "공휴일 표 · public holidays",
}
_REFUSED: Final[dict[str, str]] = {
    "not_signed_in": "계정이나 비밀번호가 다름 · wrong account or password",
    "locked": "잠시 잠김, 나중에 다시 · locked for a while, try later",
    "not_yours": "관리자만 할 수 있음 · only an administrator may",
    "too_many": "한 번에 1000건까지 · 1000 at once at most",
    "draft_waits": "다른 초안이 기다림 · another draft waits",
    "unreachable": "관제센터가 꺼져 있음 · the centre is not running",
    "no_reason": "사유를 4–500자로 --why · give --why, 4 to 500 characters",
}


class CannotImportError(Exception):
    """Nothing was written. The text says why."""


class _Quarantined(NamedTuple):
    row: int
    who: str
    part: str
    word: str


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet import", description="Read orders, shared zones and holidays.")
    what = parser.add_subparsers(dest="what", required=True)
    said = what.add_parser("orders", help="JSON, or iCalendar for one curfew of one wearer")
    said.add_argument("--case", metavar="NUMBER", help="of an iCalendar file: whose curfew it is")
    said.add_argument(
        "--curfew", metavar="ID", help="of an iCalendar file: which of the wearer's curfews gets its hours"
    )
    said.add_argument("--partly", action="store_true", help="take the orders that are right though others are not")
    zones = what.add_parser("zones", help="GeoJSON of a shared set of forbidden places, the whole of it")
    zones.add_argument("--set", required=True, metavar="ID", help="such as schools: a-z, 0-9 and hyphens")
    zones.add_argument("--name", metavar="TEXT", help="as people call it (default: the id)")
    zones.add_argument("--partly", action="store_true", help="take the zones that are right though others are not")
    table = what.add_parser("holidays", help="CSV: date,name[,name_en]")
    for each in (said, zones):
        each.add_argument("--account", metavar="NAME", help="of an administrator; the password is asked for")
        each.add_argument("--why", default="", metavar="TEXT", help="the reason, as on /admin")
    for each in (said, zones, table):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument("--dir", type=Path, default=Path("data/control"), metavar="D", help="the centre's folder")
        each.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        each.add_argument("--report", type=Path, metavar="FOLDER", help=f"for {QUARANTINE} (beside FILE)")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    """Exit 0 and one JSON object as the last line; 1 with the reason when nothing was written that should have been."""
    said = _arguments(given)
    try:
        match said.what:
            case "orders":
                figures = _import_orders(said)
            case "zones":
                figures = _import_zones(said)
            case _:
                figures = _import_holidays(said)
    except RefusedError as refused:
        print(f"{said.file}: {_REFUSED.get(refused.reason, refused.reason)}", file=sys.stderr)
        return 1
    except (OSError, CannotImportError, orderfiles.UnreadableError, zonefiles.UnreadableError, calendars.UnreadableError, holidays.UnreadableError, *NONSENSE) as unusable:  # fmt: skip
        print(f"{said.file}: {unusable}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(figures).decode())
    return 0 if said.dry_run or figures["written"] or not figures.get("quarantined") else 1


def _with_bar(name: str, work: Callable[[Callable[[float], None]], Any]) -> Any:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        return work(lambda share: bar.update(task, completed=share))


def _caller(said: argparse.Namespace) -> Caller:
    centre = config.read(said.dir)
    if not said.account:
        raise CannotImportError("--account: whose drafts are these")
    password = getpass.getpass("") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return Caller(centre.host, centre.web_port or 0, said.account, password)


def _set_aside(said: argparse.Namespace, left_out: Sequence[_Quarantined]) -> None:
    """With its mark, as spreadsheets want it. An earlier file of this name would speak of another list: it goes."""
    path = (said.report or said.file.resolve().parent) / QUARANTINE
    if not left_out:
        path.unlink(missing_ok=True)
        return
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("row", "who", "part", "problem", "said"))
    writer.writerows(
        (each.row, _cell(each.who), each.part, each.word, SAID.get(each.word, each.word)) for each in left_out
    )
    files.write(path, b"\xef\xbb\xbf" + out.getvalue().encode())
    print(f"{len(left_out)} → {path}", file=sys.stderr)


def _cell(text: str) -> str:
    """A spreadsheet takes a text that begins like a formula for one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _counted(left_out: Iterable[_Quarantined]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in left_out:
        found[each.word] = found.get(each.word, 0) + 1
    return dict(sorted(found.items()))


# --- orders --------------------------------------------------------------------------------------------------------


def _import_orders(said: argparse.Namespace) -> dict[str, object]:
    data = said.file.read_bytes()
    caller = _caller(said)
    try:
        if said.file.suffix.casefold() == ".ics":
            rows, left_out = _of_calendar(said, caller, data)
        else:
            taken: orderfiles.Taken = _with_bar(said.file.name, lambda tell: orderfiles.read(data, tell))
            rows = [_row(each) for each in taken.rows]
            left_out = [_Quarantined(*each) for each in taken.left_out]
        trial = _ask_orders(caller, rows, said.why, do=False)
        left_out += [_refused_row(each) for each in trial["rows"] if each["no"]]
        left_out.sort()
        changed = [each for each in trial["rows"] if not each["no"] and not each["same"]]
        same = sum(bool(each["same"]) for each in trial["rows"])
        _show_orders(changed, same, left_out, dry=said.dry_run)
        _set_aside(said, left_out)
        written = 0
        if changed and not said.dry_run and (said.partly or not left_out):
            right = {each["row"] for each in changed}
            answer = _ask_orders(caller, [each for each in rows if each["row"] in right], said.why, do=True)
            if answer["no"]:
                raise RefusedError(str(answer["no"]))
            written = int(answer["written"])
    finally:
        caller.leave()
    return {
        "rows": len(rows) + len([each for each in left_out if each.row not in {one["row"] for one in rows}]),
        "changed": len(changed),
        "unchanged": same,
        "quarantined": len(left_out),
        "problems": _counted(left_out),
        "written": written,
    }


def _row(each: orderfiles.Row) -> dict[str, Any]:
    order = {key: value for key, value in msgspec.to_builtins(each.order).items() if key not in ("wearer", "version")}
    return {"row": each.row, "wearer": each.wearer, "case_no": each.case_no, "order": order}


def _ask_orders(caller: Caller, rows: list[dict[str, Any]], why: str, *, do: bool) -> dict[str, Any]:
    return cast("dict[str, Any]", caller.ask("/admin/orders", {"rows": rows, "why": why, "do": do}))


def _refused_row(each: dict[str, Any]) -> _Quarantined:
    return _Quarantined(each["row"], each["case_no"] or each["wearer"] or "", each["part"], each["word"] or each["no"])


def _of_calendar(said: argparse.Namespace, caller: Caller, data: bytes) -> tuple[list[dict[str, Any]], list[_Quarantined]]:  # fmt: skip
    """The hours of a calendar in place of those of one curfew; everything else of the order stays as it is."""
    if not said.case:
        raise CannotImportError("--case: whose curfew is this")
    taken = calendars.read(data)
    left_out = [_Quarantined(n, each.summary, "", each.problem.value) for n, each in enumerate(taken.left_out, start=1)]
    mine = [each for each in caller.ask("/admin/look", {})["wearers"] if each["case_no"] == said.case]
    if len(mine) != 1:
        raise CannotImportError("unknown case number" if not mine else "two wearers have this case number")
    versions = caller.ask("/admin/order", {"wearer": mine[0]["wearer"]})["versions"]
    if not versions:
        raise CannotImportError("no order holds yet: a calendar says hours, not where")
    order = {key: value for key, value in versions[0]["order"].items() if key not in ("wearer", "version")}
    known = [each["id"] for each in order["curfews"]]
    found = [each for each in taken.timetables if not said.curfew or each.curfew in ("", said.curfew)]
    for each in found:
        id = said.curfew or each.curfew or (known[0] if len(known) == 1 else "")
        if id not in known:
            raise CannotImportError(f"--curfew: one of {', '.join(known) or 'none'}")
        hours = {"rows": msgspec.to_builtins(each.rows), "zone": each.zone, "on_holidays": each.on_holidays.value}
        order["curfews"] = [one | hours if one["id"] == id else one for one in order["curfews"]]
    if not found:
        raise CannotImportError("no timetable in it")
    return [{"row": 0, "wearer": mine[0]["wearer"], "case_no": "", "order": order}], left_out


def _show_orders(changed: Sequence[dict[str, Any]], same: int, left_out: Sequence[_Quarantined], *, dry: bool) -> None:
    table = Table(title="바뀔 것 · what would change" if dry else "바뀌는 것 · what changes")
    for name in ("사건번호 · case", "이름 · name", "판 · version", "무엇이 · what"):
        table.add_column(name)
    for each in changed[:SHOWN_MAX]:
        lines = [_line(one) for one in each["differences"]]
        table.add_row(str(each["case_no"]), str(each["name"]), str(each["version"]), "\n".join(lines))
    if len(changed) > SHOWN_MAX:
        table.add_row("…", "", "", f"+{len(changed) - SHOWN_MAX}")
    table.add_section()
    table.add_row("", "", "", f"바뀌지 않음 · unchanged: {same}")
    for word, count in _counted(left_out).items():
        table.add_row("", "", "", f"격리 · quarantined: {SAID.get(word, word)} × {count}")
    Console().print(table)


def _line(one: dict[str, Any]) -> str:
    name = f" {one['name']}" if one["name"] else ""
    return f"{CHANGES.get(one['what'], one['what'])}{name}"


# --- shared zones --------------------------------------------------------------------------------------------------


def _import_zones(said: argparse.Namespace) -> dict[str, object]:
    data = said.file.read_bytes()
    taken: zonefiles.Taken = _with_bar(said.file.name, lambda tell: zonefiles.read(data, tell))
    left_out = [_Quarantined(each.row, each.name, "", each.problem.value) for each in taken.left_out]
    _set_aside(said, left_out)
    if not taken.zones:
        raise CannotImportError("not one zone could be read")
    caller = _caller(said)
    do = not said.dry_run and (said.partly or not left_out)
    try:
        wish = {"set": said.set, "name": said.name or said.set, "zones": taken.zones, "why": said.why, "do": do}
        answer = cast("dict[str, Any]", caller.ask("/admin/zones", wish))
    finally:
        caller.leave()
    same = answer["no"] == "unchanged"
    if answer["no"] and not same:
        raise RefusedError(str(answer["no"]))
    _show_zones(said, answer, left_out)
    return {
        "set": answer["set"],
        "edition": answer["edition"],
        "zones": answer["count"],
        "wearers": answer["wearers"],
        **{each: answer[each]["count"] for each in ("added", "removed", "redrawn", "renamed")},
        "unchanged": same,
        "quarantined": len(left_out),
        "problems": _counted(left_out),
        "written": bool(answer["written"]),
    }


def _show_zones(said: argparse.Namespace, answer: dict[str, Any], left_out: Sequence[_Quarantined]) -> None:
    title = f"{said.name or said.set}: 제{answer['edition']}판 · edition {answer['edition']}, {answer['count']}"
    table = Table(title=title)
    for name in ("무엇이 · what", "수 · count", "예 · such as"):
        table.add_column(name)
    for what, words in (("added", "더함 · added"), ("removed", "뺌 · removed"), ("redrawn", "다시 그림 · redrawn"), ("renamed", "이름 바뀜 · renamed")):  # fmt: skip
        table.add_row(words, str(answer[what]["count"]), ", ".join(answer[what]["names"][:3]))
    table.add_section()
    table.add_row("이 구역이 걸린 사람 · orders that name it", str(answer["wearers"]), "")
    for word, count in _counted(left_out).items():
        table.add_row(f"격리 · quarantined: {SAID.get(word, word)}", str(count), "")
    Console().print(table)


# --- holidays ------------------------------------------------------------------------------------------------------


def _import_holidays(said: argparse.Namespace) -> dict[str, object]:
    taken = holidays.parse(said.file.read_bytes())
    config.read(said.dir)  # a folder of a centre, not just any
    left_out = [_Quarantined(each.row, each.text, "", each.problem.value) for each in taken.left_out]
    _set_aside(said, left_out)
    before = {each.day: each for each in holidays.read(said.dir)}
    after = {each.day: each for each in taken.holidays}
    added = [each for day, each in after.items() if day not in before]
    removed = [each for day, each in before.items() if day not in after]
    table = Table(title="공휴일 · public holidays")
    for name in ("", "날짜 · date", "이름 · name"):
        table.add_column(name)
    for mark, each in [("+", one) for one in added][:SHOWN_MAX] + [("−", one) for one in removed][:SHOWN_MAX]:
        table.add_row(mark, each.day.isoformat(), f"{each.name} {each.name_en}".strip())
    table.add_section()
    table.add_row("", "", f"바뀌지 않음 · unchanged: {len(after) - len(added)}")
    for word, count in _counted(left_out).items():
        table.add_row("", "", f"격리 · quarantined: {SAID.get(word, word)} × {count}")
    Console().print(table)
    written = not said.dry_run and not left_out and before != after and bool(after)
    if written:
        holidays.write(said.dir, taken.holidays)
    figures: dict[str, object] = {
        "days": len(after),
        "added": len(added),
        "removed": len(removed),
        "quarantined": len(left_out),
    }
    return figures | {"problems": _counted(left_out), "written": written}

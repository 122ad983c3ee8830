"""`safetynet demo`: the whole product on a made city, with one command.

Control centre, two smart city centres with their relays, a police room and the made city itself: each a program of its
own, as in an installation. This launcher provisions them at the first start, watches them, and ends them all.
"""

import argparse
import asyncio
import ipaddress
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.edge import clock
from safetynet.sim.children import HOST, ChildFailedError, Children, PortTakenError, Program, is_free
from safetynet.sim.provision import (
    CITIES,
    CONTROL,
    LOGS,
    POLICE,
    PRIVATE,
    CannotProvisionError,
    Deployment,
    Ports,
    Wish,
    field_url,
    provision,
    renew,
)

SEED: Final = 20261123
PORT: Final = 8400
PORT_MAX: Final = 65_535 - 60
STEPS: Final = 7
RENEW_S: Final = 600.0
FOLDER: Final = Path("data/demo")

_out: Final = Console(highlight=False)


def programs(folder: Path, ports: Ports) -> tuple[Program, ...]:
    """docs/contracts.md section 1. The order is that of the waiting, not of the starting: all start at once."""
    control, world = str(folder / CONTROL), str(folder / "world")
    cities = tuple(
        each
        for index, city in enumerate(CITIES)
        for each in (
            Program(
                city,
                ("city", "--dir", str(folder / city)),
                (ports.city_link(index), ports.city_health(index), ports.city_pages(index)),
            ),
            Program(
                f"{city}-relay",
                ("city-relay", "--dir", str(folder / city)),
                (ports.city_video(index), ports.city_video_health(index)),
            ),
            Program(
                f"{city}-windows",
                ("centre-relay", "--dir", str(folder / city)),
                (ports.city_windows(index), ports.city_windows_health(index)),
            ),
        )
    )
    return (
        *cities,
        Program(
            "outages",
            ("outages", "--dir", str(folder / "outages")),
            tuple(
                road(index) for index in range(len(CITIES)) for road in (ports.city_link_road, ports.city_video_road)
            ),
        ),
        Program(POLICE, ("desk112", "--dir", str(folder / POLICE)), (ports.police_link,)),
        Program(CONTROL, ("control", "--dir", control), (ports.pages, ports.control_health)),
        Program("centre-relay", ("centre-relay", "--dir", control), (ports.windows, ports.windows_health)),
        Program("world", ("world", "--dir", world), (ports.panel, ports.rtsp, ports.ptz, ports.recorder)),
    )


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet demo", description="The whole product on a made city.")
    parser.add_argument("--port", type=int, default=PORT, metavar="P", help=f"first of 54 ports (default {PORT})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="which city is made")
    parser.add_argument("--data-dir", type=Path, default=FOLDER, metavar="DIR", help=f"default {FOLDER}")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier start has made")
    parser.add_argument(
        "--world-data", type=Path, metavar="DIR", help="folder of real data (camera list, clips, tracks)"
    )
    parser.add_argument(
        "--field-host", default=HOST, metavar="ADDRESS", help=f"this machine's address for telephones (default {HOST})"
    )
    parser.add_argument("--say-ready", action="store_true", help="print one JSON line once everything runs")
    said = parser.parse_args(given)
    if not 1_024 <= said.port <= PORT_MAX:
        parser.error(f"--port: 1024 to {PORT_MAX}")
    if not is_private(said.field_host):
        parser.error("--field-host: an address of this machine in a private network, like 192.168.0.12")
    if said.world_data is not None and not said.world_data.is_dir():
        parser.error(f"--world-data: no folder {said.world_data}")
    return said


def is_private(host: str) -> bool:
    """The authority that telephones are to trust vouches for these alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each) for each in PRIVATE)


def _provisioned(wish: Wish) -> Deployment:
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_out, transient=True) as bar:
        task = bar.add_task("", total=STEPS)

        def told(korean: str, english: str) -> None:
            _out.print(f"  [dim]·[/] {korean} [dim]{english}[/]")
            bar.update(task, advance=1, description=f"{korean} · {english}")

        deployment, made = provision(wish, told)
    _out.print(
        f"[green]✓[/] {'새로 만들었습니다' if made else '이전에 만든 것을 씁니다'}"
        f" [dim]{'made anew' if made else 'what an earlier start made is used again'} ({wish.folder})[/]"
    )
    return deployment


def _welcome(deployment: Deployment, wish: Wish, took_ms: int) -> None:
    ports = wish.ports
    table = Table(title="시연 계정 · demo accounts", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("계정 account", "비밀번호 password", "이름 name", "역할 role"):
        table.add_column(column)
    for each in (*deployment.logins, *(one for city in CITIES for one in deployment.city_logins[city])):
        table.add_row(each.account, f"[bold]{each.password}[/]", each.name, each.role)
    _out.print()
    _out.print(f"[bold]관제 화면[/]  console   [bold cyan]http://{HOST}:{ports.pages}/[/]")
    _out.print(f"[bold]현장 전화[/]  officer   [bold cyan]http://{HOST}:{ports.pages}/field[/]")
    _out.print(f"[bold]보호대상자[/] protected [bold cyan]http://{HOST}:{ports.pages}/protected[/]")
    _out.print(
        f"[bold]휴대전화[/]   phones    [bold cyan]{field_url(wish)}[/] · QR [bold cyan]http://{HOST}:{ports.panel}/phones[/]"
    )
    for index, city in enumerate(CITIES):
        place = f"[bold cyan]http://{HOST}:{ports.city_pages(index)}/[/]"
        _out.print(f"[bold]{deployment.cities[city].name} 화면[/] city      {place}")
    _out.print(f"[bold]이야기[/]     stories   [bold cyan]http://{HOST}:{ports.panel}/[/]")
    _out.print()
    _out.print(table)
    _out.print()
    _out.print("[dim]모든 사람은 지어냈습니다. 계정과 이야기는 시연에만 있습니다. · everybody is made up; demo only[/]")
    _out.print(f"[dim]준비 {took_ms / 1_000:.1f}초 · 끝내기 Ctrl-C · ready, ctrl-C ends all programs[/]")


async def _renewing(folder: Path) -> None:
    """The demo's own CA issues anew at half of each certificate's life; the programs see it by themselves."""
    while True:
        await asyncio.sleep(RENEW_S)
        renew(folder)


async def _together(*works: Coroutine[None, None, None]) -> None:
    """Until one of them fails."""
    tasks = [asyncio.ensure_future(each) for each in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()


async def _run(children: Children, deployment: Deployment, wish: Wish, *, say_ready: bool, since: int) -> int:
    """Until ctrl-C, SIGTERM or a child that cannot be kept. No child is left when this returns."""
    me = asyncio.current_task()
    assert me is not None
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, me.cancel)
    try:
        await children.start(lambda name: _out.print(f"  [green]✓[/] {name}"))
        took_ms = clock.monotonic() - since
        _welcome(deployment, wish, took_ms)
        if say_ready:
            said = {
                "ready": True,
                "url": f"http://{HOST}:{wish.ports.pages}",
                "took_ms": took_ms,
                "children": children.pids(),
            }
            print(msgspec.json.encode(said).decode(), flush=True)
        await _together(children.watch(), _renewing(wish.folder))
    except asyncio.CancelledError:
        _out.print("\n[dim]끝냅니다 · ending[/]")
        return 0
    finally:
        with suppress(asyncio.CancelledError):  # a second ctrl-C does not leave children behind
            await asyncio.shield(asyncio.ensure_future(children.stop()))
    return 0


def main(given: Sequence[str] | None = None) -> int:
    """0 after ctrl-C or SIGTERM, 1 when a program could not run, with the end of its log."""
    since = clock.monotonic()
    said = _arguments(given)
    ports = Ports(first=said.port)
    wish = Wish(
        folder=said.data_dir,
        ports=ports,
        seed=said.seed,
        data=said.world_data,
        fresh=said.fresh,
        field_host=said.field_host,
    )
    plan = programs(said.data_dir, ports)
    try:
        _require_free(plan, wish)
        deployment = _provisioned(wish)
        children = Children(plan, said.data_dir / LOGS, say=lambda text: _out.print(f"[yellow]![/] {text}"))
        return asyncio.run(_run(children, deployment, wish, say_ready=said.say_ready, since=since))
    except PortTakenError as taken:
        _fail(
            f"포트 {taken.port} ({taken.program})을 다른 프로그램이 쓰고 있습니다: PORT=9400 make demo",
            f"port {taken.port} ({taken.program}) is in use by another program; PORT=9400 make demo moves all ports",
        )
    except CannotProvisionError as fault:
        _fail("준비할 수 없습니다", str(fault))
    except ChildFailedError as fault:
        _failed_child(fault)
    return 1


def _require_free(plan: Sequence[Program], wish: Wish) -> None:
    """Before anything is made: the folder of a demo that runs is not to be touched."""
    held = {port: each.name for each in plan for port in each.ports} | {wish.ports.control_link: str(CONTROL)}
    for port, name in sorted(held.items()):
        if not is_free(port):
            raise PortTakenError(port, name)
    for port in (wish.ports.phones, wish.ports.phones_windows, wish.ports.stand):
        if not is_free(port, wish.field_host):
            raise PortTakenError(port, f"telephones at {wish.field_host}")


def _failed_child(fault: ChildFailedError) -> None:
    print(fault.tail, file=sys.stderr)
    _fail(f"{fault.name} 프로그램을 쓸 수 없어 모두 끝냈습니다", f"{fault.name}: {fault.why}; all ended ({fault.log})")


def _fail(korean: str, english: str) -> None:
    Console(stderr=True, highlight=False).print(f"[bold red]✗[/] {korean}\n  {english}")

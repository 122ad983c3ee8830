"""A PostgreSQL with PostGIS of this run's own, in a folder that goes away with it. Debian's packages; None without them."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path


def programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    extension = sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
    return found[-1].parent if found and extension else None


def _run(folder: Path, *command: str) -> None:
    """The server refuses to run as root."""
    whole = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else [*command]
    subprocess.run(whole, stdout=subprocess.DEVNULL, cwd=folder, check=True)


@contextlib.contextmanager
def running(port: int, parent: Path) -> Generator[str | None]:
    """The address of a database with the extension; synchronous_commit and fsync as delivered: on."""
    bin_ = programs()
    if bin_ is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="postgis-", dir=parent))
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            for each in (parent, *parent.parents):
                if each.stat().st_mode & 0o001 == 0:
                    raise PermissionError(f"postgres cannot pass {each}")
        _run(folder, str(bin_ / "initdb"), "-A", "trust", "-U", "postgres", "-D", str(data))
        options = f"-p {port} -c listen_addresses= -c unix_socket_directories={folder}"
        control = (str(bin_ / "pg_ctl"), "-D", str(data), "-w")
        _run(folder, *control, "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"host={folder} port={port} user=postgres dbname=postgres"
        finally:
            _run(folder, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

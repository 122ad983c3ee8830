"""The door for telephones: TLS by the deployment's own authority, at one address, with telephones' pages and no others."""

import asyncio
import itertools
import json
import shutil
import ssl
import sys
from pathlib import Path

import msgspec
import pytest
import websockets
from playwright.async_api import Error, async_playwright

sys.path.insert(0, str(Path(__file__).parent))
import deployment
from deployment import PASSWORD, program

from safetynet.edge import config, keys
from safetynet.edge.auth import PHONE_COOKIE
from safetynet.sim.provision import PRIVATE

PORTS = itertools.count(13_700, 14)
HOST = "127.0.0.2"
"""Of this machine and another than its pages': what listens there was asked for."""


class Door:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.pages = folder, port
        self.port, self.video = port + 10, port + 12
        self.control = deployment.make(folder, port)
        self.ca = keys.make_ca(folder / "ca-phones", "safetynet phones CA", PRIVATE)
        keys.renew_phones(self.ca, self.control, HOST)
        door = config.Phones(host=HOST, web_port=self.port, video_port=self.video)
        config.write(self.control, msgspec.structs.replace(config.read(self.control), phones=door))
        self.origin = f"https://{HOST}:{self.port}"

    def trusting(self, ca: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(ca or self.folder / "ca-phones" / "ca.pem"))
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        return context

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=self.trusting())
        said = {"host": f"{HOST}:{self.port}", "connection": "close", "content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        top, _, content = answer.partition(b"\r\n\r\n")
        first, *lines = top.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), fields, content

    async def sign_in(self, account: str) -> tuple[int, dict[str, str], bytes]:
        return await self.ask(
            "POST", "/sign-in", json.dumps({"account": account, "password": PASSWORD}).encode(), origin=self.origin
        )


@pytest.fixture
async def door(tmp_path: Path):
    made = Door(tmp_path, next(PORTS))
    async with program(made.control):
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection(HOST, made.port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield made


async def test_whoever_trusts_the_authority_reaches_telephones_pages_and_no_others(door: Door) -> None:
    status, headers, page = await door.ask("GET", "/field")
    assert (status, b"field.js" in page) == (200, True)
    policy = headers["content-security-policy"]
    assert f"connect-src 'self' wss://{HOST}:{door.port} wss://{HOST}:{door.video};" in policy
    assert "ws://" not in policy.replace("wss://", "")
    assert "unsafe" not in policy
    assert (await door.ask("GET", "/protected"))[0] == 200
    for path in ("/operator", "/incidents", "/archive/search", "/device?id=d1", "/unit", "/demo.json", "/photo/i/a"):
        assert (await door.ask("GET", path))[0] == 404, path
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(HOST, door.port, ssl=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(HOST, door.port, ssl=door.trusting(door.folder / "ca" / "ca.pem"))
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", door.port)


async def test_an_officer_signs_in_there_and_nobody_of_the_desk(door: Door) -> None:
    status, _, body = await door.sign_in("kim")
    assert (status, json.loads(body)["reason"]) == (403, "not_at_this_door")
    status, headers, _ = await door.sign_in("unit")
    assert status == 200
    kept = headers["set-cookie"]
    assert kept.startswith("__Host-safetynet=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= {each.strip() for each in kept.split(";")}
    own = kept.partition(";")[0]
    said = {"Cookie": own, "Host": f"{HOST}:{door.port}"}
    async with websockets.connect(
        f"wss://{HOST}:{door.port}/ws", ssl=door.trusting(), additional_headers=said, origin=door.origin, compression=None
    ) as socket:  # fmt: skip
        await socket.send('{"op":"hello","have":null}')
        me = json.loads(await asyncio.wait_for(socket.recv(), 5))["full"]["me"]["me"]
        assert me["video_url"] == f"wss://{HOST}:{door.video}/video"
    desk = await deployment.cookie(door.pages, "kim")
    carried = f"{PHONE_COOKIE}={desk.partition('=')[2]}"
    refused = {"Cookie": carried, "Host": f"{HOST}:{door.port}"}
    async with websockets.connect(
        f"wss://{HOST}:{door.port}/ws", ssl=door.trusting(), additional_headers=refused, origin=door.origin, compression=None
    ) as socket:  # fmt: skip
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 4401, "an operator's session opens nothing here, however it was carried over"


@pytest.mark.parametrize("host", ["203.0.113.9", "example.com", "safetynet.invalid"])
async def test_the_authority_can_vouch_for_nobody_beyond_private_networks(tmp_path: Path, host: str) -> None:
    """Whose key is stolen cannot read what the telephone says to anybody else."""
    ca = keys.make_ca(tmp_path / "ca", "safetynet phones CA", PRIVATE)
    keys.renew_phones(ca, tmp_path, host)
    server = keys.phones_context(tmp_path)
    client = ssl.create_default_context(cafile=str(tmp_path / "ca" / "ca.pem"))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake(server, client, host)
    keys.renew_phones(ca, tmp_path, "192.168.0.12")
    shake(keys.phones_context(tmp_path), client, "192.168.0.12")


def shake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = server.wrap_bio(here, there, server_side=True)
    other = client.wrap_bio(there, here, server_hostname=host)
    for each in (other, one, other, one):
        try:
            each.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert other.getpeercert()


def test_a_telephones_certificate_is_renewed_at_half_its_life_and_when_the_address_changes(tmp_path: Path) -> None:
    ca = keys.make_ca(tmp_path / "ca", "safetynet phones CA", PRIVATE)
    assert keys.renew_phones(ca, tmp_path, HOST)
    assert not keys.renew_phones(ca, tmp_path, HOST)
    assert keys.renew_phones(ca, tmp_path, "192.168.0.12")
    keys.renew_phones(ca, tmp_path, HOST, hours=keys.CERTIFICATE_LIFE_HOURS // 2 - 1)
    assert keys.renew_phones(ca, tmp_path, HOST)
    path = tmp_path / "keys" / keys.PHONES
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        keys.phones_context(tmp_path)


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


@pytest.mark.browser
async def test_a_browser_that_was_told_to_trust_the_authority_opens_the_page(door: Door, tmp_path: Path) -> None:
    """By the browser's own store of authorities, as on a telephone: no switch that looks away."""
    home = tmp_path / "home"
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None
    certutil = shutil.which("certutil")
    assert certutil is not None, "tools/setup dev installs libnss3-tools"
    await run(certutil, "-d", f"sql:{store}", "-N", "--empty-password")
    async with async_playwright() as driver:
        options = {"executable_path": path, "env": {"HOME": str(home)}, "args": ["--no-sandbox"]}
        one = await driver.chromium.launch(**options)
        page = await one.new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            await page.goto(f"{door.origin}/field")
        await one.close()
        ca = str(door.folder / "ca-phones" / "ca.pem")
        await run(certutil, "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "phones", "-i", ca)
        one = await driver.chromium.launch(**options)
        page = await one.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        await page.goto(f"{door.origin}/field")
        await page.wait_for_url(f"{door.origin}/")
        await page.fill("[name=account]", "unit")
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_url(f"{door.origin}/field")
        await page.get_by_text("지금은 명령이 없습니다").or_(page.locator(".f-none")).first.wait_for()
        await page.wait_for_function("document.querySelector('.f-none p:not(.bad):last-of-type')")
        assert await page.evaluate("window.isSecureContext")
        assert await page.evaluate("document.cookie") == ""
        (kept,) = await page.context.cookies()
        assert (kept["name"], kept["secure"], kept["httpOnly"]) == ("__Host-safetynet", True, True)
        assert [each for each in wrong if "Content Security Policy" in each] == []
        await one.close()

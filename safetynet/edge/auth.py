"""Who is at the other end of a browser: sign-in with a password, a session cookie, one seat per window.

The session is a random token; only its SHA-256 is kept, in a file that is closed to others: a program that starts again
within a shift does not send its operators back to a password while an alarm rings. A start of the machine, a changed
password or role and an account that is gone end it; so does a file that cannot be read, which is the safe direction. A cookie never works for another origin (SameSite=Strict) and no page script can read it (HttpOnly).

Absent on purpose: OIDC, passkeys and step-up (a later issue), and what a role may do (that is `app`).
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final, Protocol

import msgspec

from safetynet.core.terms import HOUR_MS, MINUTE_MS, Instant, PersonId
from safetynet.edge import clock, files, keys
from safetynet.edge.codec import NONSENSE
from safetynet.edge.store import Account

COOKIE: Final = "safetynet"
PHONE_COOKIE: Final = "__Host-safetynet"
"""Over TLS. The prefix makes browsers refuse it from anything but this host over TLS."""
SESSION_MS_MAX: Final = 12 * HOUR_MS
"""One shift. Nobody stays signed in over a hand-over."""
SESSIONS_MAX: Final = 2_000
SESSIONS_PER_PERSON_MAX: Final = 8
"""At one more the oldest of the same person ends: who has one password pushes nobody else out."""
TRIES_MAX: Final = 5
TRIES_MS: Final = MINUTE_MS
"""Wrong passwords per login within this time; after that even the right one waits."""
LOGINS_WATCHED_MAX: Final = 10_000
WAITING_MAX: Final = 32
"""Sign-ins at once. A password is slow to check on purpose; beyond this it is later, not slower."""
BUSY_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Session:
    account: Account
    until: Instant
    key: bytes
    """SHA-256 of the cookie's value."""


class _Kept(msgspec.Struct, frozen=True):
    key: bytes
    person: PersonId
    until: Instant
    account_sha256: bytes


class Generations(Protocol):
    """Where it is kept which writing of the file is the newest; the store of a centre does."""

    def generation(self) -> int: ...
    def next_generation(self) -> int: ...


class _File(msgspec.Struct, frozen=True):
    boot: str
    generation: int
    sessions: tuple[_Kept, ...]


_file: Final = msgspec.json.Decoder(_File)


class Locked(Exception):
    """Too many wrong passwords for this login, or too many sign-ins at once. `wait_ms` says for how long."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"locked for {wait_ms} ms")
        self.wait_ms = wait_ms


class _Turns:
    """One sign-in at a time, and the addresses that wait take turns: who floods the door stands behind himself.

    Beyond WAITING_MAX the address that holds most places gives its newest one up, and refuses itself.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By address, who came first in front; the address in front is the next."""
        self._taken = False

    @asynccontextmanager
    async def of(self, address: str) -> AsyncGenerator[None]:
        """Raises Locked when there is no place, or when it was given to somebody who waits for less."""
        if self._taken:
            await self._wait(address)
        self._taken = True
        try:
            yield
        finally:
            self._taken = self._pass_on()

    async def _wait(self, address: str) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        own = self._waiting.get(address, ())
        if sum(len(each) for each in self._waiting.values()) >= WAITING_MAX - 1:
            crowd = max(self._waiting.values(), key=len)
            if len(crowd) <= len(own) + 1:
                raise Locked(BUSY_MS)
            last = crowd.pop()
            if not last.done():
                last.set_exception(Locked(BUSY_MS))
        self._waiting.setdefault(address, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self._taken = self._pass_on()  # it was its turn, and it will not take it
            elif place in self._waiting.get(address, ()):
                self._waiting[address].remove(place)
                if not self._waiting[address]:
                    del self._waiting[address]
            raise

    def _pass_on(self) -> bool:
        """Whether somebody else has the turn now."""
        while self._waiting:
            address = next(iter(self._waiting))
            queue = self._waiting.pop(address)
            place = queue.popleft()
            if queue:
                self._waiting[address] = queue  # behind the other addresses
            if not place.done():
                place.set_result(None)
                return True
        return False


class Sessions:
    """Sessions and wrong tries of one program. Used from one thread. Without `path` a start signs everybody out."""

    def __init__(
        self, accounts: list[Account], path: Path | None = None, generations: Generations | None = None
    ) -> None:
        assert (path is None) == (generations is None), "without a generation an old file would be believed again"
        self._by_login = {each.login: each for each in accounts}
        self._by_person = {each.person: each for each in accounts}
        self._path, self._generations = path, generations
        self._sessions: dict[bytes, Session] = dict(self._kept())
        self._wrong: dict[str, list[Instant]] = {}
        self._turns = _Turns()

    def _kept(self) -> list[tuple[bytes, Session]]:
        if self._path is None or self._generations is None or not self._path.exists():
            return []
        try:
            found = _file.decode(self._path.read_bytes())
        except NONSENSE:
            return []  # nobody is let in by a file that says nothing
        newest = self._generations.generation()
        at, mine = clock.monotonic(), found.boot == clock.boot() and found.generation == newest
        return [
            (each.key, Session(account, each.until, each.key))
            for each in found.sessions[-SESSIONS_MAX:]
            if mine
            and at < each.until <= at + SESSION_MS_MAX
            and (account := self._by_person.get(each.person)) is not None
            and _print(account) == each.account_sha256
        ]

    def _keep(self) -> None:
        """Before anybody is told: who signed out stays out also when the next instruction is the last.

        The store counts first, so that no earlier file is believed any more. What cannot be written is taken away:
        a start then signs everybody out.
        """
        if self._path is None or self._generations is None:
            return
        held = tuple(
            _Kept(each.key, each.account.person, each.until, _print(each.account)) for each in self._sessions.values()
        )
        try:
            generation = self._generations.next_generation()
            files.write(self._path, msgspec.json.encode(_File(clock.boot(), generation, held)), mode=0o600)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise

    def follow(self, accounts: Iterable[Account]) -> None:
        """The accounts as they are from now on. Whose is gone, or is another one now, is signed out at once."""
        known = tuple(accounts)
        self._by_login = {each.login: each for each in known}
        self._by_person = {each.person: each for each in known}
        prints = {each.person: _print(each) for each in known}
        out = [key for key, each in self._sessions.items() if prints.get(each.account.person) != _print(each.account)]
        for key in out:
            del self._sessions[key]
        if out:
            self._keep()

    def person(self, person: PersonId) -> Account | None:
        return self._by_person.get(person)

    def people(self) -> tuple[Account, ...]:
        return tuple(self._by_person.values())

    async def sign_in(self, login: str, password: str, address: str = "") -> str | None:
        """The cookie's value, or None. Raises Locked after too many wrong tries, right password or not.

        One at a time and beside the event loop: a flood of guesses delays other guesses of its `address`, and no alarm.
        """
        async with self._turns.of(address):
            return await self._sign_in(login, password)

    async def _sign_in(self, login: str, password: str) -> str | None:
        at = clock.monotonic()
        recent = [each for each in self._wrong.get(login, []) if at - each < TRIES_MS]
        if len(recent) >= TRIES_MAX:
            raise Locked(TRIES_MS - (at - recent[0]))
        account = self._by_login.get(login)
        right = await asyncio.to_thread(keys.check_password, account.argon2 if account else None, password)
        if account is not None and self._by_login.get(login) != account:
            return None  # closed, or another one, while its password was being checked
        if not right or account is None:
            if len(self._wrong) >= LOGINS_WATCHED_MAX:
                self._wrong.pop(next(iter(self._wrong)))
            self._wrong[login] = [*recent, at]
            return None
        self._wrong.pop(login, None)
        token = keys.token()
        own = [key for key, each in self._sessions.items() if each.account.person == account.person]
        for oldest in own[: max(0, len(own) - SESSIONS_PER_PERSON_MAX + 1)]:
            del self._sessions[oldest]
        if len(self._sessions) >= SESSIONS_MAX:
            self._sessions.pop(next(iter(self._sessions)))
        key = _digest(token)
        self._sessions[key] = Session(account, Instant(at + SESSION_MS_MAX), key)
        self._keep()
        return token

    def live(self, session: Session) -> bool:
        """Whether it was neither signed out nor run out: a window asks while it is open."""
        return self._sessions.get(session.key) is session and clock.monotonic() < session.until

    def signed_in(self, person: PersonId) -> bool:
        """Whether this person is signed in anywhere."""
        return any(each.account.person == person and self.live(each) for each in self._sessions.values())

    def sign_out(self, cookie_header: str, name: str = COOKIE) -> None:
        if self._sessions.pop(_digest(read_cookie(cookie_header, name)), None) is not None:
            self._keep()

    def forget(self) -> None:
        """Everybody is signed out: what this centre remembers of them is not what was."""
        self._sessions.clear()
        self._keep()

    def whose(self, cookie_header: str, name: str = COOKIE) -> Session | None:
        """The live session of this request's Cookie header, or None."""
        key = _digest(read_cookie(cookie_header, name))
        session = self._sessions.get(key)
        if session is not None and clock.monotonic() >= session.until:
            del self._sessions[key]
            return None
        return session


def read_cookie(header: str, name: str = COOKIE) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def set_cookie(value: str, *, secure: bool, name: str = COOKIE) -> str:
    """`secure` off only on loopback without TLS."""
    age_s = SESSION_MS_MAX // 1_000 if value else 0
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s}" + ("; Secure" if secure else "")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _print(account: Account) -> bytes:
    """Of everything that an account may do and how it is opened: changed, it is another account."""
    return hashlib.sha256(msgspec.json.encode(account)).digest()

"""Sign-in, lock-out, sessions and their cookie."""

import asyncio
import hashlib
import threading

import msgspec
import pytest

from safetynet.edge import auth, clock, keys
from safetynet.edge.auth import Locked, Sessions, read_cookie, set_cookie
from safetynet.edge.store import Account

RIGHT = "a long enough word"
KIM = Account("p-kim", "kim", "김하나", "operator", "1", keys.hash_password(RIGHT))


class Clock:
    def __init__(self):
        self.at = 1_000_000

    def __call__(self):
        return self.at


@pytest.fixture
def now(monkeypatch):
    made = Clock()
    monkeypatch.setattr(clock, "monotonic", made)
    return made


@pytest.fixture
def sessions(now):
    return Sessions([KIM])


@pytest.fixture
def cheap(monkeypatch):
    """Argon2 is slow on purpose; where only the counting matters a plain comparison stands in."""
    monkeypatch.setattr(keys, "check_password", lambda stored, word: stored is not None and word == RIGHT)


def header(token):
    return f"{auth.COOKIE}={token}"


async def test_the_right_word_opens_a_session_until_its_end(sessions, now):
    token = await sessions.sign_in("kim", RIGHT)
    session = sessions.whose(header(token))
    assert session.account is KIM
    assert sessions.live(session)
    now.at += auth.SESSION_MS_MAX - 1
    assert sessions.whose(header(token)) is session
    now.at += 1
    assert not sessions.live(session)
    assert sessions.whose(header(token)) is None


@pytest.mark.parametrize(("login", "word"), [("kim", "wrong"), ("kim", ""), ("nobody", RIGHT), ("kim", "x" * 10_000)])
async def test_anything_else_does_not(sessions, login, word):
    assert await sessions.sign_in(login, word) is None


@pytest.mark.parametrize(
    "cookie", ["", "safetynet=", "safetynet=guess", "other=1", "safetynet", "a=\x00;;=", 'safetynet="']
)
async def test_no_other_cookie_is_a_session(sessions, cookie):
    await sessions.sign_in("kim", RIGHT)
    assert sessions.whose(cookie) is None


async def test_signing_out_ends_what_is_open(sessions):
    token = await sessions.sign_in("kim", RIGHT)
    session = sessions.whose(header(token))
    sessions.sign_out(header(token))
    assert not sessions.live(session)
    assert sessions.whose(header(token)) is None
    sessions.sign_out(header(token))


async def test_only_the_hash_of_a_token_is_kept(sessions):
    token = await sessions.sign_in("kim", RIGHT)
    assert token not in repr(vars(sessions))
    assert hashlib.sha256(token.encode()).digest() in sessions._sessions
    assert await sessions.sign_in("kim", RIGHT) != token


async def test_after_five_wrong_words_the_right_one_waits_a_minute(sessions, now, cheap):
    for _ in range(auth.TRIES_MAX):
        assert await sessions.sign_in("kim", "wrong") is None
        now.at += 1_000
    with pytest.raises(Locked) as locked:
        await sessions.sign_in("kim", RIGHT)
    assert locked.value.wait_ms == auth.TRIES_MS - 5_000
    now.at += locked.value.wait_ms
    assert await sessions.sign_in("kim", RIGHT) is not None


async def test_four_wrong_words_and_the_right_one_begin_anew(sessions, cheap):
    for _ in range(3):
        for _ in range(auth.TRIES_MAX - 1):
            await sessions.sign_in("kim", "wrong")
        assert await sessions.sign_in("kim", RIGHT) is not None


async def test_guesses_made_at_once_are_counted_one_by_one(sessions, cheap):
    tries = [sessions.sign_in("kim", "wrong") for _ in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert results.count(None) == auth.TRIES_MAX
    assert all(isinstance(each, Locked) for each in results if each is not None)


async def test_a_flood_of_guesses_neither_grows_nor_stalls_the_loop(sessions, slow):
    release, asked = slow
    waiting = [asyncio.create_task(sessions.sign_in(f"login{n}", "x")) for n in range(auth.WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(Locked):
        await sessions.sign_in("one-more", "x")
    assert len(asked) <= 1, "one at a time, and in another thread: this line is reached while it checks"
    release.set()
    assert await asyncio.gather(*waiting) == [None] * auth.WAITING_MAX


@pytest.fixture
def slow(monkeypatch):
    """Each check of a password takes until `release` is set; who was checked, in order."""
    release, asked = threading.Event(), []

    def check(stored, word):
        asked.append(word)
        assert release.wait(20)
        return stored is not None and word == RIGHT

    monkeypatch.setattr(keys, "check_password", check)
    yield release, asked
    release.set()


async def test_a_flood_from_one_address_does_not_keep_another_waiting(sessions, slow):
    """As the attacker does it: all places are taken, and more is tried than there is room for."""
    release, asked = slow
    guess = [
        asyncio.create_task(sessions.sign_in(f"login{n}", f"guess{n}", "10.0.0.66"))
        for n in range(auth.WAITING_MAX + 5)
    ]
    await asyncio.sleep(0)
    own = asyncio.create_task(sessions.sign_in("kim", RIGHT, "10.0.0.1"))
    await asyncio.sleep(0)
    more = [asyncio.create_task(sessions.sign_in("kim", f"more{n}", "10.0.0.66")) for n in range(5)]
    await asyncio.sleep(0)
    release.set()
    assert await own is not None
    assert asked.index(RIGHT) <= 2, "of all who wait the other address is the next but one at most"
    said = await asyncio.gather(*guess, *more, return_exceptions=True)
    locked = sum(isinstance(each, Locked) for each in said)
    assert locked == 5 + 5 + 1, "who floods is refused, and gives up one place for whom it held up"
    assert said.count(None) == len(said) - locked


async def test_addresses_share_the_places_evenly(sessions, slow):
    release, _ = slow
    tries = {
        address: [asyncio.create_task(sessions.sign_in(f"{address}{n}", "x", address)) for n in range(auth.WAITING_MAX)]
        for address in ("a", "b", "c", "d")
    }
    await asyncio.sleep(0)
    release.set()
    served = [
        sum(each is None for each in await asyncio.gather(*group, return_exceptions=True)) for group in tries.values()
    ]
    assert sum(served) == auth.WAITING_MAX
    assert max(served) - min(served) <= 2, "one is served besides those who wait"


async def test_who_goes_away_while_waiting_leaves_the_turn_to_others(sessions, slow):
    release, asked = slow
    first, gone, next_, last = (
        asyncio.create_task(sessions.sign_in(word, word, address))
        for word, address in (("1", "a"), ("2", "a"), ("3", "b"), ("4", "b"))
    )
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(first, next_, last) == [None] * 3
    assert asked == ["1", "3", "4"]
    assert await sessions.sign_in("kim", RIGHT) is not None, "the turn is free again"


async def test_who_goes_away_in_the_moment_of_its_turn_passes_it_on(sessions):
    turns = sessions._turns
    async with turns.of("a"):
        gone, other = (asyncio.create_task(_hold(turns, each)) for each in ("b", "c"))
        await asyncio.sleep(0)
    gone.cancel()  # its turn has come, and it does not know yet
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await asyncio.wait_for(other, 60) == "c"


async def _hold(turns, address):
    async with turns.of(address):
        return address


async def test_who_signs_in_again_and_again_pushes_nobody_else_out(now, monkeypatch, cheap):
    lee = msgspec.structs.replace(KIM, person="p-lee", login="lee")
    monkeypatch.setattr(auth, "SESSIONS_MAX", auth.SESSIONS_PER_PERSON_MAX + 1)
    sessions = Sessions([KIM, lee])
    other = await sessions.sign_in("lee", RIGHT)
    tokens = [await sessions.sign_in("kim", RIGHT) for _ in range(auth.SESSIONS_PER_PERSON_MAX + 3)]
    assert sessions.whose(header(other)) is not None
    assert [sessions.whose(header(each)) is not None for each in tokens] == [False] * 3 + [
        True
    ] * auth.SESSIONS_PER_PERSON_MAX


async def test_everything_kept_has_a_limit(now, monkeypatch, cheap):
    monkeypatch.setattr(auth, "SESSIONS_MAX", 3)
    monkeypatch.setattr(auth, "LOGINS_WATCHED_MAX", 3)
    sessions = Sessions([KIM])
    tokens = [await sessions.sign_in("kim", RIGHT) for _ in range(5)]
    assert [sessions.whose(header(each)) is not None for each in tokens] == [False, False, True, True, True]
    for n in range(9):
        await sessions.sign_in(f"nobody{n}", "wrong")
    assert len(sessions._wrong) == 3


@pytest.mark.parametrize(("secure", "value"), [(True, "t"), (False, "t"), (True, "")])
def test_no_script_and_no_other_site_gets_the_cookie(secure, value):
    said = set_cookie(value, secure=secure)
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; "))
    assert ("; Secure" in said) is secure
    assert f"Max-Age={auth.SESSION_MS_MAX // 1000 if value else 0}" in said
    assert read_cookie(said.partition(";")[0]) == value


class Count:
    """As a store keeps it."""

    def __init__(self):
        self.at = 0

    def generation(self):
        return self.at

    def next_generation(self):
        self.at += 1
        return self.at


COUNT = Count()


@pytest.fixture
def kept(tmp_path, now, cheap):
    COUNT.at = 0
    return tmp_path / "sessions.json"


async def test_a_session_outlives_a_restart_of_the_program(kept, now):
    token = await Sessions([KIM], kept, COUNT).sign_in("kim", RIGHT)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert token.encode() not in kept.read_bytes()
    again = Sessions([KIM], kept, COUNT)
    session = again.whose(header(token))
    assert session is not None
    assert session.account == KIM
    assert again.live(session)
    now.at += auth.SESSION_MS_MAX
    assert Sessions([KIM], kept, COUNT).whose(header(token)) is None


async def test_who_signed_out_stays_out(kept):
    sessions = Sessions([KIM], kept, COUNT)
    token = await sessions.sign_in("kim", RIGHT)
    sessions.sign_out(header(token))
    assert Sessions([KIM], kept, COUNT).whose(header(token)) is None


@pytest.mark.parametrize("change", ["password", "role", "gone", "boot", "longer", "nonsense"])
async def test_what_a_restart_does_not_believe(kept, now, monkeypatch, change):
    token = await Sessions([KIM], kept, COUNT).sign_in("kim", RIGHT)
    accounts = [KIM]
    match change:
        case "password":
            accounts = [msgspec.structs.replace(KIM, argon2=keys.hash_password("another long word"))]
        case "role":
            accounts = [msgspec.structs.replace(KIM, role="officer")]
        case "gone":
            accounts = []
        case "boot":
            monkeypatch.setattr(clock, "boot", lambda: "another start of the machine")
        case "longer":
            now.at -= 1
        case _:
            kept.write_bytes(b"{")
    assert Sessions(accounts, kept, COUNT).whose(header(token)) is None


async def test_an_old_file_copied_back_lets_nobody_in(kept):
    sessions = Sessions([KIM], kept, COUNT)
    token = await sessions.sign_in("kim", RIGHT)
    old = kept.read_bytes()
    sessions.sign_out(header(token))
    kept.write_bytes(old)
    assert Sessions([KIM], kept, COUNT).whose(header(token)) is None
    kept.write_bytes(old.replace(b'"generation":1', b'"generation":2'))
    assert Sessions([KIM], kept, COUNT).whose(header(token)) is not None, "it is the generation that is asked for"


@pytest.mark.parametrize("full", ["file", "store"])
async def test_a_sign_out_that_cannot_be_written_holds_all_the_same(kept, monkeypatch, full):
    sessions = Sessions([KIM], kept, COUNT)
    token = await sessions.sign_in("kim", RIGHT)

    def fails(*_, **__):
        raise OSError(28, "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(*((auth.files, "write") if full == "file" else (COUNT, "next_generation")), fails)
        with pytest.raises(OSError, match="no space"):
            sessions.sign_out(header(token))
    assert sessions.whose(header(token)) is None
    assert not kept.exists()
    assert Sessions([KIM], kept, COUNT).whose(header(token)) is None


async def test_everybody_is_out_when_the_log_was_an_old_copy(kept):
    sessions = Sessions([KIM], kept, COUNT)
    tokens = [await sessions.sign_in("kim", RIGHT) for _ in range(2)]
    sessions.forget()
    for each in (sessions, Sessions([KIM], kept, COUNT)):
        assert [each.whose(header(token)) for token in tokens] == [None, None]

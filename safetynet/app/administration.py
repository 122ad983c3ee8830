"""The administrators' side of the control centre: what they may see and change, and what follows from it at once.

Everything that is changed is one event of `core.administration`; accounts, devices and orders here are derived from
the register and brought in step with it before the answer leaves. A closed account has no session and no picture then.

Absent on purpose: positions, pictures, alarms. Of a device an administrator learns when it was heard and its battery.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol, TypeVar, assert_never

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from safetynet.app import admin_views, surface
from safetynet.app.admin_views import Heard, Record, Shown
from safetynet.app.bells import Bells
from safetynet.app.loop import Loop
from safetynet.app.people import People, accounts
from safetynet.app.site import body_of
from safetynet.app.windows import Seat
from safetynet.core import administration, orders
from safetynet.core.administration import AnyAct, No, Register
from safetynet.core.control import words
from safetynet.core.control.state import State
from safetynet.core.events.by_administrator import Administered, AnyAdministered
from safetynet.core.fixes import Fix, Mark
from safetynet.core.orders import Order
from safetynet.core.terms import DeviceId, FixId, PersonId, Post, WearerId
from safetynet.edge import clock, keys
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.devices.words import Registered
from safetynet.edge.store import Account, Store

BODY_BYTES_MAX: Final = 512 * 1024
"""An order with 200 zones of a hundred corners."""
SEES_THE_PAGE: Final = frozenset({Post.ADMINISTRATOR.value, Post.SUPERVISOR.value})
"""A supervisor sees drafts and confirms them; the mind decides again what each may do."""


class Keeping(Protocol):
    """What the office needs of the control centre."""

    loop: Loop[State, words.Given, words.Errand]
    store: Store
    people: People
    sessions: Sessions
    bells: Bells
    seats: set[Seat]
    judged_through: FixId

    def cut_signed_out(self) -> None: ...
    def show(self) -> None: ...


class Office:
    """Keeps what is derived from the register in step with it."""

    def __init__(self, centre: Keeping) -> None:
        self._centre = centre
        self.record: list[Record] = []
        self.last_heard: dict[DeviceId, Heard] = {}
        self.devices: dict[DeviceId, Registered] = {}
        """By which key and for whom a device speaks: one mapping, kept up to date, that every door looks into."""
        self._read()

    @property
    def register(self) -> Register:
        return self._centre.loop.state.register

    def _read(self) -> None:
        self.rows = {each.person: each for each in self._centre.store.accounts()}
        devices = {
            each.device: Registered(each.wearer, each.key_sha256, protected=True)
            for each in self._centre.store.devices()
            if each.protected
        }
        for device, bound in self.register.devices.items():
            devices[device] = Registered(bound.wearer, bound.key_sha256)
        self.devices.clear()
        self.devices.update(devices)

    def accounts(self) -> list[Account]:
        """Who may sign in now."""
        return accounts(self.rows.values(), self.register)

    def names(self) -> Mapping[PersonId, str]:
        """Also of those whose account is closed: what they did stands under their name."""
        return {person: each.name for person, each in self.rows.items()}

    def heard(self, fix: Fix) -> None:
        if not fix.marks & Mark.BELL:
            self.last_heard[fix.device] = Heard(fix.received_at, fix.battery_percent)

    def note(self, serial: int, event: AnyAdministered) -> None:
        self.record.append(Record(serial, event))

    def no(self, act: AnyAct) -> No | None:
        return administration.refusal(self.register, act, self._centre.loop.state.open)

    def take(self, act: AnyAct) -> No | None:
        """Changes the register, or says why not. What follows from it is so when this returns."""
        no = self.no(act)
        if no is not None:
            return no
        head = self._centre.store.head()
        errands = self._centre.loop.take(act, clock.now())
        assert not errands, "the register sends nobody anywhere"
        for serial, event in self._centre.store.events(head):
            assert isinstance(event, Administered)
            self.note(serial, event)
        self.apply()
        return None

    def apply(self) -> None:
        centre = self._centre
        before = dict(centre.people.orders)
        centre.people.follow(self.register)
        for wearer, order in centre.people.orders.items():
            if before.get(wearer) is not order:
                centre.bells.look(wearer)
        self._read()
        centre.sessions.follow(self.accounts())
        centre.cut_signed_out()
        centre.show()


# --- what a page says ----------------------------------------------------------------------------------------------


class _Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="act", forbid_unknown_fields=True):
    why: str


class _OpenAccount(_Said, frozen=True, kw_only=True, tag="open_account"):
    login: str
    name: str
    post: Post
    seat: str = ""


class _ChangePost(_Said, frozen=True, kw_only=True, tag="change_post"):
    person: PersonId
    post: Post


class _RenewPassword(_Said, frozen=True, kw_only=True, tag="renew_password"):
    person: PersonId


class _CloseAccount(_Said, frozen=True, kw_only=True, tag="close_account"):
    person: PersonId


class _BindDevice(_Said, frozen=True, kw_only=True, tag="bind_device"):
    device: DeviceId
    wearer: WearerId


class _RenewKey(_Said, frozen=True, kw_only=True, tag="renew_key"):
    device: DeviceId


class _ReturnDevice(_Said, frozen=True, kw_only=True, tag="return_device"):
    device: DeviceId


class _Enrol(_Said, frozen=True, kw_only=True, tag="enrol"):
    name: str
    case_no: str
    born_year: int | None = None
    office: str
    officer: str = ""
    phone: str = ""


class _DraftOrder(_Said, frozen=True, kw_only=True, tag="draft_order"):
    wearer: WearerId
    over: int
    order: msgspec.Raw
    """Null: discharge. Wearer and version are put in here."""


class _WithdrawDraft(_Said, frozen=True, kw_only=True, tag="withdraw_draft"):
    wearer: WearerId
    draft: str


class _EnterOrder(_Said, frozen=True, kw_only=True, tag="enter_order"):
    wearer: WearerId
    draft: str
    """The seal of the draft that was seen, in hexadecimal."""


_AnySaid = (
    _OpenAccount
    | _ChangePost
    | _RenewPassword
    | _CloseAccount
    | _BindDevice
    | _RenewKey
    | _ReturnDevice
    | _Enrol
    | _DraftOrder
    | _WithdrawDraft
    | _EnterOrder
)
_acts: Final = msgspec.json.Decoder(_AnySaid)


class _Of(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wearer: WearerId | None = None
    before: int | None = None


_of: Final = msgspec.json.Decoder(_Of)


class Meant(NamedTuple):
    act: AnyAct
    secret: str = ""
    """A password or a key that was drawn for it, shown once."""


class Malformed(Exception):
    """An order that no judge can have meant. `part` is where, `word` what is wrong with it."""

    def __init__(self, part: str, word: str) -> None:
        super().__init__(word)
        self.part, self.word = part, word


PROBLEMS: Final[Mapping[str, str]] = {
    "circle outside Korea": "abroad",
    "radius out of range": "radius",
    "number of corners out of range": "corners",
    "corner outside Korea": "abroad",
    "polygon too large": "too_large",
    "polygon crosses itself or has no area": "crosses",
    "zone without id or with a bad name": "name",
    "days out of range": "days",
    "minutes out of range": "minutes",
    "curfew without id, name or rows, or with too many": "rows",
    "absence without id or end": "absence",
    "protected person without id, or distance out of range": "distance",
    "order without wearer or version": "unclear",
    "too many zones": "too_many",
    "two zones with one id": "twice",
    "too many curfews, or two with one id": "too_many",
    "too many absences": "too_many",
    "too many protected persons, or one twice": "twice",
    "order ends before it starts": "ends_first",
    "order starts or ends at no date": "unclear",
}
"""What `core.orders` says of an order, as a word for the page."""


def _order(raw: msgspec.Raw, wearer: WearerId, version: int) -> Order | None:
    """Raises Malformed."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None)
        if parts is None:
            return None
        whole = {**parts, "wearer": wearer, "version": version}
        return orders.from_json(msgspec.json.encode(whole))
    except NONSENSE as nonsense:
        what, _, where = str(nonsense).partition(" - at ")
        raise Malformed(where.strip("`$."), PROBLEMS.get(what, "unclear")) from nonsense


def _meant(said: _AnySaid, by: PersonId, judged_through: FixId) -> Meant:
    """Raises Malformed. Keys are drawn here; a password is, once the account stands in its row."""
    why = said.why
    match said:
        case _OpenAccount():
            person = PersonId(keys.fresh_id("P"))
            account = administration.OpenAccount(
                by=by, why=why, person=person, login=said.login, name=said.name, post=said.post, seat=said.seat
            )
            return Meant(account, keys.passphrase())
        case _ChangePost():
            return Meant(administration.ChangePost(by=by, why=why, person=said.person, post=said.post))
        case _RenewPassword():
            return Meant(administration.RenewPassword(by=by, why=why, person=said.person), keys.passphrase())
        case _CloseAccount():
            return Meant(administration.CloseAccount(by=by, why=why, person=said.person))
        case _BindDevice() | _RenewKey():
            key = keys.token()
            digest = hashlib.sha256(key.encode()).digest()
            if isinstance(said, _RenewKey):
                return Meant(administration.RenewKey(by=by, why=why, device=said.device, key_sha256=digest), key)
            bind = administration.BindDevice(by=by, why=why, device=said.device, wearer=said.wearer, key_sha256=digest)
            return Meant(bind, key)
        case _ReturnDevice():
            return Meant(administration.ReturnDevice(by=by, why=why, device=said.device))
        case _Enrol():
            return Meant(
                administration.Enrol(
                    by=by,
                    why=why,
                    wearer=WearerId(keys.fresh_id("W")),
                    name=said.name,
                    case_no=said.case_no,
                    born_year=said.born_year,
                    office=said.office,
                    officer=said.officer,
                    phone=said.phone,
                )
            )
        case _DraftOrder():
            order = _order(said.order, said.wearer, said.over + 1)
            return Meant(administration.DraftOrder(by=by, why=why, wearer=said.wearer, over=said.over, order=order))
        case _WithdrawDraft():
            return Meant(administration.WithdrawDraft(by=by, why=why, wearer=said.wearer, sha256=_seal(said.draft)))
        case _EnterOrder():
            return Meant(
                administration.EnterOrder(
                    by=by, why=why, wearer=said.wearer, sha256=_seal(said.draft), fix_through=judged_through
                )
            )
        case _:
            assert_never(said)


def _seal(said: str) -> bytes:
    """Of text that is no seal there is no draft."""
    try:
        return bytes.fromhex(said)
    except ValueError:
        return b""


# --- over HTTP -----------------------------------------------------------------------------------------------------


class Program(Keeping, Protocol):
    office: Office


Whose = Callable[[Request], Session | None]
Problem = Callable[[int, str], Response]
_Asked = TypeVar("_Asked")


class Desk:
    """`page` serves the page itself; the others are the pages' own (`app.site`)."""

    def __init__(
        self,
        program: Program,
        whose: Whose,
        ours: Callable[[Request], bool],
        problem: Problem,
        page: Callable[[str], Response],
        headers: dict[str, str],
    ) -> None:
        self._program, self._whose, self._ours, self._problem, self._file = program, whose, ours, problem, page
        self._headers = {**headers, "cache-control": "no-store"}
        self._writing = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/admin", self._page),
            Route("/admin/look", self._look, methods=["POST"]),
            Route("/admin/order", self._versions, methods=["POST"]),
            Route("/admin/history", self._history, methods=["POST"]),
            Route("/admin/try", self._try, methods=["POST"]),
            Route("/admin/do", self._do, methods=["POST"]),
        ]

    @surface.says("The administrators' page", gives={200: surface.HTML, 307: None})
    async def _page(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None or session.account.role not in SEES_THE_PAGE:
            return RedirectResponse("/")
        return self._file("admin.html")

    async def _said(self, request: Request, decode: Callable[[bytes], _Asked]) -> tuple[Session, _Asked] | Response:
        """Who asks and what, or the refusal. Asked again of the register for every act."""
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        body = await body_of(request, BODY_BYTES_MAX)
        session = self._whose(request)  # after the body: it may have been long in coming
        if session is None:
            return self._problem(401, "sign_in")
        if session.account.role not in SEES_THE_PAGE:
            return self._problem(403, No.NOT_YOURS.value)
        try:
            return session, decode(body)
        except NONSENSE:
            return self._problem(400, No.MALFORMED.value)

    @surface.says(
        "The register of the centre", takes=_Of, gives={200: surface.JSON}, problems=(400, 403), signed_in=True
    )
    async def _look(self, request: Request) -> Response:
        said = await self._said(request, _of.decode)
        if isinstance(said, Response):
            return said
        session, _ = said
        return self._json(admin_views.everything(self._shown(session)))

    @surface.says(
        "Every version of a wearer's order",
        takes=_Of,
        gives={200: surface.JSON},
        problems=(400, 403, 404),
        signed_in=True,
    )
    async def _versions(self, request: Request) -> Response:
        said = await self._said(request, _of.decode)
        if isinstance(said, Response):
            return said
        session, asked = said
        wearer = asked.wearer or WearerId("")
        charge = self._program.office.register.charges.get(wearer)
        if charge is None:
            return self._problem(404, No.NOT_THERE.value)
        return self._json(admin_views.versions(self._shown(session), wearer, charge))

    @surface.says("Who changed what and why", takes=_Of, gives={200: surface.JSON}, problems=(400, 403), signed_in=True)
    async def _history(self, request: Request) -> Response:
        said = await self._said(request, _of.decode)
        if isinstance(said, Response):
            return said
        session, asked = said
        return self._json(admin_views.history(self._shown(session), asked.wearer, asked.before))

    @surface.says(
        "What a change would do", takes=surface.JSON, gives={200: surface.JSON}, problems=(400, 403), signed_in=True
    )
    async def _try(self, request: Request) -> Response:
        """What would be recorded and what would change, without doing it."""
        said = await self._said(request, _acts.decode)
        if isinstance(said, Response):
            return said
        session, asked = said
        try:
            meant = _meant(asked, session.account.person, self._program.judged_through)
        except Malformed as wrong:
            return self._json({"no": No.MALFORMED.value, "part": wrong.part, "word": wrong.word})
        if (no := self._program.office.no(meant.act)) is not None:
            return self._json({"no": no.value})
        register, open = self._program.office.register, self._program.loop.state.open
        told = administration.decide(register, meant.act, open, clock.now())
        shown = self._shown(session)
        return self._json({"no": None, "would": [admin_views.row(shown, 0, each) for each in told]})

    @surface.says(
        "A change of the register", takes=surface.JSON, gives={200: surface.JSON}, problems=(400, 403), signed_in=True
    )
    async def _do(self, request: Request) -> Response:
        said = await self._said(request, _acts.decode)
        if isinstance(said, Response):
            return said
        session, asked = said
        async with self._writing:
            if not self._program.sessions.live(session):
                return self._problem(401, "sign_in")  # taken away while another change was being written
            try:
                meant = _meant(asked, session.account.person, self._program.judged_through)
            except Malformed as wrong:
                return self._json({"no": No.MALFORMED.value, "part": wrong.part, "word": wrong.word})
            no = await self._kept(meant)
        if no is not None:
            return self._json({"no": no.value})
        wearer = meant.act.wearer if isinstance(meant.act, administration.Enrol) else None
        return self._json({"no": None, "secret": meant.secret or None, "wearer": wearer})

    async def _kept(self, meant: Meant) -> No | None:
        """A row of a new account opens nothing before its event is on disk; a renewed password counts after it."""
        office, store, act = self._program.office, self._program.store, meant.act
        if not isinstance(act, administration.OpenAccount | administration.RenewPassword):
            return office.take(act)
        if (no := office.no(act)) is not None:
            return no
        digest = await asyncio.to_thread(keys.hash_password, meant.secret)
        if (no := office.no(act)) is not None:
            return no
        if isinstance(act, administration.OpenAccount):
            left = next((each for each in office.rows.values() if each.login == act.login), None)
            person = left.person if left is not None else act.person  # a crash left the row and no event
            act = administration.OpenAccount(
                by=act.by, why=act.why, person=person, login=act.login, name=act.name, post=act.post, seat=act.seat
            )
            store.put_account(Account(person, act.login, act.name.strip(), "", act.seat.strip(), digest))
            return office.take(act)
        no = office.take(act)
        if no is None:
            store.put_account(msgspec.structs.replace(office.rows[act.person], argon2=digest))
            office.apply()
        return no

    def _shown(self, session: Session) -> Shown:
        program, office = self._program, self._program.office
        return Shown(
            me=session.account,
            register=office.register,
            rows=office.rows,
            record=office.record,
            heard=office.last_heard,
            people=program.people,
            here={each.person for each in program.seats},
            open=program.loop.state.open,
        )

    def _json(self, said: object) -> Response:
        return Response(msgspec.json.encode(said), media_type="application/json", headers=self._headers)

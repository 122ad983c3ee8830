"""A line to a partner's link port in the hands of an attacker who has keys: whatever can be said there, and what is answered."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import msgspec

from safetynet.core.events import Place
from safetynet.core.messages import AnyMessage, Envelope, RequestVideo, Send, signed_part
from safetynet.core.terms import AlarmKind, Basis, CentreId, FixId, IncidentId, Instant, RequestId, Source, Why
from safetynet.edge import clock, codec, keys
from safetynet.edge.link import Ack, Beat, Carry, Echo, Frame, Known
from safetynet.edge.store import enveloped
from safetynet.sim.children import HOST
from safetynet.sim.provision import CONTROL
from tools.attacks.stage import GARAM, Broken, Stage, demand, until

_FRAME: Final[msgspec.msgpack.Decoder[Frame]] = msgspec.msgpack.Decoder(Frame)
MINUTES_MS: Final = 60_000


class Road:
    """One connection as `centre` to the link port of `to`."""

    def __init__(
        self, centre: CentreId, to: CentreId, folder: Path, at: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        self.centre, self.to, self.keys = centre, to, keys.open_centre(folder)
        self.reader, self.writer = at
        self.epoch, self.seq = clock.now(), 0
        self.acks, self.heard = dict[tuple[int, int], Why | None](), list[AnyMessage]()
        self.over = False
        self.quiet = False
        """Says nothing more, not even a beat."""
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, ssl.SSLError):
            while True:
                size = int.from_bytes(await self.reader.readexactly(4), "big")
                self._take(_FRAME.decode(await self.reader.readexactly(size)))
        self.over = True

    def _take(self, frame: Frame) -> None:
        match frame:
            case Ack(epoch, seq, refused):
                self.acks[epoch, seq] = refused
            case Carry(envelope):
                self.heard.append(codec.decode_message(envelope.body, envelope.v))
                self.write(Ack(envelope.epoch, envelope.seq))
            case Beat(sent):
                self.write(Echo(sent))
            case _:
                return

    async def _beat(self) -> None:
        while not self.over:
            if not self.quiet:
                self.write(Beat(clock.monotonic_us()))
            await asyncio.sleep(1.0)

    def write(self, frame: Any) -> None:
        if not self.quiet and not self.writer.is_closing():
            self.raw(codec.encode_plain(frame))

    def raw(self, body: bytes, size: int | None = None) -> None:
        self.writer.write((len(body) if size is None else size).to_bytes(4, "big") + body)

    def envelope(self, message: AnyMessage, **but: object) -> Envelope:
        """Signed with this centre's own key, unless `signature` says otherwise; the next number, unless said."""
        self.seq += 1
        made = enveloped(
            Send(self.to, message),
            origin=self.centre,
            epoch=self.epoch,
            seq=self.seq,
            sent_at=clock.now(),
            sign=self.keys.sign,
        )
        signature = but.pop("signature", None)
        made = msgspec.structs.replace(made, **but)
        return msgspec.structs.replace(
            made, signature=signature if signature is not None else self.keys.sign(signed_part(made))
        )

    async def carry(self, envelope: Envelope) -> Why | str | None:
        """None when it is on their disk, the reason when it is refused, or that the line was dropped over it."""
        self.write(Carry(envelope))
        key = envelope.epoch, envelope.seq
        await until(lambda: key in self.acks or self.over, "an acknowledgement", 10)
        return self.acks.get(key, "dropped")

    async def say(self, message: AnyMessage) -> Why | str | None:
        return await self.carry(self.envelope(message))

    def close(self) -> None:
        for each in self.tasks:
            each.cancel()
        self.writer.close()


@contextlib.asynccontextmanager
async def road(
    stage: Stage, centre: CentreId, to: CentreId = GARAM, *, known: Known | None = None
) -> AsyncGenerator[Road]:
    """With the real keys and certificate of `centre`."""
    port = stage.ports.control_link if to == CONTROL else stage.ports.city_link(0)
    at = await asyncio.open_connection(HOST, port, ssl=keys.client_context(stage.files(centre)))
    opened = Road(centre, to, stage.files(centre), at)
    opened.write(known or Known(0, 0, b""))
    try:
        await asyncio.sleep(0.2)
        yield opened
    finally:
        opened.close()


def wanted(stage: Stage, incident: str, **but: object) -> RequestVideo:
    """A lawful request, as a control centre would make it; `but` is what the attacker changes."""
    lat, lon = stage.place()
    now = clock.now()
    place = Place(lat, lon, 20.0, Source.GNSS, Instant(now - 1_000), Instant(now), FixId(0))
    said: dict[str, object] = {
        "request": RequestId(f"R-{incident}"), "basis": Basis.DEVICE_DUTY, "kind": AlarmKind.STRAP_CUT, "place": place, "radius_m": 300,
        "cameras_max": 4, "until": Instant(now + 10 * MINUTES_MS),
    }  # fmt: skip
    moved = {name: but.pop(name) for name in tuple(but) if name in Place.__struct_fields__}
    place = msgspec.structs.replace(place, **moved)
    return RequestVideo(incident=IncidentId(incident), **{**said, "place": place, **but})  # type: ignore[arg-type]


async def answer(at: Road, incident: str) -> AnyMessage:
    """What the city says to a request."""
    found = await until(
        lambda: next((each for each in at.heard if each.incident == incident and type(each).__name__ in ("GiveGrant", "RefuseVideo")), None),
        "an answer of the city", 15,
    )  # fmt: skip
    if found is None:
        raise Broken("no answer")
    return found


async def refused(at: Road, message: RequestVideo) -> str:
    """The word of the refusal. Raises Broken when it is granted."""
    why = await at.say(message)
    if why is not None:
        return why.value if isinstance(why, Why) else why
    said = await answer(at, message.incident)
    demand(type(said).__name__ == "RefuseVideo", f"granted: {message.incident}")
    return str(said.why.value)  # type: ignore[union-attr]

"""OwnTracks over MQTT: subscribed at a broker of the operator's, acknowledged to it after the disk.

The telephone has its acknowledgement from the broker: what the broker promises is the broker's promise, and what it has
handed to us it is told only when the journal has it. The session is kept there while we are away. A message of quality
0 has no acknowledgement and may be lost on its way, as the telephone chose.

The library's own thread reads the network; everything else is done on the loop. When WAITING_MAX messages wait, that
thread waits too, and with it the broker.

Absent on purpose: MQTT 5, subscriptions of others' wishes.
"""

import asyncio
import concurrent.futures
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from safetynet.core.fixes import Mark
from safetynet.core.terms import CentreId, DeviceId, Instant
from safetynet.edge import clock, log
from safetynet.edge.config import Broker
from safetynet.edge.devices import owntracks
from safetynet.edge.devices.words import Known, Reason, Refusal
from safetynet.edge.intake import Intake
from safetynet.edge.keys import broker_password

WAITING_MAX: Final = 1_000
BATCH_MAX: Final = 500
KEEP_ALIVE_S: Final = 30
RETRY_FIRST_S: Final = 1
RETRY_MAX_S: Final = 5


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    payload: bytes
    mid: int
    qos: int


class Subscriber:
    """`up` says whether the broker is there. Refusals are counted in `intake.counts`."""

    def __init__(
        self,
        folder: Path,
        centre: CentreId,
        config: Broker,
        intake: Intake,
        known: Known,
        *,
        now: Callable[[], Instant] = clock.now,
    ) -> None:
        self._config, self._intake, self._known, self._now = config, intake, known, now
        self._waiting: asyncio.Queue[_Message] = asyncio.Queue(WAITING_MAX)
        self._topics: dict[DeviceId, str] = {}
        """Where each device last spoke: its commands go there. No more than there are devices."""
        self.up = False
        self._ended = False
        self._put: concurrent.futures.Future[None] | None = None
        # The name of the session that the broker keeps for us.
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"safetynet-{centre}", clean_session=False, manual_ack=True
        )
        self._client.reconnect_delay_set(RETRY_FIRST_S, RETRY_MAX_S)
        if config.user is not None:
            self._client.username_pw_set(config.user, broker_password(folder))
        if config.tls:
            own = folder / "keys" / "broker-ca.pem"
            self._client.tls_set_context(ssl.create_default_context(cafile=str(own) if own.exists() else None))
        intake.asked.listen(self._told)

    async def run(self) -> None:
        """Until cancelled. What the library's thread dies of comes out of here."""
        self._loop = asyncio.get_running_loop()
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message
        self._client.connect_async(self._config.host, self._config.port, KEEP_ALIVE_S)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.to_thread(self._client.loop_forever, retry_first_connection=True))
                tasks.create_task(self._work())
        finally:
            self._ended = True
            if self._put is not None:
                self._put.cancel()
            self._client.disconnect()

    async def _work(self) -> None:
        while True:
            await self._take([await self._waiting.get()])

    # --- on the library's thread -----------------------------------------------------------------------------------

    def _connected(self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe(owntracks.TOPIC, qos=1)
        self._loop.call_soon_threadsafe(self._stands, not reason.is_failure)

    def _disconnected(self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not self._ended:
            self._loop.call_soon_threadsafe(self._stands, False)

    def _message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        """Waits until there is room for it."""
        if self._ended:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # nobody's
        one = _Message(topic, bytes(message.payload), message.mid, message.qos)
        self._put = asyncio.run_coroutine_threadsafe(self._waiting.put(one), self._loop)
        try:
            self._put.result()
        except concurrent.futures.CancelledError:
            return  # it is not acknowledged, and the broker says it again

    # --- on the loop -----------------------------------------------------------------------------------------------

    def _stands(self, up: bool) -> None:  # noqa: FBT001 - the word of the connection
        if up != self.up:
            self.up = up
            log.say("broker_up" if up else "broker_down", log.Level.INFO if up else log.Level.WARN)

    async def _take(self, messages: list[_Message]) -> None:
        """All that waits, with one flush."""
        while not self._waiting.empty() and len(messages) < BATCH_MAX:
            messages.append(self._waiting.get_nowait())
        fixes = []
        for each in messages:
            got = self._read(each)
            if isinstance(got, Refusal):
                self._intake.counts[got.reason.value] += 1
            elif got is not None:
                fixes.append(got)
        if fixes:
            await self._intake.take(fixes)
        for each in messages:
            self._client.ack(each.mid, each.qos)
        for device in {each.device for each in fixes}:
            self._told(device)

    def _read(self, message: _Message) -> owntracks.Got:
        device = owntracks.device_of(message.topic)
        whose = None if device is None else self._known(device)
        if device is None or whose is None:
            return Refusal(Reason.UNKNOWN_DEVICE)
        if len(message.payload) > owntracks.BODY_BYTES_MAX:
            return Refusal(Reason.FRAME_TOO_LONG)
        self._topics[device] = message.topic
        if self._config.own_topics:
            self._intake.proved.add(device)
        elif device in self._intake.proved:
            return Refusal(Reason.UNPROVEN)
        got = owntracks.of(message.payload, device, whose, self._now())
        if got is None or isinstance(got, Refusal) or self._config.own_topics:
            return got
        return msgspec.structs.replace(got, marks=got.marks | Mark.UNPROVEN)

    def _told(self, device: DeviceId) -> None:
        topic = self._topics.get(device)
        if topic is None or not self.up:
            return
        for wish in self._intake.asked.take(device):
            self._client.publish(f"{topic}/cmd", owntracks.command(wish), qos=1)

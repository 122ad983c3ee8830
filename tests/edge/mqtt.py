"""As much of a broker of MQTT 3.1.1 as the tests need, with what it was told kept: the library is the independent side."""

import asyncio


def text(data):
    return len(data).to_bytes(2, "big") + data


def packet(kind, body):
    size, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        size += bytes((digit | (0x80 if left else 0),))
        if not left:
            return bytes((kind,)) + size + body


class Broker:
    """One client at a time. What it does not acknowledge is said again when it comes back."""

    def __init__(self):
        self.acknowledged, self.commands, self.clients, self.subscribed = [], [], [], asyncio.Event()
        self.acknowledgement = asyncio.Event()
        self._owed, self._mid, self._writer = {}, 0, None

    async def start(self, port=0):
        self._server = await asyncio.start_server(self._client, "127.0.0.1", port)
        return self._server.sockets[0].getsockname()[1]

    async def close(self):
        self._server.close()
        if self._writer is not None:
            self._writer.close()
            await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    def publish(self, topic, payload, qos=1):
        self._mid += 1
        self._owed[self._mid] = topic, payload
        self._say(self._mid, topic, payload, qos)
        return self._mid

    def _say(self, mid, topic, payload, qos=1, again=0):
        body = text(topic) + (mid.to_bytes(2, "big") if qos else b"") + payload
        self._writer.write(packet(0x30 | qos << 1 | again << 3, body))

    async def _client(self, reader, writer):
        self._writer = writer
        try:
            while True:
                kind = (await reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    digit = (await reader.readexactly(1))[0]
                    size |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                self._heard(kind, await reader.readexactly(size), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.subscribed.clear()
        finally:
            writer.close()

    def _heard(self, kind, body, writer):
        match kind >> 4:
            case 1:  # CONNECT
                self.clients.append(body)
                writer.write(packet(0x20, b"\x01\x00"))
            case 8:  # SUBSCRIBE
                writer.write(packet(0x90, body[:2] + b"\x01"))
                self.subscribed.set()
                for mid, (topic, payload) in self._owed.items():
                    self._say(mid, topic, payload, again=1)
            case 4:  # PUBACK
                mid = int.from_bytes(body, "big")
                self._owed.pop(mid, None)
                self.acknowledged.append(mid)
                self.acknowledgement.set()
            case 3:  # PUBLISH
                length = int.from_bytes(body[:2], "big")
                self.commands.append((body[2 : 2 + length].decode(), body[4 + length :]))
                writer.write(packet(0x40, body[2 + length : 4 + length]))
            case 12:  # PINGREQ
                writer.write(packet(0xD0, b""))
            case _:
                pass

"""A command that asks a centre as a person does: signed in over HTTP on this machine, with the person's own password.

So that what a command changes goes through the same door, the same checks and the same record as what a page changes.

Absent on purpose: TLS to elsewhere. A command runs beside its centre, or through a door that brings its own.
"""

import http.client
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from safetynet.edge.codec import NONSENSE

ANSWER_S_MAX: Final = 300
"""A list of thousands is judged before the answer comes."""
ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
_REASON: Final = re.compile(r"[a-z_]{1,40}")


class RefusedError(Exception):
    """The centre said no, or nothing. `reason` is its word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Caller:
    """One signed-in person. Raises RefusedError."""

    def __init__(self, host: str, port: int, account: str, password: str) -> None:
        self._host, self._port, self._cookie = host, port, ""
        said = msgspec.json.encode({"account": account, "password": password})
        status, headers, _ = self._send("/sign-in", said, "application/json")
        if status != 200:
            raise RefusedError("not_signed_in" if status == 401 else "locked" if status == 429 else f"status_{status}")
        self._cookie = headers.get("set-cookie", "").partition(";")[0]

    def ask(self, path: str, said: object) -> Any:
        """The answer as plain JSON."""
        return self._asked(path, msgspec.json.encode(said), "application/json")

    def hand_in(self, path: str, data: bytes) -> Any:
        """A file; the answer as plain JSON."""
        return self._asked(path, data, "application/octet-stream")

    def leave(self) -> None:
        self._send("/sign-out", b"", "application/json")

    def _asked(self, path: str, data: bytes, kind: str) -> Any:
        status, _, body = self._send(path, data, kind)
        try:
            answer = msgspec.json.decode(body)
        except NONSENSE as nonsense:
            raise RefusedError("unreadable_answer") from nonsense
        if status != 200:
            reason = answer.get("reason") if isinstance(answer, dict) else None
            raise RefusedError(reason if isinstance(reason, str) and _REASON.fullmatch(reason) else f"status_{status}")
        return answer

    def _send(self, path: str, data: bytes, kind: str) -> tuple[int, Mapping[str, str], bytes]:
        line = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S_MAX)
        try:
            headers = {"content-type": kind} | ({"cookie": self._cookie} if self._cookie else {})
            line.request("POST", path, data, headers)
            answer = line.getresponse()
            body = answer.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as fault:
            raise RefusedError("unreachable") from fault
        finally:
            line.close()
        return answer.status, {key.casefold(): value for key, value in answer.getheaders()}, body

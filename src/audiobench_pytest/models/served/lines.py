"""A line to a guard, and what a server says of itself: whether it is well, and whom it answers for."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import time
from pathlib import Path
from typing import Any

from audiobench_pytest.models.isolated.process import status_of

_LOOK_S = 5.0
_LOG_BYTES = 64 * 1024
_SHOWN_LINES = 20


class Line:
    """A connection to a guard: the server lives as long as it stands."""

    def __init__(self, port: int) -> None:
        """Connect.

        Args:
            port: Of the guard.

        Raises:
            OSError: Nobody listens there.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), _LOOK_S)

    def ended(self, seconds: float = 0.0) -> str | None:
        """Return how the server ended, or None if it has not within so many seconds."""
        try:
            if not select.select([self._socket], [], [], seconds)[0]:
                return None
            said = self._socket.recv(64).decode("ascii", "replace").split()
        except (OSError, ValueError):
            said = []
        if said[:1] != ["exited"]:
            return "the process that guards it died"
        return f"its process ended with {status_of(int(said[1]))}" if said[1] != "None" else "it was ended"

    def leave(self, seconds: float, word: bytes = b"bye") -> None:
        """Let go of the server, and wait until it has ended unless others use it.

        Args:
            seconds: How long to wait.
            word: `bye`, or `kill` to end it for the others, too.
        """
        with contextlib.suppress(OSError):
            self._socket.settimeout(seconds)
            self._socket.sendall(word)
            while (said := self._socket.recv(64)) and b"others" not in said:
                pass
        self._socket.close()


def is_well(port: int) -> bool:
    """Whether a server says that it is ready (`GET /health`)."""
    return _get(port, "/health")[0] == 200


def models_of(port: int) -> list[str]:
    """Return the names of the models that a server answers for (`GET /v1/models`); empty where it tells none."""
    data = _object(_get(port, "/v1/models")[1]).get("data")
    entries = data if isinstance(data, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def version_of(port: int) -> str | None:
    """Return the version that a server says it is of (`GET /version`), or None."""
    found = _object(_get(port, "/version")[1]).get("version")
    return found if isinstance(found, str) else None


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a log that are not blank."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-_SHOWN_LINES:]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def is_free(port: int, within: float = 0.0) -> bool:
    """Whether a program could listen at a port now, or so many seconds from now."""
    until = time.monotonic() + within
    while True:
        try:
            with socket.create_server(("127.0.0.1", port)):
                return True
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LOOK_S)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read(1 << 20)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

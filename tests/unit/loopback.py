"""What servers of the tests have in common: asyncio in a thread, from `with` to its end, on a port of this machine."""

import asyncio
import threading
from typing import Self

from waiting import HANGS_S


class Loopback:
    """Use as a context manager; a subclass listens in `_serve` until `_stop` is set, once it has set `ready`."""

    _loop: asyncio.AbstractEventLoop
    _stop: asyncio.Event

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._begin(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(HANGS_S)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(HANGS_S)

    async def _begin(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(ready)

    async def _serve(self, ready: threading.Event) -> None:
        raise AssertionError("a server says how it listens")

"""Waiting for what another thread or process does: for an event, with a bound that only ends what hangs."""

import time
from collections.abc import Callable

HANGS_S = 120.0
"""Longer than anything takes on the busiest machine: it ends what hangs, and no test shows by it that it is fast."""


def until(condition: Callable[[], object], seconds: float = HANGS_S) -> bool:
    """Wait for a condition; return whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True

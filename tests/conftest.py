"""For all tests: none fails because the machine was busy with something else, or because of how it was started."""

import contextlib
import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# Read when numpy and torch are imported, here and in all that the tests start. A thread per core in each of many
# processes is mostly waiting for another, at full speed: a small convolution took sixteen times its work.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# What a script starts with `&` ignores Ctrl-C, and so would all that the tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Most tests wait for processes that they start: with a worker per core, half of each core is idle."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Hand out few tests at a time: by default a worker is given hundreds in a row, all the slow ones of a folder."""
    if getattr(config.option, "maxschedchunk", 0) is None:
        config.option.maxschedchunk = 8


def pytest_collection_finish() -> None:
    """Leave what was collected out of later searches for garbage: with 16,000 tests one takes a third of a second."""
    gc.collect()
    gc.freeze()

"""Sound for another process of this machine: a file in memory that has no name."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHARED_MEMORY = Path("/dev/shm")


class AudioFile:
    """A file that holds the samples of one batch; the child inherits its descriptor and maps it into its memory.

    It has no name (a memfd, or a temporary file that is unlinked before it is used), so that the kernel frees it when
    the last of the two processes has ended, however it ended, and there is nothing to clean up.

    The parent writes instead of mapping: where memory runs out, writing raises an error, while touching a mapped page
    kills the process with SIGBUS.

    Attributes:
        descriptor: To be inherited by the child.
    """

    def __init__(self) -> None:
        """Make an empty file.

        Raises:
            OSError: Neither a file in memory nor a temporary one can be made.
        """
        self.descriptor = _nameless()

    def write(self, clips: Sequence[NDArray[np.float32]]) -> None:
        """Replace what the file holds by these clips, one after the other.

        Args:
            clips: `(samples,) float32`, contiguous.

        Raises:
            OSError: There is no memory left for them.
        """
        position = 0
        for clip in clips:
            with memoryview(as_bytes(clip)) as rest:
                done = 0
                while done < len(rest):  # one call writes 2 GiB at most
                    done += os.pwrite(self.descriptor, rest[done:], position + done)
                position += done

    def close(self) -> None:
        """Give up this process's share of the file; a second call does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_bytes(clip: NDArray[np.float32]) -> Any:
    """Return the clip's memory without a copy, as something with the buffer protocol and a length in bytes.

    Args:
        clip: `(samples,) float32`; one that is not contiguous, or of another type, is copied.
    """
    import numpy as np

    return np.ascontiguousarray(clip, dtype=np.float32).view(np.uint8).data


def _nameless() -> int:
    if hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError):  # a container may forbid it
            return os.memfd_create("audiobench-audio", os.MFD_CLOEXEC)
    folder = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())

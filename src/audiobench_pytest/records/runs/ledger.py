"""What a run has paid, added up by all its processes: a file of numbers, eight bytes for each payment."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from audiobench_pytest.errors import RecordError

_NUMBER = struct.Struct("<d")


class Ledger:
    """Payments of the processes of one attempt; one `write` each, so that none is lost between them."""

    def __init__(self, path: Path) -> None:
        """Keep them in a file, which is made at the first payment."""
        self._path = path
        self._read, self._total = 0, 0.0

    def add(self, usd: float) -> None:
        """Note a payment.

        Args:
            usd: In US dollars.

        Raises:
            RecordError: It cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                os.write(file, _NUMBER.pack(usd))
            finally:
                os.close(file)
        except OSError as exc:
            raise RecordError(f"cannot note what was paid in {self._path}: {exc.strerror or exc}") from exc

    def total(self) -> float:
        """Return the sum of what all processes have noted so far, in US dollars."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return self._total
        whole = len(new) - len(new) % _NUMBER.size
        self._read += whole
        self._total += sum(value for (value,) in _NUMBER.iter_unpack(new[:whole]))
        return self._total

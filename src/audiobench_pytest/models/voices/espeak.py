"""espeak-ng, whose library and voices of over a hundred languages a wheel brings: the voice that needs no weights."""

from __future__ import annotations

import contextlib
import functools
import json
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import Answer, Audio, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VOICES = {"en": "en-us", "zh": "cmn", "cmn-hans": "cmn", "no": "nb", "nn": "nb", "iw": "he", "in": "id"}
"""Names of voices where they are not the language's own code."""

_NO_VOICE, _FAILED = 1, 2


class EspeakAdapter(ModelAdapter):
    """Says a text in the voice of its language; the same text always sounds the same."""

    options: ClassVar[Mapping[str, Option]] = {
        "voice": Option(str, None, "name of the voice; else that of the language"),
    }
    gives = frozenset({"speech"})
    reads_aloud = True
    takes_language_hint = True
    sample_rate = None
    packages = ("espeakng_loader",)
    extra = "demo-speech"

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the version of the wheel, which brings library and voices."""
        return {**self.base_identity(), "espeakng-loader": version("espeakng-loader")}

    def load(self) -> None:
        """Start the process that speaks.

        Raises:
            ModelError: The library cannot be loaded.
        """
        import espeakng_loader

        child = Path(__file__).with_name("speaking_child.py")
        library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(child), str(library), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        told = _read(self._out, 4)
        self._rate = struct.unpack("<i", told)[0] if told is not None else 0
        if self._rate <= 0:
            self.close()
            raise ModelError(f"model '{self.spec.name}': espeak-ng cannot be loaded from {library}")

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Say each text by itself."""
        return [self._answer(request) for request in batch]

    def close(self) -> None:
        """End the process that speaks."""
        process = self.__dict__.pop("_process", None)
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            process.wait()

    @property
    def _out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _answer(self, request: Request) -> Answer:
        import numpy as np

        text, language = request.prompt.text or "", request.prompt.language or "en"
        voice = self.args["voice"] or _voice(language)
        status, said = self._asked(text, voice)
        if status == _NO_VOICE:
            return Answer(error=f"espeak-ng has no voice '{voice}' for the language '{language}': name one with voice=")
        if status == _FAILED:
            return Answer(error=f"espeak-ng failed on the text {text!r:.80}")
        samples: NDArray[np.float32] = np.frombuffer(said, "<i2").astype(np.float32) / np.float32(32768)
        return Answer(speech=Audio(samples, self._rate), meta={"voice": voice})

    def _asked(self, text: str, voice: str) -> tuple[int, bytes]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"text": text, "voice": voice}).encode() + b"\n")
        self._process.stdin.flush()
        head = _read(self._out, 5)
        if head is None:
            raise ModelError(f"the process of model '{self.spec.name}' ended: status {self._process.wait()}")
        status, length = struct.unpack("<BI", head)
        said = _read(self._out, length)
        return status, said if said is not None else b""


@functools.cache
def _voice(language: str) -> str:
    """Return the name of a language's voice: `en-us` of `en`, `pt-br` of `pt_BR`."""
    code = language.casefold().replace("_", "-")
    return _VOICES.get(code) or code


def _read(pipe: IO[bytes], count: int) -> bytes | None:
    found = pipe.read(count)
    return found if len(found) == count else None

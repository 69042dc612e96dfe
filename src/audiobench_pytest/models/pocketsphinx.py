"""CMU PocketSphinx: an English recogniser small enough to ship inside its package and to run on any laptop's CPU."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, SampleError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.records.digests import content_digest
from audiobench_pytest.types import Answer, Audio, Request

if TYPE_CHECKING:
    from pocketsphinx import Decoder

# pocketsphinx 5.1.1 divides by (log beam / 256) in whole numbers when many states are active: from about 4e-12 upwards
# that is a division by zero, which kills the process. 1e-12 decodes all of minispeech, to nonsense.
_LARGEST_BEAM = 1e-12

_PACKAGED = {"hmm": "en-us/en-us", "lm": "en-us/en-us.lm.bin", "dict": "en-us/cmudict-en-us.dict"}


class PocketsphinxAdapter(ModelAdapter):
    """Decodes each clip as one whole utterance, from the same state, so that no answer depends on another clip.

    Decoding holds the interpreter lock: threads gain nothing, processes do.
    """

    version: ClassVar[str] = "1"
    options: ClassVar[Mapping[str, Option]] = {
        "beam": Option(
            float, 1e-48, f"beam width of the first search pass, above 0, at most {_LARGEST_BEAM:g}; smaller is wider"
        ),
        "lw": Option(float, 6.5, "language model weight of the first search pass, above 0"),
        "hmm": Option(str, None, "folder of an acoustic model for 16 kHz sound; the packaged one by default"),
        "lm": Option(str, None, "file of an n-gram language model; the packaged one by default"),
        "dict": Option(str, None, "file of a pronunciation dictionary; the packaged one by default"),
    }
    sample_rate: int | None = 16_000
    batch_rows: int = 1
    packages: ClassVar[tuple[str, ...]] = ("pocketsphinx",)
    extra: ClassVar[str] = "demo"

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; see the base class.

        Raises:
            MissingExtraError: The package pocketsphinx is not installed.
            UsageError: `beam` or `lw` is out of range.
            ModelError: A model file or folder that was named does not exist.
        """
        super().__init__(spec, args)
        beam, weight = self.args["beam"], self.args["lw"]
        if not 0 < beam <= _LARGEST_BEAM:
            raise UsageError(
                f"--model-args: beam={beam:g} of model '{spec.name}' must be above 0 and at most {_LARGEST_BEAM:g}"
            )
        if not 0 < weight < math.inf:
            raise UsageError(f"--model-args: lw={weight:g} of model '{spec.name}' must be a finite number above 0")
        self._custom = {name: Path(self.args[name]).expanduser() for name in _PACKAGED if self.args[name] is not None}
        for name, path in self._custom.items():
            if not (path.is_dir() if name == "hmm" else path.is_file()):
                kind = "folder" if name == "hmm" else "file"
                raise ModelError(f"model '{spec.name}': {name}={path} is no {kind}; give the path of an existing one")
        self._decoder: Decoder | None = None

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the package's version and, for files of the user's own, their content.

        A path is replaced by the digest of what it holds: the same model elsewhere answers the same, and another model
        in the same place does not. The packaged model is covered by the package's version.
        """
        identity = self.base_identity()
        try:
            identity["args"] |= {name: f"sha256:{content_digest(path)}" for name, path in self._custom.items()}
        except SampleError as exc:
            raise ModelError(str(exc)) from exc
        identity["packages"] = {"pocketsphinx": importlib.metadata.version("pocketsphinx")}
        return identity

    def load(self) -> None:
        """Load acoustic model, language model and dictionary (0.25 s for the packaged ones).

        Raises:
            ModelError: PocketSphinx refuses the files.
        """
        self._decoder = self._new_decoder()

    def generate(self, batch: Sequence[Request]) -> Sequence[Answer]:
        """Answer each request; a clip that is empty, too short or silent is answered with nothing."""
        return [self._answer(request) for request in batch]

    def close(self) -> None:
        """Free the decoder."""
        self._decoder = None

    def describe(self) -> dict[str, Any]:
        """Return the device, which is always the CPU, and the package's version."""
        return {"device": "cpu", "version": importlib.metadata.version("pocketsphinx")}

    def _answer(self, request: Request) -> Answer:
        if request.audio is None:
            return Answer(error="pocketsphinx was handed no audio")
        if len(request.audio.samples) == 0:
            return Answer()  # pocketsphinx itself raises on an empty buffer
        pcm = _pcm16(request.audio)
        decoder = self._decoder or self._new_decoder()
        # Trusted again only when this clip has been decoded in full: an error or the silence below leaves a state that
        # no reset is known to clear.
        self._decoder = None
        try:
            # The noise tracker of the front end survives an utterance and changed 11 of 84 texts between orders of the
            # same clips, batch cepstral means or not (`set_cmn` does not touch it). Rebuilding the front end takes
            # 0.03 ms and gives the texts, scores and word times of a fresh decoder (0.25 s) on all 84.
            decoder.reinit_feat()
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)
            decoder.end_utt()
            hypothesis = decoder.hyp()
        except RuntimeError as exc:
            return Answer(error=f"pocketsphinx: {exc}")
        if "nan" in decoder.get_cmn():
            # Digital silence: no frame has energy, the mean is 0/0, and what is then recognised ("dog", "ice") depends
            # on the clip before even after a reset.
            return Answer()
        self._decoder = decoder
        return Answer(hypothesis.hypstr if hypothesis is not None else "")

    def _new_decoder(self) -> Decoder:
        import pocketsphinx

        # Explicit paths: by default the variable POCKETSPHINX_PATH could put another model behind the same identity.
        packaged = Path(pocketsphinx.__file__).parent / "model"
        paths = {name: str(self._custom.get(name, packaged / below)) for name, below in _PACKAGED.items()}
        try:
            return pocketsphinx.Decoder(
                **paths, beam=self.args["beam"], lw=self.args["lw"], cmn="batch", loglevel="FATAL"
            )
        except (RuntimeError, ValueError) as exc:
            raise ModelError(
                f"model '{self.spec.name}': pocketsphinx cannot load {', '.join(f'{k}={v}' for k, v in paths.items())} "
                f"({exc}); `pocketsphinx_batch` or a Decoder with loglevel='INFO' says which file it refuses"
            ) from exc


def _pcm16(audio: Audio) -> bytes:
    """Return float sound as 16-bit little-endian PCM; the exact inverse of decoding a 16-bit file."""
    import numpy as np

    scaled = np.rint(audio.samples.astype(np.float64) * 32768.0)
    return np.clip(scaled, -32768, 32767).astype("<i2").tobytes()

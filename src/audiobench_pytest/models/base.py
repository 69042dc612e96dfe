"""What a model adapter is: what its answers depend on, load, generate, close."""

from __future__ import annotations

import abc
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, ModelError
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import MAIN_SOUND, Answer, Prompt, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_BYTES_OF_A_PARAMETER = 5
"""Of float32, and a quarter more for what it works in; in half precision that leaves as much again."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A repository that a model's weights are fetched from.

    Attributes:
        repo: Hub id.
        revision: Branch, tag or commit; None for the newest.
        whole: Whether all of its files may be read; else those that the transformers library loads.
        elsewhere: Who keeps it, where that is not the Hugging Face hub.
        file: The one file of it that is read; "" for several.
        below: A folder of it whose weights are read too; "" for none.
    """

    repo: str
    revision: str | None = None
    whole: bool = False
    elsewhere: str = ""
    file: str = ""
    below: str = ""


def weights_of(
    source: Any,
    revision: str | None = None,
    *,
    whole: bool = False,
    elsewhere: str = "",
    file: str = "",
    below: str = "",
) -> list[Weights]:
    """Return what a source says is to be fetched: a repository, or nothing for a folder of this machine or none."""
    if not source or str(source).startswith((".", "/", "~")) or Path(str(source)).is_dir():
        return []
    return [Weights(str(source), revision, whole, elsewhere, file, below)]


class ModelAdapter(abc.ABC):
    """One model behind one face.

    The runner constructs an adapter (cheap, nothing is loaded), asks `identity()` to see which answers the cache has,
    and only when some are missing calls `load()`, then `generate()` per batch, then `close()`. While it loads, the
    first clips are decoded already: what decides on batches and decoding must be known before.

    Attributes:
        version: Raised when the adapter changes in a way that changes answers; part of every cache key.
        options: What `--model-args` may set.
        sample_rate: Hz at which `generate` wants its audio; None when it never looks at the sound, which is then not
            even decoded.
        sees: What beside the sound and the prompt `generate` uses: `"reference"`, `"choices"`, `"sample_id"`. The
            runner hands over only what this names, and what is named becomes part of the cache key.
        gives: What it can answer with: `"text"`, `"speech"` (`Answer.speech`), `"rating"` (numbers about a sound, in
            `Answer.meta["rating"]`, by name).
        reads_aloud: Whether it says aloud the text that it is given in `Prompt.text`, as it stands.
        draws_at_random: Whether another draw of the same question may give another answer; then `generate` seeds by
            `drawn_seed`.
        takes_style: Whether it heeds `Prompt.style`, how the text is to be said.
        takes_language_hint: Whether the dataset's language is passed in `Prompt.language`.
        follows_instructions: Whether it does what it is told, so that any task can be asked of it; a plain recogniser
            writes down speech, whatever it is told.
        takes_instruction: Whether it has to be told what to do, in `Prompt.text`.
        takes_messages: Whether it heeds `Prompt.messages`: order of sound and text, system message, several turns.
        takes_tools: Whether it may be given tools to call.
        may_take_tools: Whether a model of its kind may be, as far as can be told before one is looked at.
        most_sounds: Most sounds of one question; None for any number.
        batch_rows: Most rows of a batch.
        batch_seconds: Most seconds of a batch, padding included.
        fitting_seconds: Padded seconds that a batch may hold, learned by running out of memory; None until then.
        least_seconds: Seconds up to which the model itself fills every shorter clip: so much it counts in what fits.
        equal_length: The model has no attention mask: only clips of exactly equal length may share a batch.
        streams: Many questions are in flight at once and answers come in any order (a server): the runner then calls
            `stream` instead of `generate`, so that no slot waits for the slowest of a batch.
        overlaps: `generate` leaves the interpreter lock to others while it works (on a device, in another process), and
            may be called in another thread than `load`: the runner then keeps and scores one batch while the next is
            being answered. False for a model that must stay in the main thread, or that would gain nothing.
        fills_gpu: Share of a GPU's memory that it takes whatever its size is; 0 for a model that takes what it needs.
        warm_up: What it is asked first after loading takes longer than the same later (kernels, memory pools), and no
            answer depends on what was asked before: the runner then asks a made-up question first.
        made_ready: Whether `make_ready` makes something that loading would have to wait for.
        made_what: What that is, in a word.
        folder: Where it may write beside a run (a log); None where there is no run.
        logs: Whether it writes a log there.
        packages: Import names of the packages it needs beyond the core.
        extra: The extra of this distribution that brings them, for the error message.
        installed_by: The command that brings them, where no extra does.
    """

    version: ClassVar[str] = "1"
    options: ClassVar[Mapping[str, Option]] = {}
    sample_rate: int | None = 16_000
    sees: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset({"text"})
    reads_aloud: bool = False
    takes_style: ClassVar[bool] = False
    draws_at_random: ClassVar[bool] = False
    takes_language_hint: bool = False
    follows_instructions: ClassVar[bool] = False
    takes_instruction: bool = False
    takes_messages: bool = False
    takes_tools: bool = False
    may_take_tools: ClassVar[bool] = False
    most_sounds: int | None = 1
    batch_rows: int = 1
    batch_seconds: float = 480.0
    fitting_seconds: float | None = None
    least_seconds: float = 0.0
    equal_length: bool = False
    streams: bool = False
    overlaps: bool = False
    fills_gpu: ClassVar[float] = 0.0
    warm_up: bool = False
    folder: Path | None = None
    logs: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    installed_by: ClassVar[str] = ""
    made_ready: ClassVar[bool] = False
    made_what: ClassVar[str] = "environment"

    @classmethod
    def options_for(cls, spec: ModelSpec) -> Mapping[str, Option]:
        """Return what `--model-args` may set for one model: the adapter's options, unless the entry brings its own."""
        return cls.options

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether a model that is configured like this does what it is told; see `follows_instructions`.

        Args:
            spec: The catalogue entry, which may know better than the adapter.
            args: Checked values of the adapter's options.
        """
        return cls.follows_instructions if spec.follows is None else spec.follows

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether a model that is configured like this may answer otherwise in another draw; see `draws_at_random`.

        Args:
            spec: The catalogue entry, which may know better than the adapter.
            args: Checked values of the adapter's options.
        """
        return cls.draws_at_random if spec.varies is None else spec.varies

    @classmethod
    def is_told(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether a model that is configured like this is told what to do in `Prompt.text`.

        It is where it follows instructions, unless the user has given it one for everything (`prompt=`).

        Args:
            spec: The catalogue entry.
            args: Checked values of the adapter's options.
        """
        return cls.follows(spec, args) and args.get("prompt") is None

    @classmethod
    def require(cls, spec: ModelSpec) -> None:
        """Check that the packages are installed, importing none of them.

        Raises:
            MissingExtraError: One is not; the message has the command that brings it.
        """
        for package in cls.packages:
            if importlib.util.find_spec(package) is None:
                raise MissingExtraError(f"model '{spec.name}'", package, cls.extra, cls.installed_by)

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return what is not there that the model needs, each with the command that brings it; nothing is imported.

        Args:
            spec: The catalogue entry.
            args: Checked values of the adapter's options.
        """
        command = cls.installed_by or f"pip install 'audiobench-pytest[{cls.extra}]'"
        return [
            (f"the package '{package}'", command)
            for package in cls.packages
            if importlib.util.find_spec(package) is None
        ]

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repositories that loading the model fetches from; none for one that brings or needs no weights.

        Args:
            spec: The catalogue entry.
            args: Checked values of the adapter's options.
        """
        return []

    @classmethod
    def make_ready(cls, spec: ModelSpec) -> str:
        """Make what has to be made once on this machine before the model can load; return in words what that is.

        Raises:
            AudiobenchError: It cannot be made.
        """
        return ""

    @classmethod
    def at_hand(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether it could be loaded now, without anything being fetched or made but its weights; see `lacks`."""
        return not cls.lacks(spec, args)

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Keep what was asked; load no weights. What the checkpoint's configuration files say may be read here.

        Args:
            spec: The catalogue entry (or one made up for `hf:...`).
            args: Checked values, see `options.checked_args`; every option of `options` is present.

        Raises:
            MissingExtraError: A package it needs is not installed.
            ModelError: The checkpoint does not exist.
        """
        self.require(spec)
        self.spec = spec
        self.args = dict(args)
        self.takes_instruction = self.is_told(spec, args)
        self.reads_aloud = self.reads_aloud or spec.reads_aloud

    def refuses(self, prompt: Prompt) -> str | None:
        """Return why it cannot be asked with a prompt, or None where it can."""
        most, name = self.most_sounds, self.spec.name
        if prompt.style and not self.takes_style:
            return f"model '{name}' says a text in its own way and is told no other"
        if prompt.tools and not self.takes_tools:
            why = "; its chat template has no place for them" if self.may_take_tools else ""
            return f"model '{name}' cannot be given tools to call{why}"
        if most is not None and len(prompt.sounds) > most:
            return (
                f"model '{name}' hears {most} sound{'s' * (most != 1)} at once; the question has {len(prompt.sounds)}"
            )
        if not prompt.is_simple and not self.takes_messages:
            return (
                f"model '{name}' takes one instruction about one sound; the prompt '{prompt.profile}' has "
                f"{len(prompt.messages)} turns with {len(prompt.sounds)} sounds"
            )
        return None

    @abc.abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return all that the answers depend on beside prompt and audio, as plain JSON values, without loading.

        The base values (adapter name and version, model name, revision, arguments that affect answers) are given by
        `base_identity`; an adapter adds weights digests, resolved commit, dtype, and package versions that matter.
        """

    @abc.abstractmethod
    def load(self) -> None:
        """Bring the model into memory.

        Raises:
            ModelError: It cannot be loaded; the message says why and what to do.
        """

    @abc.abstractmethod
    def generate(self, batch: Sequence[Request]) -> Sequence[Answer]:
        """Answer each request, in the order given.

        Args:
            batch: At most `batch_rows` requests; `audio.samples` is `(samples,) float32` at `sample_rate` Hz.

        Returns:
            One answer per request. Raising fails the whole batch; its halves are then asked again, down to one.
        """

    def stream(self, requests: Iterator[Request]) -> Iterator[tuple[Request, Answer]]:
        """Answer requests as fast as they can be answered, in any order; used where `streams` is true.

        Args:
            requests: Decoded one after the other while earlier ones are being answered: take the next only when
                there is room for it.

        Yields:
            Each request once, with its answer; one that could not be answered has `Answer.error`.
        """
        for request in requests:
            yield request, self.generate([request])[0]

    def warm(self, request: Request) -> None:
        """Do all that happens only once; called after `load` where `warm_up` is true, in the thread that asks.

        Args:
            request: A made-up question: a second of silence and the first real question's prompt.
        """
        self.generate([request])

    def synchronize(self) -> None:  # noqa: B027 - optional to override
        """Wait until the device has done all it was given; called before the clock is read.

        Raises:
            Exception: What went wrong on the device since; it fails the batch, as in `generate`.
        """

    def close(self) -> None:  # noqa: B027 - optional to override
        """Free the model's memory; `load` may follow when the model is asked for again."""

    def loads_beside(self) -> bool:
        """Whether `load` may be called now, in another thread, while another model of this process is asked.

        It then changes none of that one's answers: it works in a process of its own, or leaves alone what a process
        has once (seeds, the default precision, the main thread). And it can be stopped at any moment.
        """
        return self.spec.loads_beside

    def takes_gib(self) -> float | None:
        """Return how much memory it takes once it is loaded, in GiB, as far as its entry tells; None is not known."""
        parameters = self.spec.parameters
        if self.spec.memory_gb is not None or parameters is None:
            return self.spec.memory_gb
        return parameters * _BYTES_OF_A_PARAMETER / (1 << 30)

    def describe(self) -> dict[str, Any]:
        """Return what is worth showing after loading: device, dtype, device name, package versions.

        `device`, `device_name`, `devices` (how many are visible), `device_memory_gb` and `dtype` are part of the
        hardware's fingerprint, see `runner.hardware`.
        """
        return {}

    def base_identity(self) -> dict[str, Any]:
        """Return the part of `identity` that is the same for all adapters."""
        options = self.options_for(self.spec)
        kept = {k: v for k, v in sorted(self.args.items()) if options[k].affects_answers}
        return {
            "adapter": self.spec.adapter,
            "adapter_version": self.version,
            "model": self.spec.source or self.spec.name,
            "revision": self.spec.revision,
            "args": kept,
        }


def drawn_seed(seed: int, draw: int) -> int:
    """Return the seed of one of several answers: that of the model for the first, and of no other seed's draws.

    Args:
        seed: The model's own.
        draw: Which answer, from 0.
    """
    return seed if not draw else int.from_bytes(hashlib.sha256(f"{seed}:draw {draw}".encode()).digest()[:4]) >> 1


def waveform_of(
    request: Request, sample_rate: int, model: str, name: str = MAIN_SOUND, *, numbers: bool = True
) -> NDArray[np.float32]:
    """Return a sound of a request, `(samples,)`.

    Args:
        request: What is asked.
        sample_rate: Hz at which the model wants it.
        model: Name of the model, for the message.
        name: Which of its sounds.
        numbers: Whether all of it has to be numbers; whoever says what else is wrong with a sound asks for all of it.

    Raises:
        ModelError: There is none, it is of another rate, or not all of it are numbers.
    """
    audio = request.sound(name)
    if audio is None or audio.sample_rate != sample_rate:
        got = "no audio" if audio is None else f"{audio.sample_rate} Hz"
        raise ModelError(f"sample '{request.sample_id}': model '{model}' wants {sample_rate} Hz, got {got}")
    import numpy as np

    if numbers and not np.isfinite(audio.samples).all():
        raise ModelError(f"sample '{request.sample_id}': its sound holds values that are no numbers")
    return audio.samples

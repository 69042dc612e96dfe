"""Models and the environments they run in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RuntimeSpec:
    """The environment of a model whose dependencies clash with ours; see `models.isolated`.

    Attributes:
        kind: `isolated`: a process of its own on this machine.
        entry: The class that answers: `module:Class` of something the requirements install, or `file.py:Class`,
            relative to the working folder; `bundled/file.py:Class` is one that comes with this package.
        requirements: Lines as in a requirements file; pin them, because what they resolve to decides the answers.
        python: Version (`3.10`, `3.10.4`), None for that of the running interpreter, or `running` for the running
            interpreter itself with the packages it has; then there can be no requirements.
        env: Environment variables of the process, over those that are there.
        needs: Arguments that the user has to give, each the path of what no package brings, with what that is.
        pinned: Whether it loads at a commit only (the entry's `revision`), since its checkpoint brings code of its own.
    """

    kind: str
    entry: str
    requirements: tuple[str, ...] = ()
    python: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """What a vendor takes for an answer, in US dollars; what it does not count costs nothing.

    Attributes:
        as_of: Month in which somebody looked it up (`2025-10`).
        audio_second: For a second of sound that is sent.
        audio_tokens: For a million tokens of sound that is sent.
        tokens_per_second: As how many tokens a second of sound counts, where the server does not tell.
        text_tokens: For a million tokens of text that is sent.
        output_tokens: For a million tokens of the answer.
        spoken_tokens: For a million tokens of the answer that are sound, where they cost more than its text.
    """

    as_of: str
    audio_second: float = 0.0
    audio_tokens: float = 0.0
    tokens_per_second: float = 0.0
    text_tokens: float = 0.0
    output_tokens: float = 0.0
    spoken_tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class WaySpec:
    """One more way to run a model, beside that of its entry; see `models.ways`.

    Attributes:
        name: What stands behind the `@` in `NAME@WAY` (`vllm`).
        adapter: Name of the adapter, where it is not the way's own.
        source: Hub id or folder, where it is not the entry's.
        revision: Branch, tag or commit, where it is not the entry's.
        args: Default arguments of the adapter; none of the entry's are taken over.
        gpus: GPUs it cannot do without.
        requirements: Lines as in a requirements file: the environment of its own that a server runs in where its
            program is not on the PATH.
        python: Version of that environment's Python (`3.12`); None for that of the running interpreter.
        batch_rows: Most rows of a batch; None means the adapter's own default.
        named_only: Whether it is taken only where somebody names it.
    """

    name: str
    adapter: str = ""
    source: str | None = None
    revision: str | None = None
    args: dict[str, Any] = field(default_factory=dict)
    gpus: int = 0
    requirements: tuple[str, ...] = ()
    python: str | None = None
    batch_rows: int | None = None
    named_only: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model that an adapter can load.

    Attributes:
        name: Its name (`whisper-large-v3`).
        adapter: Name of the adapter that loads it (see `models.registry`).
        source: Hub id or folder of its checkpoint, or None for a model without one.
        revision: Pinned commit or tag; None means the newest, which is resolved and recorded.
        args: Default adapter arguments of this entry.
        languages: Languages it knows; empty means all. A cell in another language is skipped with the reason.
        tasks: Tasks it is asked; empty means all that it can be asked.
        follows: Whether it does what a prompt tells it; None means as its adapter says. Only a model that does can be
            asked a task that has to be put into words.
        gives: What it can answer with (`text`, `speech`), where that is not what its adapter says.
        reads_aloud: Whether it says the prompt's text aloud as it stands, where its adapter does not say so.
        varies: Whether it may answer otherwise when it is asked again, where its adapter does not say so.
        loads_beside: Whether it may be loaded while another model is asked, where its adapter does not say so.
        licence: Short name of the weights' licence.
        parameters: Number of parameters, for the board.
        batch_rows: Most rows of a batch; None means the adapter's own default.
        batch_seconds: Most padded seconds of a batch; None means the adapter's own default.
        memory_gb: GiB of memory that it takes once it is loaded, where `parameters` does not tell; decides on nothing
            but whether it may be loaded while another model is asked.
        gpus: GPUs it cannot do without. 0 for a model that a CPU can run, however slowly: it still takes one GPU where
            there is one and its adapter has a `device` option.
        runtime: The environment that the adapter `isolated` runs it in; None for every other adapter.
        verified: False while nobody has seen this entry run with its real weights.
        aliases: Other names it is known by.
        ways: More ways to run it; the best that is here is taken where the user names none.
        price: What its vendor takes for an answer, or None.
        way: The way that was chosen; "" where there is only one.
    """

    name: str
    adapter: str
    source: str | None = None
    revision: str | None = None
    args: dict[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    follows: bool | None = None
    gives: tuple[str, ...] = ()
    reads_aloud: bool = False
    varies: bool | None = None
    loads_beside: bool = False
    licence: str = ""
    parameters: int | None = None
    batch_rows: int | None = None
    batch_seconds: float | None = None
    memory_gb: float | None = None
    gpus: int = 0
    runtime: RuntimeSpec | None = None
    verified: bool = False
    aliases: tuple[str, ...] = ()
    ways: tuple[WaySpec, ...] = ()
    price: PriceSpec | None = None
    way: str = ""

    def knows(self, language: str) -> bool:
        """Whether it knows a language, as far as the catalogue says."""
        return not self.languages or language in self.languages

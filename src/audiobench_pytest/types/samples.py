"""What is asked: a sample of a test set, its sounds, the prompt, the request that a model sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AUTO = "auto"
"""In place of the meta key of the clusters: the first of `CLUSTERS` of which the samples say anything."""

NO_CLUSTERS = "none"
"""In its place, too: every sample stands for itself."""

CLUSTERS = ("speaker", "session", "recording")
"""Meta keys whose samples are known to err together."""


CLIP = "clip"
"""What is resampled where each sample was answered several times: the sample, with all that was answered to it."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded mono sound.

    Attributes:
        samples: `(samples,) float32`, full scale is [-1, 1].
        sample_rate: In Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


MAIN_SOUND = "audio"
"""Name of the sound that most samples have one of."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A place for sound in a conversation.

    Attributes:
        name: Which of the sample's sounds: `audio`, or the name of a further one.
    """

    name: str = MAIN_SOUND


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, as a conversation holds it and as a model answers with it.

    Attributes:
        name: The tool.
        arguments: Plain JSON values by name; under `""` the text as it came, where that is no JSON object.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who says it.
        parts: Text and places for sound, in order.
        calls: Tools that an assistant's turn calls.
    """

    role: Literal["system", "user", "assistant", "tool"]
    parts: tuple[str | Sound, ...] = ()
    calls: tuple[Call, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is the place of what the model itself answers: an assistant's turn that holds nothing."""
        return self.role == "assistant" and not self.parts and not self.calls


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a test set, not decoded.

    Attributes:
        id: The set's own key, or the content's digest; never the row position.
        audio: The encoded file; every source ends in files, so that one decoder and one digest serve all of them. None
            for a row that is text alone.
        reference: What the model should answer; raw, as the set spells it. "" where the task needs none.
        language: ISO 639 code (`en`, `zh`, `yue`, ...).
        duration_s: Seconds, when the set tells; else None until the audio is read.
        meta: Every other key of the row, unchanged.
        problem: Why this sample cannot be asked, naming the file (it then becomes a `data_error` record), else None.
        sounds: Further sounds by name, encoded files as `audio` is.
        aliases: Further references that count as well as `reference`.
        choices: Texts of the options, in order.
        text: What is asked or said in writing, where the row brings it; prompts see it.
        target: Language of the answer where it is not that of the sound: the one translated into; else "".
        turns: The row's own conversation, where it brings one.
        tools: JSON schemas of the tools that may be called.
        prompt: The row's own instruction, or "".
    """

    id: str
    audio: Path | None
    reference: str
    language: str
    duration_s: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    sounds: Mapping[str, Path] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    text: str = ""
    target: str = ""
    turns: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    prompt: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its conversation has turns that the model itself is to say."""
        return any(turn.is_open for turn in self.turns)

    @property
    def files(self) -> dict[str, Path]:
        """All of its sounds by name."""
        return dict(self.sounds) if self.audio is None else {MAIN_SOUND: self.audio, **self.sounds}

    @property
    def kept_meta(self) -> dict[str, Any]:
        """Its meta as records keep it: with choices, further references and target language where it has them."""
        if not (self.choices or self.aliases or self.target):
            return dict(self.meta)
        fields = (("choices", self.choices), ("aliases", self.aliases), ("target_language", self.target))
        return {**self.meta, **{name: value for name, value in fields if value}}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of the model.

    Attributes:
        text: The rendered instruction, or None for a model that needs none (a plain recogniser). Of `messages` that are
            one sound and an instruction, the instruction; else None.
        language: The hint the model is given, or None where it has to find out by itself.
        profile: Name of the prompt profile, shown in the result.
        messages: The conversation, where its author says what stands where. Empty for one instruction about one sound
            whose order is that of the model's own format.
        tools: JSON schemas of the tools that may be called.
        answer: In which channel the answer is wanted: `text` or `speech`.
        voice_text: What is said in the sound `prompt`, whose voice is to be taken; "" where the row does not tell.
        style: How the text is to be said, in words, for a model that reads aloud; "" where that is its own matter.
    """

    text: str | None = None
    language: str | None = None
    profile: str = "plain"
    messages: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    answer: str = "text"
    voice_text: str = ""
    style: str = ""

    @property
    def sounds(self) -> tuple[str, ...]:
        """Names of the sounds that it places, in order."""
        if not self.messages:
            return (MAIN_SOUND,)
        return tuple(part.name for message in self.messages for part in message.parts if isinstance(part, Sound))

    @property
    def is_simple(self) -> bool:
        """Whether it is one instruction about one sound, whatever their order."""
        return not self.tools and (not self.messages or (self.text is not None and self.sounds == (MAIN_SOUND,)))


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, with everything an adapter may see.

    Attributes:
        sample_id: The sample's id, or "": only adapters that declare it in `sees` are handed one.
        audio: Decoded, at the adapter's `sample_rate`; None for an adapter whose `sample_rate` is None.
        prompt: What is asked.
        reference: The expected answer, or None: only adapters that declare it in `sees` are handed one.
        sounds: Further sounds by name, decoded likewise.
        choices: The options, or the labels of a closed set: only adapters that declare them in `sees` are handed any.
        closed: Whether those are labels, which an answer names, and no options under letters.
        draw: Which of several answers to this very question is wanted, from 0; a model that draws at random is seeded
            by it.
    """

    sample_id: str
    audio: Audio | None
    prompt: Prompt
    reference: str | None = None
    sounds: Mapping[str, Audio] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    closed: bool = False
    draw: int = 0

    def sound(self, name: str) -> Audio | None:
        """Return one of its sounds, or None where it has no such one."""
        return self.audio if name == MAIN_SOUND else self.sounds.get(name)

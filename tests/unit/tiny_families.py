"""The families of transformers that an adapter runs, each with its tiny checkpoint and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tiny_checkpoints as tiny
import tiny_recognizers as more
import tiny_talkers as talkers

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import create


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        name: What its tests are called.
        adapter: Name of the adapter that runs it.
        build: Saves a tiny random checkpoint into a folder.
        talks: It is told what to do, in words.
        several: It takes several sounds in one question.
        system: It takes a system message beside a sound.
        tied: It writes with the embeddings it reads with, as the published checkpoints do.
        args: Arguments beyond those of all.
    """

    name: str
    adapter: str
    build: Callable[[Path], Path]
    talks: bool = False
    several: bool = False
    system: bool = True
    tied: bool = False
    args: dict[str, str] = field(default_factory=dict)

    def create(self, folder: Path, device: str = "cpu", **args: str) -> ModelAdapter:
        """Return the adapter of a checkpoint of this family, not loaded."""
        spec = ModelSpec(self.name, self.adapter, source=str(folder))
        # One thread: several per worker of a parallel run would wait for each other far longer than they work.
        return create(spec, {"device": device, "dtype": "float32", "threads": "1", **self.args, **args})


FAMILIES = (
    Family("whisper", "transformers-asr", tiny.build_whisper, tied=True),
    Family("wav2vec2", "transformers-asr", tiny.build_ctc),
    Family(
        "wav2vec2-without-mask",
        "transformers-asr",
        lambda folder: tiny.build_ctc(folder, mask=False, norm="group"),
    ),
    Family("hubert", "transformers-asr", lambda folder: tiny.build_ctc(folder, family="Hubert")),
    Family("wavlm", "transformers-asr", lambda folder: tiny.build_ctc(folder, family="WavLM")),
    *(
        Family(name, "transformers-asr", build, args={} if name.startswith("parakeet") else {"max_new_tokens": "8"})
        for name, build in (
            ("canary", more.build_canary),
            ("glmasr", more.build_glm_asr),
            ("kyutai", more.build_kyutai),
            ("moonshine", more.build_moonshine),
            ("parakeet_ctc", more.build_parakeet),
            ("parakeet_rnnt", lambda folder: more.build_parakeet(folder, decoder="rnnt")),
            ("parakeet_tdt", lambda folder: more.build_parakeet(folder, decoder="tdt")),
            ("qwen3_asr", more.build_qwen3_asr),
            ("seamless", more.build_seamless),
        )
    ),
    Family(
        "qwen2_audio",
        "transformers-audio-chat",
        tiny.build_audio_chat,
        talks=True,
        several=True,
        args={"max_new_tokens": "8"},
    ),
    Family(
        "audioflamingo3",
        "transformers-audio-chat",
        lambda folder: tiny.build_audio_chat(folder, family="audioflamingo3"),
        talks=True,
        args={"max_new_tokens": "8"},
    ),
    *(
        Family(name, "transformers-audio-chat", build, talks=True, several=several, args={"max_new_tokens": "8"})
        for name, build, several in (
            ("gemma3n", talkers.build_gemma3n, True),
            ("granite_speech", talkers.build_granite_speech, False),
            ("musicflamingo", talkers.build_music_flamingo, False),
            ("phi4_multimodal", talkers.build_phi4, True),
            ("qwen2_5_omni", talkers.build_qwen25_omni, True),
            ("qwen3_omni", talkers.build_qwen3_omni, True),
        )
    ),
    Family(
        "voxtral",
        "transformers-audio-chat",
        talkers.build_voxtral,
        talks=True,
        several=True,
        system=False,
        args={"max_new_tokens": "8"},
    ),
)

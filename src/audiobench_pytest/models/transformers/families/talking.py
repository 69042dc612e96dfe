"""Families that are told what to do with what they hear, and how sound gets into the question of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.models.transformers.checkpoints import Checkpoint
from audiobench_pytest.models.transformers.families.gemma3n import Gemma3nProcessor, without_pictures
from audiobench_pytest.models.transformers.families.omni import Qwen3Omni, Qwen25Omni
from audiobench_pytest.models.transformers.families.phi4 import SPEECH, Phi4Processor, hears_each_alone
from audiobench_pytest.models.transformers.families.spectrograms import without_silence
from audiobench_pytest.models.transformers.families.voxtral import VoxtralProcessor


def _of_transformers(checkpoint: Checkpoint) -> Any:
    processor = checkpoint.load("AutoProcessor")
    without_silence(getattr(processor, "feature_extractor", None))
    return processor


@dataclass(frozen=True, slots=True)
class TalkingFamily:
    """What sets a family apart.

    Attributes:
        class_name: Class of transformers.
        most_sounds: Most sounds of one question; None for any number.
        spelled: Its chat format takes texts only, in which the placeholder of a sound stands.
        told_apart: Its chat format has a system message beside a sound.
        processor: Loads what makes the model's inputs of texts and clips; raises `ModelError` where it cannot.
        config: Makes the configuration that its weights are loaded with, where it is not the checkpoint's own.
        settle: Changes the loaded model, where as it is a sound would feel the others of its batch.
        tools: Its chat format takes tools where transformers puts them.
        hears_by: Folder below its weights with an adapter that hears for it; "" where nothing has to be added.
    """

    class_name: str
    most_sounds: int | None = 1
    spelled: bool = False
    told_apart: bool = True
    processor: Callable[[Checkpoint], Any] = _of_transformers
    config: Callable[[Checkpoint], Any] | None = None
    settle: Callable[[Any], None] | None = None
    tools: bool = True
    hears_by: str = ""


_QWEN25_OMNI = TalkingFamily("Qwen2_5OmniThinkerForConditionalGeneration", None, processor=Qwen25Omni)
_QWEN3_OMNI = TalkingFamily("Qwen3OmniMoeThinkerForConditionalGeneration", None, processor=Qwen3Omni)

FAMILIES: Mapping[str, TalkingFamily] = {
    "audioflamingo3": TalkingFamily("AudioFlamingo3ForConditionalGeneration"),
    "gemma3n": TalkingFamily(
        "Gemma3nForConditionalGeneration", None, processor=Gemma3nProcessor, config=without_pictures
    ),
    "granite_speech": TalkingFamily("GraniteSpeechForConditionalGeneration", spelled=True),
    "musicflamingo": TalkingFamily("MusicFlamingoForConditionalGeneration"),
    "phi4_multimodal": TalkingFamily(
        "Phi4MultimodalForCausalLM",
        None,
        processor=Phi4Processor,
        settle=hears_each_alone,
        tools=False,
        hears_by=SPEECH,
    ),
    "qwen2_5_omni": _QWEN25_OMNI,
    "qwen2_5_omni_thinker": _QWEN25_OMNI,
    "qwen2_audio": TalkingFamily("Qwen2AudioForConditionalGeneration", None),
    "qwen3_omni_moe": _QWEN3_OMNI,
    "qwen3_omni_moe_thinker": _QWEN3_OMNI,
    "voxtral": TalkingFamily("VoxtralForConditionalGeneration", None, told_apart=False, processor=VoxtralProcessor),
}
"""By model type. What a family needs to be here: a processor that takes texts with a placeholder and clips, and an
answer that does not depend on the batch (a test holds this on a small checkpoint of each). Of a model that also speaks
only the part that writes is loaded."""

"""Qwen-Omni with the part that speaks, with a stand-in of transformers in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from bundled_voices import written

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RuntimeSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Answer, Audio, Prompt, Request

RATE = 16_000
STAND_INS = {
    "torch.py": """
import random
import numpy as np
bfloat16 = "bfloat16"
class Tensor:
    def __init__(self, values): self.values = values
    def detach(self): return self
    float = cpu = detach
    def reshape(self, size): return self
    def tolist(self): return self.values
manual_seed = random.seed
""",
    "transformers.py": """
import json, random
from types import SimpleNamespace
import numpy as np
from torch import Tensor
class Given(dict):
    def to(self, where):
        assert where in ("here", "bfloat16")
        return self
class AutoProcessor:
    @classmethod
    def from_pretrained(cls, source, revision): return cls()
    def apply_chat_template(self, turns, add_generation_prompt, tokenize):
        assert add_generation_prompt and not tokenize
        return json.dumps(turns)
    def __call__(self, text, audio, return_tensors, padding):
        (samples,) = audio
        assert return_tensors == "pt" and padding
        return Given(input_ids=np.zeros((1, len(text))), asked=text, heard=len(samples))
    def batch_decode(self, tokens, skip_special_tokens, clean_up_tokenization_spaces):
        assert skip_special_tokens and not clean_up_tokenization_spaces
        return ["".join(map(chr, row.astype(int))) for row in tokens]
class Omni:
    device, dtype = "here", "bfloat16"
    @classmethod
    def from_pretrained(cls, source, dtype, device_map, revision):
        self = cls(); self.loaded = [source, dtype, device_map]
        return self
    def said(self, input_ids, asked, heard, speaker, thinker_do_sample, thinker_max_new_tokens):
        assert (thinker_do_sample, thinker_max_new_tokens) == (False, 1024)
        told = json.dumps([type(self).__name__, self.loaded, json.loads(asked), heard, speaker]) + " "
        return np.concatenate([input_ids, [[ord(one) for one in told]]], axis=1)
class Qwen2_5OmniForConditionalGeneration(Omni):
    def generate(self, return_audio, **given):
        said = self.said(**given)
        return (said, Tensor([0.5, random.random()])) if return_audio else said
class Qwen3OmniMoeForConditionalGeneration(Omni):
    def generate(self, return_audio, **given):
        said = SimpleNamespace(sequences=self.said(**given))
        return said, Tensor([0.5, random.random()]) if return_audio else None
""",
}
KINDS = {
    "qwen2.5-omni-speech": [
        "Qwen2_5OmniForConditionalGeneration",
        ["Qwen/Qwen2.5-Omni-7B", "bfloat16", "cuda"],
        "Chelsie",
    ],
    "qwen3-omni-speech": [
        "Qwen3OmniMoeForConditionalGeneration",
        ["Qwen/Qwen3-Omni-30B-A3B-Instruct", "bfloat16", "auto"],
        "Ethan",
    ],
}
SYSTEM = (
    "You are Qwen, a virtual human developed by the Qwen Team, Alibaba Group, capable of perceiving auditory and "
    "visual inputs, as well as generating text and speech."
)


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STAND_INS, tmp_path_factory.mktemp("packages"))


def answers(name: str, stand_ins: Path, *requests: Request) -> list[Answer]:
    spec = load_catalog().models.get(name)
    assert spec.runtime is not None
    runtime = RuntimeSpec("isolated", spec.runtime.entry, python="running", env={"PYTHONPATH": str(stand_ins)})
    adapter = create(dataclasses.replace(spec, runtime=runtime), {})
    adapter.load()
    try:
        return list(adapter.generate(requests))
    finally:
        adapter.close()


def asked(words: str | None = "Be brief.", answer: str = "speech", seconds: float = 0.5, draw: int = 0) -> Request:
    sound = Audio(np.full(int(seconds * RATE), 0.1, np.float32), RATE)
    return Request("", sound, Prompt(words, "en", answer=answer), None, draw=draw)


@pytest.mark.parametrize("name", KINDS)
def test_it_answers_aloud_what_it_was_asked_in_words_and_sound(name: str, stand_ins: Path) -> None:
    spoken, silent = answers(name, stand_ins, asked(), asked(None, "text", 0.25))
    kind, loaded, speaker = KINDS[name]
    sound, words = {"type": "audio", "audio": "clip.wav"}, {"type": "text", "text": "Be brief."}
    system = [{"role": "system", "content": [{"type": "text", "text": SYSTEM}]}] if "2.5" in name else []
    for answer, content, heard in ((spoken, [sound, words], 8000), (silent, [sound], 4000)):
        turns = [*system, {"role": "user", "content": content}]
        assert json.loads(answer.text) == [kind, loaded, turns, heard, speaker]
    assert (spoken.speech.sample_rate, len(spoken.speech.samples)) == (24_000, 2)
    assert silent.speech is None


@pytest.mark.parametrize("name", KINDS)
def test_a_draw_is_its_own_and_comes_again(name: str, stand_ins: Path) -> None:
    found = answers(name, stand_ins, *(asked(draw=draw) for draw in (0, 1, 0)))
    first, other, again = (one.speech.samples[1] for one in found)
    assert first == again != other
    assert len({one.text for one in found}) == 1

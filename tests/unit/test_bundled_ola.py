"""Ola, from a working copy of its repository, with a stand-in of that copy in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from bundled_voices import written

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RuntimeSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Answer, Audio, Prompt, Request

SPEC = load_catalog().models.get("ola-7b")
RATE = 16_000

STAND_INS = {
    "torch.py": """
import contextlib, random
import numpy as np
bfloat16 = "bfloat16"
class Tensor:
    def __init__(self, array): self.array, self.shape, self.device, self.dtype = array, array.shape, None, "float32"
    def to(self, device):
        self.device = device
        return self
    def bfloat16(self):
        self.dtype = bfloat16
        return self
    def permute(self, *axes): return Tensor(self.array.transpose(*axes))
    def unsqueeze(self, axis): return Tensor(np.expand_dims(self.array, axis))
def stack(parts): return Tensor(np.stack([one.array for one in parts]))
def from_numpy(array): return Tensor(array)
def LongTensor(values): return Tensor(np.array(values))
def ones_like(other): return Tensor(np.ones_like(other.array)).to(other.device)
def zeros(*shape, dtype, device): return Tensor(np.zeros(shape)).to(device)
manual_seed = random.seed
inference_mode = contextlib.nullcontext
""",
    "whisper.py": """
import numpy as np
from torch import Tensor
def pad_or_trim(samples):
    assert len(samples) <= 480000
    return np.pad(samples, (0, 480000 - len(samples)))
def log_mel_spectrogram(samples, n_mels): return Tensor(np.zeros((n_mels, len(samples) // 160)))
""",
    "huggingface_hub.py": """
import os
def snapshot_download(name, revision):
    return os.path.join(os.environ["HUB"], name)
""",
    "ola/ola/constants.py": "DEFAULT_SPEECH_TOKEN, SPEECH_TOKEN_INDEX = '<speech>', -200\n",
    "ola/ola/conversation.py": """
class Conversation:
    roles, sep = ("<user>", "<assistant>"), "<end>"
    def __init__(self): self.turns = []
    def copy(self): return Conversation()
    def append_message(self, role, text): self.turns.append(role + (text or ""))
    def get_prompt(self): return "".join(self.turns)
conv_templates = {"qwen_1_5": Conversation()}
""",
    "ola/ola/mm_utils.py": """
class KeywordsStoppingCriteria:
    def __init__(self, keywords, tokenizer, input_ids): self.keywords = keywords
""",
    "ola/ola/datasets/preprocess.py": """
import numpy as np
from torch import Tensor
def tokenizer_speech_token(prompt, tokenizer, speech_token_index, return_tensors):
    assert speech_token_index == -200 and return_tensors == "pt"
    return Tensor(np.array([ord(one) for one in prompt]))
""",
    "ola/ola/model/builder.py": """
import json, os, random
class Tokenizer:
    def batch_decode(self, found, skip_special_tokens):
        assert skip_special_tokens
        return [f" {found}<end> "]
class Model:
    def __init__(self, name): self.name = name
    def to(self, device):
        assert device == "cuda"
        return self
    def eval(self): return self
    bfloat16 = eval
    def generate(self, inputs, *, images, images_highres, image_sizes, modalities, speech, speech_lengths,
                 speech_chunks, speech_wav, attention_mask, use_cache, stopping_criteria, do_sample, temperature, top_p,
                 num_beams, max_new_tokens):
        (mels,), (lengths,), (chunks,), (waves,) = speech, speech_lengths, speech_chunks, speech_wav
        assert {one.device for one in (inputs, mels, lengths, chunks, waves, attention_mask, *images)} == {"cuda"}
        assert images[0].shape == images_highres[0].shape == (1, 3, 224, 224) and image_sizes == [(224, 224)]
        assert (modalities, top_p, num_beams, use_cache) == (["text"], None, 1, True)
        assert stopping_criteria[0].keywords == ["<end>"] and mels.dtype == "bfloat16"
        assert attention_mask.shape == inputs.shape and (attention_mask.array == 1).all()
        return json.dumps({
            "weights": self.name, "beside": sorted(os.listdir(".")), "told": "".join(map(chr, inputs.array[0])),
            "mels": mels.shape, "lengths": lengths.array.tolist(), "pieces": chunks.array.tolist(),
            "loud": [int(np.abs(one).max() * 10) for one in waves.array],
            "how": [do_sample, temperature, max_new_tokens], "drawn": random.random()})
import numpy as np
def load_pretrained_model(model_path, model_base):
    assert model_base is None
    return Tokenizer(), Model(os.path.basename(model_path)), None, 16384
""",
    "hub/THUdyh/Ola-7b/config.json": "{}",
    "hub/THUdyh/Ola_speech_encoders/large-v3.pt": "",
    "hub/THUdyh/Ola_speech_encoders/BEATs.pt": "",
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STAND_INS, tmp_path_factory.mktemp("packages"))


def answers(stand_ins: Path, *requests: Request, **given: str) -> list[Answer]:
    assert SPEC.runtime is not None
    env = {"PYTHONPATH": str(stand_ins), "HUB": str(stand_ins / "hub")}
    runtime = RuntimeSpec("isolated", SPEC.runtime.entry, python="running", env=env)
    adapter = create(dataclasses.replace(SPEC, runtime=runtime), {"code": str(stand_ins / "ola"), **given})
    adapter.load()
    try:
        return list(adapter.generate(requests))
    finally:
        adapter.close()


def asked(seconds: float, words: str | None = "Write it down.", draw: int = 0) -> Request:
    sound = np.full(int(seconds * RATE), 0.11, np.float32)
    sound[-RATE // 10 :] = 0.51
    return Request("", Audio(sound, RATE), Prompt(words, "en"), None, draw=draw)


def test_it_hears_in_pieces_and_is_told_after_them(stand_ins: Path) -> None:
    short, long = (json.loads(one.text) for one in answers(stand_ins, asked(0.5), asked(70.0, None)))
    assert short["weights"] == "Ola-7b"
    assert short["beside"] == ["BEATs.pt", "large-v3.pt"]
    assert short["told"] == "<user><speech>\nWrite it down.<assistant>"
    assert short["how"] == [True, 0.2, 1024]
    assert (short["mels"], short["lengths"], short["pieces"], short["loud"]) == ([1, 3000, 128], [3000], [1], [5])
    assert long["told"] == "<user><speech>\n<assistant>"
    assert (long["mels"], long["lengths"], long["pieces"]) == ([3, 3000, 128], [3000] * 3, [3])
    assert long["loud"] == [1, 1, 5]


def test_a_draw_is_its_own_and_comes_again(stand_ins: Path) -> None:
    found = answers(stand_ins, *(asked(0.5, draw=draw) for draw in (0, 1, 0)))
    first, other, again = (json.loads(one.text)["drawn"] for one in found)
    assert first == again != other


def test_what_lasts_longer_than_it_hears_is_an_error_and_not_cut(stand_ins: Path) -> None:
    whole, longer = answers(stand_ins, asked(750.0), asked(750.1))
    assert json.loads(whole.text)["pieces"] == [25]
    assert longer.error == "Ola hears 750 s; this lasts longer"


@pytest.mark.parametrize("code", ["", "no-copy"])
def test_it_tells_how_its_code_is_had(code: str, stand_ins: Path, tmp_path: Path) -> None:
    (tmp_path / "no-copy").mkdir()
    with pytest.raises(ModelError, match=r"git clone https://github.com/Ola-Omni/Ola`, check out the commit f681820b"):
        answers(stand_ins, asked(0.5), code=str(tmp_path / code) if code else "")


def test_all_that_it_fetches_is_told() -> None:
    adapter = create(SPEC, {})
    fetched = type(adapter).fetched_weights(SPEC, adapter.args)
    assert [one.repo for one in fetched] == ["THUdyh/Ola-7b", "THUdyh/Ola_speech_encoders"]

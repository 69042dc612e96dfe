"""The catalogue's codecs in environments of their own, each with a stand-in of its package."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from bundled_voices import asked_of, said, written

from audiobench_pytest.errors import ModelError
from audiobench_pytest.types import Answer, Audio, Prompt, Request

STAND_INS = {
    "torch.py": """
import contextlib
import numpy as np
from types import SimpleNamespace
class cuda:
    is_available = staticmethod(lambda: False)
class Tensor:
    def __init__(self, array): self.array, self.shape = np.asarray(array), np.shape(array)
    def detach(self): return self
    float = cpu = detach
    def numpy(self): return self.array
    def numel(self): return self.array.size
    def squeeze(self, dim):
        assert self.shape[dim] == 1
        return Tensor(self.array.squeeze(dim))
    def to(self, device):
        assert device == "cpu"
        return self
drawn = []
def manual_seed(seed): drawn.append(seed)
def cat(pieces, dim): return Tensor(np.concatenate([one.array for one in pieces], axis=dim))
def from_numpy(array): return Tensor(array)
def device(name): return name
no_grad = inference_mode = contextlib.nullcontext
""",
    "huggingface_hub.py": "def snapshot_download(name, revision): return f'/fetched/{name}@{revision}'\n",
    "spark_tts_lib/__init__.py": "",
    "spark_tts_lib/models/__init__.py": "",
    "spark_tts_lib/models/audio_tokenizer.py": """
import soundfile
import numpy as np
from types import SimpleNamespace
from asked import tell
from torch import Tensor
class BiCodecTokenizer:
    config = {"sample_rate": 16000, "latent_hop_length": 320}
    model = SimpleNamespace(quantizer=SimpleNamespace(codebook_size=8192),
                            speaker_encoder=SimpleNamespace(quantizer=SimpleNamespace(codebook_size=4096)))
    def __init__(self, model_dir, device): tell(str(model_dir), device)
    def tokenize(self, audio_path):
        samples, rate = soundfile.read(audio_path)
        assert rate == 16000
        tell(len(samples), round(float(samples[0]), 8), soundfile.info(audio_path).subtype)
        self.level = samples[0]
        return Tensor(np.zeros((1, 1, 32))), Tensor(np.zeros((1, len(samples) // 320)))
    def detokenize(self, global_tokens, semantic_tokens):
        assert global_tokens.shape == (1, 32)
        return np.full(semantic_tokens.shape[1] * 320, self.level)
""",
    "ChatTTS/__init__.py": "",
    "ChatTTS/config.py": """
from dataclasses import dataclass, field
@dataclass
class Part:
    class_path: str = "a part"
@dataclass
class Heard:
    sample_rate: int = 24000
    hop_length: int = 256
@dataclass
class Features:
    class_path: str = "features"
    init_args: Heard = field(default_factory=Heard)
@dataclass
class Vocos:
    feature_extractor: Features = field(default_factory=Features)
    backbone: Part = field(default_factory=Part)
    head: Part = field(default_factory=Part)
@dataclass
class Decoder:
    idim: int = 512
@dataclass
class Levels:
    levels: tuple = (5, 5, 5, 5)
@dataclass
class DVAE:
    encoder: Decoder = field(default_factory=lambda: Decoder(256))
    decoder: Decoder = field(default_factory=Decoder)
    vq: Levels = field(default_factory=Levels)
@dataclass
class Paths:
    vocos_ckpt_path: str = "asset/Vocos.safetensors"
    dvae_ckpt_path: str = "asset/DVAE.safetensors"
@dataclass
class Config:
    path: Paths = field(default_factory=Paths)
    dvae: DVAE = field(default_factory=DVAE)
    vocos: Vocos = field(default_factory=Vocos)
""",
    "ChatTTS/model.py": """
import math
import numpy as np
from types import SimpleNamespace
from asked import tell
from torch import Tensor
class DVAE:
    def __init__(self, decoder_config, encoder_config, vq_config, dim, coef=None, device="cpu"):
        tell(decoder_config, encoder_config, dim, device)
        self.vq_layer = SimpleNamespace(n_ind=math.prod(vq_config["levels"]))
    def load_pretrained(self, filename, device): tell(filename, device)
    def eval(self): return self
    def __call__(self, inp, mode):
        if mode == "encode":
            assert inp.array.ndim == 1
            self.level = inp.array[0]
            return Tensor(np.zeros((1, 4, len(inp.array) // 512)))
        assert mode == "decode"
        return Tensor(np.full((1, 100, 2 * inp.shape[2]), self.level))
""",
    "copy/third_party/Matcha-TTS/matcha.py": "",
    "copy/cosyvoice/__init__.py": "",
    "copy/cosyvoice/cli/__init__.py": "",
    "copy/cosyvoice/cli/cosyvoice.py": """
import matcha, soundfile, torch
import numpy as np
from types import SimpleNamespace
from asked import tell
from torch import Tensor
class Frontend:
    def _extract_speech_token(self, prompt_wav):
        samples, rate = soundfile.read(prompt_wav)
        assert rate == 16000
        tell(len(samples))
        self.level, count = samples[0], len(samples) // 640
        return Tensor(np.zeros((1, count))), Tensor([count])
    def _extract_spk_embedding(self, prompt_wav): return Tensor(np.full((1, 192), soundfile.read(prompt_wav)[0][0]))
class Model:
    flow = SimpleNamespace(vocab_size=6561, input_frame_rate=25)
    def tts(self, source_speech_token, flow_embedding):
        tell(torch.drawn)
        for _ in range(source_speech_token.shape[1]):
            yield {"tts_speech": Tensor(np.full((1, 960), flow_embedding.array[0, 0]))}
class AutoModel:
    sample_rate, frontend, model = 24000, Frontend(), Model()
    def __init__(self, model_dir): tell(model_dir)
""",
    "safetensors/__init__.py": "",
    "safetensors/torch.py": "def load_file(path): return str(path)\n",
    "vocos/__init__.py": """
from asked import tell
import numpy as np
from torch import Tensor
class Vocos:
    def __init__(self, feature_extractor, backbone, head): tell(feature_extractor, backbone, head)
    def to(self, device): return self
    eval = lambda self: self
    def load_state_dict(self, weights): tell(weights)
    def decode(self, features): return Tensor(features.array[:, 0].repeat(256, axis=-1))
""",
    "vocos/pretrained.py": "def instantiate_class(args, init):\n    assert args == ()\n    return init['class_path']\n",
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STAND_INS, tmp_path_factory.mktemp("packages"))


def heard(count: int, level: float, rate: int) -> Request:
    return Request("", Audio(np.full(count, level, np.float32), rate), Prompt())


def check(answer: Answer, count: int, level: float, rate: int, bits: float, frames: int, books: int) -> None:
    """What comes back is as long as what was said, of its level, and tells what it took."""
    assert answer.error is None
    assert answer.speech is not None
    assert answer.speech.sample_rate == rate
    assert answer.speech.samples.shape == (count,)
    assert answer.speech.samples[0] == pytest.approx(level)
    told = answer.meta["codec"]
    assert (told["bits"], told["frames"], told["codebooks"]) == (round(bits), frames, books)
    assert answer.timing["codec_encode_s"] >= 0
    assert answer.timing["codec_decode_s"] >= 0


def test_bicodec_spends_its_voice_once_and_a_code_for_each_frame(stand_ins: Path, tmp_path: Path) -> None:
    requests = [heard(16_100, 0.12345678, 16_000), heard(3_200, -0.5, 16_000)]
    one, two = said("spark_codec", stand_ins, tmp_path / "told", *requests)
    loaded, *asked = asked_of(tmp_path / "told")
    assert loaded == ["/fetched/SparkAudio/Spark-TTS-0.5B@None", "cpu"]
    assert asked == [[16_100, pytest.approx(0.12345678), "FLOAT"], [3_200, -0.5, "FLOAT"]]
    check(one, 16_100, 0.12345678, 16_000, 50 * 13 + 32 * 12, 50, 1)
    check(two, 3_200, -0.5, 16_000, 10 * 13 + 32 * 12, 10, 1)
    assert one.meta["codec"]["length_difference"] == -100
    assert not one.speech.samples[16_000:].any()
    assert one.meta["codec"]["nominal_bps"] == 650


def test_chattts_spends_four_codes_for_each_frame(stand_ins: Path, tmp_path: Path) -> None:
    requests = [heard(24_000, 0.25, 24_000), heard(5_120, -0.5, 24_000)]
    one, two = said("chattts-encodec", stand_ins, tmp_path / "told", *requests)
    folder = "/fetched/2Noise/ChatTTS@None"
    assert asked_of(tmp_path / "told") == [
        ["features", "a part", "a part"],
        [f"{folder}/asset/Vocos.safetensors"],
        [{"idim": 512}, {"idim": 256}, 512, "cpu"],
        [f"{folder}/asset/DVAE.safetensors", "cpu"],
    ]
    check(one, 24_000, 0.25, 24_000, 46 * 4 * math.log2(625), 46, 4)
    check(two, 5_120, -0.5, 24_000, 10 * 4 * math.log2(625), 10, 4)
    assert one.meta["codec"]["length_difference"] == 46 * 512 - 24_000
    assert one.meta["codec"]["nominal_bps"] == pytest.approx(46.875 * 4 * math.log2(625))


def test_cosyvoice_spends_a_token_for_each_frame_and_the_numbers_of_a_voice(stand_ins: Path, tmp_path: Path) -> None:
    requests = [heard(16_000, 0.25, 16_000), heard(6_500, -0.5, 16_000)]
    one, two = said("cosyvoice2-tokenizer", stand_ins, tmp_path / "told", *requests)
    assert asked_of(tmp_path / "told") == [
        ["/fetched/FunAudioLLM/CosyVoice2-0.5B@None"],
        [16_000],
        [[0]],
        [6_500],
        [[0, 0]],
    ]
    check(one, 24_000, 0.25, 24_000, 25 * math.log2(6561) + 192 * 32, 25, 1)
    check(two, 9_750, -0.5, 24_000, 10 * math.log2(6561) + 192 * 32, 10, 1)
    assert two.meta["codec"]["length_difference"] == 9_600 - 9_750
    assert one.meta["codec"]["nominal_bps"] == pytest.approx(25 * math.log2(6561))
    long, short = said(
        "cosyvoice2-tokenizer", stand_ins, tmp_path / "told", heard(480_001, 0.1, 16_000), heard(600, 0.1, 16_000)
    )
    assert long.error == "this codec hears at most 30 seconds"
    assert short.error == "this recording is too short for a single code"


def test_cosyvoice_says_what_a_folder_is_no_copy_of(stand_ins: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="check out the commit ace7c47f"):
        said("cosyvoice2-tokenizer", stand_ins, tmp_path / "told", given={"code": str(tmp_path)})


def test_what_a_codec_cannot_code_is_told(stand_ins: Path, tmp_path: Path) -> None:
    (empty,) = said("spark_codec", stand_ins, tmp_path / "told", heard(0, 0.0, 16_000))
    assert empty.error == "there is nothing in the recording to be coded"
    given = {"sample_rate": "24000"}
    (other,) = said("spark_codec", stand_ins, tmp_path / "told", heard(8, 0.1, 24_000), given=given)
    assert other.error == "this codec hears at 16000 Hz: --model-args sample_rate=16000, not 24000"

"""The catalogue's voices that run from a working copy of their repository, each with a stand-in of that copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundled_voices import ask, asked_of, said, written

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create

STAND_INS = {
    "torch.py": """
import contextlib
bfloat16, float32, int32 = "bfloat16", "float32", "int32"
class cuda:
    is_available = staticmethod(lambda: False)
class Ids:
    def __init__(self, values): self.values = values
    def unsqueeze(self, dim):
        assert dim == 0
        return Ids([self.values])
    def clone(self): return self
    def to(self, device):
        assert device == "cpu"
        return self
    cpu = clone
def tensor(values, dtype=None): return Ids(values)
def cat(pieces, dim):
    assert dim == 1
    return Ids([one.values for one in pieces])
def manual_seed(seed): pass
def device(name): return contextlib.nullcontext()
no_grad = inference_mode = contextlib.nullcontext
""",
    "huggingface_hub.py": "def snapshot_download(name, revision): return f'/fetched/{name}@{revision}'\n",
    "librosa.py": """
import numpy as np
from pathlib import Path
def load(path, sr):
    assert Path(path).is_file() and sr == 16000
    return np.zeros({"Man_EN.wav": 16, "Man_ZH.wav": 17}[Path(path).name], np.float32), sr
""",
    "glm/configs/spk_prompt_dict.yaml": "",
    "glm/frontend/campplus.onnx": "",
    "glm/glmtts_inference.py": """
import os
from types import SimpleNamespace
from asked import Tensor, sound, tell, voice
DEVICE = "cpu"
class Frontend:
    def _extract_text_token(self, text): return [f"tokens of {text}"]
    def _extract_speech_token(self, paths):
        (path,) = paths
        return SimpleNamespace(squeeze=lambda: SimpleNamespace(tolist=lambda: [voice(path)]))
    def _extract_speech_feat(self, path, sample_rate): return [voice(path), sample_rate]
    def _extract_spk_embedding(self, path): return f"voice of {voice(path)}"
class Texts:
    def text_normalize(self, text): return text.upper()
def load_models(use_phoneme=False, sample_rate=24000):
    there = [os.path.exists(one) for one in ("configs/spk_prompt_dict.yaml", "frontend/campplus.onnx")]
    tell(os.path.realpath("ckpt"), there, use_phoneme, sample_rate)
    return Frontend(), Texts(), None, "llm", "flow"
def generate_long(frontend, text_frontend, llm, flow, text_info, cache, device, embedding, seed=0, sample_method="ras",
                  flow_prompt_token=None, speech_feat=None, use_phoneme=False):
    assert (llm, flow, device) == ("llm", "flow", DEVICE)
    assert flow_prompt_token.values == cache["cache_speech_token"]
    made = sound(text_info[1], cache, embedding, speech_feat, seed, use_phoneme)
    cache["cache_speech_token"].append("what was said")
    return Tensor(made.reshape(1, -1)), None, [], {}
""",
    "mgm/assets/ref_audio/Man_EN.wav": "",
    "mgm/assets/ref_audio/Man_ZH.wav": "",
    "mgm/third_party/Matcha-TTS/matcha/__init__.py": "",
    "mgm/third_party/cosyvoice/__init__.py": "",
    "mgm/mgm/__init__.py": "",
    "mgm/mgm/constants.py": "AUDIO_START, AUDIO_END, DEFAULT_SPEECH_TOKEN = '<start>', '<end>', '<speech>'\n",
    "mgm/mgm/utils.py": "def disable_torch_init(): pass\n",
    "mgm/mgm/mm_utils.py": """
from torch import Ids
def tokenizer_speech_token(prompt, tokenizer, return_tensors):
    assert return_tensors == "pt"
    return Ids(prompt)
""",
    "mgm/mgm/conversation.py": """
class Conversation:
    roles = ("user", "assistant")
    def __init__(self): self.turns = []
    def copy(self): return Conversation()
    def append_message(self, role, text): self.turns.append(f"{role}: {text}")
    def get_prompt(self): return "|".join(self.turns)
conv_templates = {"qwen2vl": Conversation()}
""",
    "mgm/mgm/model/__init__.py": "",
    "mgm/mgm/model/builder.py": """
import os
import cosyvoice, matcha
from asked import Tensor, sound, tell
class Tokenizer:
    pad_token_id, eos_token_id = 1, 2
    def __call__(self, text): return {"input_ids": text}
class Model:
    device, tries = "cpu", 0
    def generate(self, inputs, input_ids_refer, audio_refer, check_tts_result, do_sample, temperature, max_new_tokens,
                 bos_token_id, eos_token_id, pad_token_id, tokenizer, use_cache):
        assert (do_sample, bos_token_id, eos_token_id, pad_token_id, check_tts_result) == (True, 1, [2], 1, True)
        (prompt,), (words,), (heard,) = inputs.values, input_ids_refer.values, audio_refer.values
        made = sound(prompt, words, len(heard), temperature)
        self.tries += 1
        return None, Tensor(made), "never" in prompt or ("twice" in prompt and self.tries < 3)
def load_pretrained_model(model_path, model_name=None, load_8bit=False, load_4bit=False, device_map="auto",
                          device="cuda"):
    assert "mgm-omni-tts" in model_path.split("/")[-1].lower()
    tell(os.path.realpath(model_path), load_8bit, load_4bit, device)
    return Tokenizer(), Model()
""",
    "fish/fish_speech/__init__.py": "",
    "fish/fish_speech/configs/modded_dac_vq.yaml": "",
    "fish/fish_speech/models/__init__.py": "",
    "fish/fish_speech/models/text2semantic/__init__.py": "",
    "fish/fish_speech/models/text2semantic/inference.py": """
from types import SimpleNamespace
from asked import Tensor, sound, tell, voice
from torch import Ids
class Model:
    config = SimpleNamespace(max_seq_len=32768)
    def setup_caches(self, max_batch_size, max_seq_len, dtype): tell(max_batch_size, max_seq_len, dtype)
def init_model(checkpoint_path, device, precision, compile=False):
    tell(str(checkpoint_path), device, precision, compile)
    return Model(), "step"
def load_codec_model(codec_checkpoint_path, device, precision):
    tell(str(codec_checkpoint_path), device, precision)
    return SimpleNamespace(sample_rate=44100)
def encode_audio(audio_path, codec, device): return Ids(voice(audio_path))
def generate_long(*, model, device, decode_one_token, text, num_samples=1, max_new_tokens=0, top_p=0.9, top_k=30,
                  temperature=1.0, compile=False, iterative_prompt=True, chunk_length=512, prompt_text=None,
                  prompt_tokens=None):
    assert (device, decode_one_token, num_samples, max_new_tokens, compile, iterative_prompt) == (
        "cpu", "step", 1, 0, False, True)
    heard = [one.values for one in prompt_tokens or []]
    for piece in text.split("|") if text != "nothing" else ():
        asked = [piece, prompt_text, heard, temperature, top_p, top_k, chunk_length]
        yield SimpleNamespace(action="sample", codes=Ids(asked))
    yield SimpleNamespace(action="next", codes=None)
def decode_to_audio(codes, codec): return Tensor(sound(*codes.values))
""",
    "cosy/asset/zero_shot_prompt.wav": "",
    "cosy/third_party/Matcha-TTS/matcha.py": "",
    "cosy/cosyvoice/__init__.py": "",
    "cosy/cosyvoice/cli/__init__.py": "",
    "cosy/cosyvoice/cli/cosyvoice.py": """
from pathlib import Path
from asked import Tensor, sound, tell, voice
class AutoModel:
    sample_rate = 24000
    def __init__(self, model_dir):
        tell({one.name: one.read_text() for one in Path(model_dir).iterdir() if one.is_file()},
             [one.name for one in Path(model_dir).iterdir() if one.is_dir()])
    def inference_zero_shot(self, tts_text, prompt_text, prompt_wav, stream):
        yield {"tts_speech": Tensor(sound("zero-shot", tts_text, prompt_text, voice(prompt_wav)))}
    def inference_instruct2(self, tts_text, instruct_text, prompt_wav, stream):
        yield {"tts_speech": Tensor(sound("instruct", tts_text, instruct_text, voice(prompt_wav)))}
""",
}
WORDS = "what the voice says"
SPEECH = "Respond with the tone of the reference audio clip.<start><speech><end>\n"
TONE = "使用提供的音频片段的语气回复。<start><speech><end>\n"


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STAND_INS, tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def wu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the Wu voices, as its page lays it out."""
    files = {
        "CosyVoice2/cosyvoice2.yaml": "settings",
        "CosyVoice2/flow.pt": "flow",
        "CosyVoice2/llm.pt": "of the base",
        "CosyVoice2/CosyVoice-BlankEN/config.json": "{}",
        "CosyVoice2-Wu-SFT/SFT.pt": "tuned to Wu",
        "CosyVoice2-Wu-instruct-emotion/instruct_Emo.pt": "tuned to emotions",
        "CosyVoice2-Wu-instruct-prosody/instruct_Pro.pt": "tuned to pitch and pace",
    }
    folder = tmp_path_factory.mktemp("wu")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


COPIES = {"glmtts": "glm", "mgm-omni": "mgm", "fishaudio": "fish", "cosyvoice2": "cosy"}


def copy_of(name: str, stand_ins: Path) -> dict[str, str]:
    (copy,) = (where for start, where in COPIES.items() if name.startswith(start))
    return {"code": str(stand_ins / copy)}


@pytest.mark.parametrize(("name", "phoneme"), [("glmtts", False), ("glmtts-phoneme", True)])
def test_glm_tts_hears_the_voice_anew_for_each_text(name: str, phoneme: bool, stand_ins: Path, tmp_path: Path) -> None:
    requests = [ask("Hi", WORDS), ask("Ho", WORDS, 0.25, draw=2)]
    answers = said(name, stand_ins, tmp_path / "told", *requests, given=copy_of(name, stand_ins))
    loaded, *asked = asked_of(tmp_path / "told")
    assert loaded == ["/fetched/zai-org/GLM-TTS@None", [True, True], phoneme, 24_000]
    for found, text, heard, draw in zip(asked, ("HI", "HO"), ("12000", "6000"), (0, 2), strict=True):
        heard = f"{heard} at 24000"
        spoken = WORDS.upper()
        cache = {
            "cache_text": [spoken],
            "cache_text_token": [[f"tokens of {spoken} "]],
            "cache_speech_token": [[heard]],
        }
        assert found == [text, {**cache, "use_cache": True}, f"voice of {heard}", [heard, 24_000], draw, phoneme]
    assert [(answer.speech.sample_rate, len(answer.speech.samples)) for answer in answers] == [(24_000, 3)] * 2


@pytest.mark.parametrize(
    ("name", "fewer"),
    [
        ("mgm-omni-tts", [False, False]),
        ("mgm-omni-tts-8bit", [True, False]),
        ("mgm-omni-tts-4bit", [False, True]),
    ],
)
def test_mgm_omni_takes_a_voice_at_as_many_bits_as_it_is_called_by(
    name: str, fewer: list[bool], stand_ins: Path, tmp_path: Path
) -> None:
    (answer,) = said(name, stand_ins, tmp_path / "told", ask("Hi", WORDS), given=copy_of(name, stand_ins))
    loaded, asked = asked_of(tmp_path / "told")
    assert loaded == ["/fetched/wcy1122/MGM-Omni-TTS-2B-0927@None", *fewer, "cpu"]
    assert asked == [f"user: {SPEECH}|assistant: <start>Hi", WORDS, 8_000, 0.2]
    assert answer.speech.sample_rate == 24_000


@pytest.mark.parametrize(
    ("name", "words", "samples", "told"),
    [("mgm-omni-tts", '"Incredible!"', 16, SPEECH), ("mgm-omni-tts-zh", "他疯狂寻找到", 17, TONE)],
)
def test_mgm_omni_speaks_in_a_voice_of_its_own_where_none_is_brought(
    name: str, words: str, samples: int, told: str, stand_ins: Path, tmp_path: Path
) -> None:
    said(name, stand_ins, tmp_path / "told", ask("Hi", voice=None), given=copy_of(name, stand_ins))
    prompt, spoken, heard, _ = asked_of(tmp_path / "told")[1]
    assert (prompt, heard) == (f"user: {told}|assistant: <start>Hi", samples)
    assert str(spoken).startswith(words)


def test_mgm_omni_says_again_what_it_lost_its_way_in(stand_ins: Path, tmp_path: Path) -> None:
    given = copy_of("mgm-omni-tts", stand_ins)
    requests = [ask("twice", WORDS), ask("never", WORDS)]
    found, lost = said("mgm-omni-tts", stand_ins, tmp_path / "told", *requests, given=given)
    assert found.error is None
    assert lost.error == "MGM-Omni lost its way in this text 5 times"
    heats = [one[3] for one in asked_of(tmp_path / "told")[1:]]
    assert heats == pytest.approx([0.2, 1.0, 1.1, 0.2, 1.0, 1.1, 1.2, 1.3])


@pytest.mark.parametrize(("name", "heat"), [("fishaudio-s2-pro", 1.0), ("fishaudio-s2-pro-try0", 0.01)])
def test_fish_audio_takes_a_voice_or_makes_one_up(name: str, heat: float, stand_ins: Path, tmp_path: Path) -> None:
    requests = [ask("Hi|Ho", WORDS), ask("Hi", voice=None), ask("nothing", voice=None)]
    clone, alone, nothing = said(name, stand_ins, tmp_path / "told", *requests, given=copy_of(name, stand_ins))
    *loaded, first, second = asked_of(tmp_path / "told")
    where = "/fetched/fishaudio/s2-pro@None"
    assert loaded == [
        [where, "cpu", "float32", False],
        [1, 32768, "float32"],
        [f"{where}/codec.pth", "cpu", "float32"],
    ]
    how = [heat, 0.9, 30, 300]
    assert first == [[piece, [WORDS], ["12000 at 44100"], *how] for piece in ("Hi", "Ho")]  # one sound of all pieces
    assert second == [["Hi", None, [], *how]]
    assert [clone.speech.sample_rate, alone.speech.sample_rate] == [44_100, 44_100]
    assert nothing.error == "Fish Audio S2 made no sound of this text"


@pytest.mark.parametrize(
    ("name", "given", "llm", "told"),
    [
        ("cosyvoice2-wu-sft", {}, "tuned to Wu", ["zero-shot", "<|wuyu|>Hi", WORDS]),
        (
            "cosyvoice2-wu-instruct",
            {},
            "tuned to emotions",
            ["instruct", "<|开心|><|wuyu|>Hi", "用开心的情感说<|endofprompt|>"],
        ),
        (
            "cosyvoice2-wu-instruct",
            {"weights": "CosyVoice2-Wu-instruct-prosody/instruct_Pro.pt", "tag": "<|男性|><|wuyu|>", "instruct": "说"},
            "tuned to pitch and pace",
            ["instruct", "<|男性|><|wuyu|>Hi", "说"],
        ),
    ],
)
def test_a_voice_in_wu_is_laid_out_of_what_its_source_holds(
    name: str, given: dict[str, str], llm: str, told: list[str], stand_ins: Path, wu: Path, tmp_path: Path
) -> None:
    given = {**copy_of(name, stand_ins), **given}
    (answer,) = said(name, stand_ins, tmp_path / "told", ask("Hi", WORDS), given=given, source=wu)
    files = {"cosyvoice2.yaml": "settings", "flow.pt": "flow", "llm.pt": llm}
    assert asked_of(tmp_path / "told") == [[files, ["CosyVoice-BlankEN"]], [*told, "12000 at 24000"]]
    assert answer.speech.sample_rate == 24_000
    assert (wu / "CosyVoice2" / "llm.pt").read_text() == "of the base"


def test_a_source_that_lacks_the_weights_of_a_voice_says_what_it_has(stand_ins: Path, wu: Path, tmp_path: Path) -> None:
    given = {**copy_of("cosyvoice2", stand_ins), "weights": "CosyVoice2-Wu-SS/SS.pt"}
    with pytest.raises(ModelError, match=r"no file CosyVoice2-Wu-SS/SS.pt or no folder CosyVoice2; it has \[.*SFT.pt"):
        said("cosyvoice2-wu-sft", stand_ins, tmp_path / "told", ask("Hi", WORDS), given=given, source=wu)


@pytest.mark.parametrize("name", ["glmtts", "mgm-omni-tts", "fishaudio-s2-pro"])
def test_a_draw_is_its_own_and_comes_again(name: str, stand_ins: Path, tmp_path: Path) -> None:
    draws = [ask("Hi", WORDS, draw=draw) for draw in (0, 1, 0)]
    found = said(name, stand_ins, tmp_path / "told", *draws, given=copy_of(name, stand_ins))
    first, other, again = (answer.speech.samples[2] for answer in found)
    assert first == again != other


@pytest.mark.parametrize("name", ["glmtts", "mgm-omni-tts", "fishaudio-s2-pro", "cosyvoice2-wu-sft"])
def test_a_voice_without_its_transcript_is_refused(name: str, stand_ins: Path, wu: Path, tmp_path: Path) -> None:
    source = wu if name.startswith("cosy") else None
    given = copy_of(name, stand_ins)
    (refused,) = said(name, stand_ins, tmp_path / "told", ask("Hi", ""), given=given, source=source)
    assert "give the row the field `prompt_text`" in str(refused.error)


@pytest.mark.parametrize("name", ["glmtts", "cosyvoice2-wu-sft", "cosyvoice2-wu-instruct"])
def test_a_clone_without_a_voice_is_refused(name: str, stand_ins: Path, wu: Path, tmp_path: Path) -> None:
    source = wu if name.startswith("cosy") else None
    request = ask("Hi", WORDS, None)
    (refused,) = said(name, stand_ins, tmp_path / "told", request, given=copy_of(name, stand_ins), source=source)
    assert "was handed none: ask it a data set of voice-clone" in str(refused.error)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("glmtts", r"GLM-TTS is no package.*zai-org/GLM-TTS`, check out the commit c5dc7aec.*glmtts_inference.py and"),
        ("mgm-omni-tts", r"JIA-Lab-research/MGM-Omni`, check out the commit 5a573874.*holds no mgm and matcha"),
        ("fishaudio-s2-pro", r"fishaudio/fish-speech`, check out the commit 3dd1f85c.*text2semantic and configs"),
    ],
)
@pytest.mark.parametrize("code", ["", "no-copy"])
def test_each_tells_how_its_code_is_had(name: str, told: str, code: str, stand_ins: Path, tmp_path: Path) -> None:
    (tmp_path / "no-copy").mkdir()
    given = {"code": str(tmp_path / code) if code else ""}
    with pytest.raises(ModelError, match=told):
        said(name, stand_ins, tmp_path / "told", ask("Hi", WORDS), given=given)


@pytest.mark.parametrize("name", ["glmtts", "mgm-omni-tts", "fishaudio-s2-pro"])
def test_a_working_copy_is_in_the_identity_and_stays_as_it_is(name: str, stand_ins: Path, tmp_path: Path) -> None:
    spec, given = load_catalog().models.get(name), copy_of(name, stand_ins)

    def identity() -> object:
        return create(spec, given).identity()["model_args"]["code"]

    before = identity()
    said(name, stand_ins, tmp_path / "told", ask("Hi", WORDS), given=given)
    assert not list(Path(given["code"]).rglob("*.pyc"))
    assert identity() == before != create(spec, {}).identity()["model_args"]["code"]

"""The catalogue's models that say texts, each with a stand-in of the package that it calls, in a process of its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from bundled_voices import COMMIT, ask, asked_of, said, written

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Request

STAND_INS = {
    "torch.py": """
import contextlib
bfloat16, float32 = "bfloat16", "float32"
class cuda:
    is_available = staticmethod(lambda: False)
def device(name): return name
def manual_seed(seed): pass
no_grad = contextlib.nullcontext
""",
    "huggingface_hub.py": """
def snapshot_download(name, revision): return f"/fetched/{name}@{revision}"
def hf_hub_download(name, file, revision): return f"/fetched/{name}@{revision}/{file}"
""",
    "modelscope.py": "def snapshot_download(name): return f'/modelscope/{name}'\n",
    "voxcpm.py": """
from types import SimpleNamespace
from asked import sound, tell, voice
class VoxCPM:
    tts_model = SimpleNamespace(sample_rate=44100)
    @classmethod
    def from_pretrained(cls, hf_model_id, load_denoiser):
        tell(hf_model_id, load_denoiser); return cls()
    def generate(self, text, prompt_wav_path=None, prompt_text=None, reference_wav_path=None, normalize=False,
                 denoise=False, retry_badcase=True):
        heard = {k: voice(v) for k, v in (("prompt", prompt_wav_path), ("reference", reference_wav_path)) if v}
        return sound(text, heard, prompt_text, normalize, denoise, retry_badcase)
""",
    "qwen_tts.py": """
from asked import sound, tell, voice
class Qwen3TTSModel:
    @classmethod
    def from_pretrained(cls, name, device_map, dtype):
        tell(name, device_map, dtype); return cls()
    def generate_custom_voice(self, text, speaker, language, instruct):
        return [sound("custom", text, speaker, language, instruct)], 24000
    def generate_voice_design(self, text, instruct, language):
        return [sound("design", text, instruct, language)], 24000
    def generate_voice_clone(self, text, language, ref_audio, ref_text, x_vector_only_mode):
        return [sound("clone", text, language, voice(ref_audio), ref_text, x_vector_only_mode)], 24000
""",
    "spark_tts_lib.py": """
from asked import Tensor, sound, tell, voice
class SparkTTS:
    sample_rate = 16000
    def __init__(self, model_dir, device): tell(model_dir, device)
    def inference(self, text, prompt_speech_path, prompt_text, temperature, top_k, top_p):
        return Tensor(sound(text, voice(prompt_speech_path), prompt_text))
""",
    "indextts/__init__.py": "",
    "indextts/infer.py": """
from asked import sound, tell, voice
class IndexTTS:
    def __init__(self, cfg_path, model_dir): tell(cfg_path, model_dir)
    def infer(self, audio_prompt, text, output_path):
        return 24000, (sound(text, voice(audio_prompt)) * 32768).astype("int16").reshape(-1, 1)
""",
    "indextts/infer_v2.py": """
from asked import sound, tell, voice
class IndexTTS2:
    def __init__(self, cfg_path, model_dir): tell(cfg_path, model_dir)
    def infer(self, spk_audio_prompt, text, output_path):
        if text == "nothing": return None
        return 22050, (sound(text, voice(spk_audio_prompt)) * 32768).astype("int16").reshape(-1, 1)
""",
    "f5_tts/__init__.py": "",
    "f5_tts/api.py": """
from asked import sound, tell, voice
class F5TTS:
    def __init__(self, model, ckpt_file): tell(model, ckpt_file)
    def infer(self, ref_file, ref_text, gen_text, seed):
        return sound(gen_text, voice(ref_file), ref_text, seed), 24000, None
""",
    "transformers.py": """
import numpy as np
from types import SimpleNamespace
from asked import Tensor, sound, tell, voice
class AutoProcessor:
    model_config = SimpleNamespace(sampling_rate=48000)
    audio_tokenizer = Tensor(np.zeros(1))
    @classmethod
    def from_pretrained(cls, name, trust_remote_code, revision, **more):
        tell(name, trust_remote_code, revision, more); return cls()
    def build_user_message(self, text, reference=(), **more):
        return [text, [voice(path) for path in reference], more]
    def __call__(self, conversations, mode):
        assert mode == "generation"
        self.asked = conversations
        return {"input_ids": Tensor(np.zeros(1)), "attention_mask": Tensor(np.ones(1))}
    def decode(self, outputs):
        ((message,),) = self.asked
        one = sound(*message, outputs)
        return [SimpleNamespace(audio_codes_list=[Tensor(np.stack([one, one]))])]
class AutoModel:
    @classmethod
    def from_pretrained(cls, name, trust_remote_code, revision, attn_implementation, dtype): return cls()
    def to(self, device): return self
    def generate(self, input_ids, attention_mask, **how): return how
""",
    "copy/asset/zero_shot_prompt.wav": "",
    "copy/third_party/Matcha-TTS/matcha.py": "",
    "copy/cosyvoice/__init__.py": "",
    "copy/cosyvoice/cli/__init__.py": "",
    "copy/cosyvoice/cli/cosyvoice.py": """
import matcha
from asked import Tensor, sound, tell, voice
class AutoModel:
    sample_rate = 24000
    def __init__(self, model_dir): tell(model_dir)
    def inference_zero_shot(self, tts_text, prompt_text, prompt_wav, stream):
        for piece in tts_text.split("|"):
            yield {"tts_speech": Tensor(sound(piece, prompt_text, voice(prompt_wav)).reshape(1, -1))}
    def inference_cross_lingual(self, tts_text, prompt_wav, stream):
        yield {"tts_speech": Tensor(sound("own", tts_text, prompt_wav[-26:]).reshape(1, -1))}
""",
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STAND_INS, tmp_path_factory.mktemp("packages"))


HEARD = "12000 at 24000"
MOSS = {"audio_temperature": 0.7, "audio_top_p": 0.8, "audio_top_k": 50, "max_new_tokens": 3000}
CLONED = ask("Hi", "what the voice says")
ALONE = ask("Hi", voice=None)
CALM = "An adult voice that speaks clearly and calmly and at an even pace."
LEAD = "You are a helpful assistant.<|endofprompt|>"


@pytest.mark.parametrize(
    ("name", "request_", "loaded", "told", "rate"),
    [
        (
            "cosyvoice2-vc",
            CLONED,
            ["/fetched/FunAudioLLM/CosyVoice2-0.5B@None"],
            ["Hi", "what the voice says", HEARD],
            24_000,
        ),
        (
            "cosyvoice2ms-vc",
            CLONED,
            ["/modelscope/iic/CosyVoice2-0.5B"],
            ["Hi", "what the voice says", HEARD],
            24_000,
        ),
        (
            "cosyvoice3-latest",
            CLONED,
            ["/fetched/FunAudioLLM/Fun-CosyVoice3-0.5B-2512@None"],
            ["Hi", f"{LEAD}what the voice says", HEARD],
            24_000,
        ),
        (
            "cosyvoice3-latest",
            ALONE,
            ["/fetched/FunAudioLLM/Fun-CosyVoice3-0.5B-2512@None"],
            ["own", f"{LEAD}Hi", "asset/zero_shot_prompt.wav"],
            24_000,
        ),
        (
            "voxcpm-vc",
            CLONED,
            ["/fetched/openbmb/VoxCPM-0.5B@None", True],
            ["Hi", {"prompt": "8000 at 16000"}, "what the voice says", True, True, True],
            44_100,
        ),
        (
            "voxcpm-vc-no-denoise",
            CLONED,
            ["/fetched/openbmb/VoxCPM-0.5B@None", False],
            ["Hi", {"prompt": "8000 at 16000"}, "what the voice says", True, False, False],
            44_100,
        ),
        (
            "voxcpm-tts",
            ALONE,
            ["/fetched/openbmb/VoxCPM-0.5B@None", False],
            ["Hi", {}, None, False, False, True],
            44_100,
        ),
        (
            "voxcpm2",
            ask("Hi"),
            ["/fetched/openbmb/VoxCPM2@None", False],
            ["Hi", {"reference": "8000 at 16000"}, None, False, False, True],
            44_100,
        ),
        (
            "qwen3-tts-1.7b-custom-voice",
            ask("Hi", voice=None, language="zh"),
            ["/fetched/Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice@None", "cpu", "bfloat16"],
            ["custom", "Hi", "Vivian", "Chinese", None],
            24_000,
        ),
        (
            "qwen3-tts-0.6b-custom-voice",
            ask("Hi", voice=None, language="sw"),
            ["/fetched/Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice@None", "cpu", "bfloat16"],
            ["custom", "Hi", "Ryan", "Auto", None],
            24_000,
        ),
        (
            "qwen3-tts-1.7b-voice-design",
            ALONE,
            ["/fetched/Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign@None", "cpu", "bfloat16"],
            ["design", "Hi", CALM, "English"],
            24_000,
        ),
        (
            "qwen3-tts-1.7b-base",
            CLONED,
            ["/fetched/Qwen/Qwen3-TTS-12Hz-1.7B-Base@None", "cpu", "bfloat16"],
            ["clone", "Hi", "English", HEARD, "what the voice says", False],
            24_000,
        ),
        (
            "qwen3-tts-12hz-1.7b-base-xvec_only",
            ask("Hi"),
            ["/fetched/Qwen/Qwen3-TTS-12Hz-1.7B-Base@None", "cpu", "bfloat16"],
            ["clone", "Hi", "English", HEARD, None, True],
            24_000,
        ),
        (
            "sparkvc",
            CLONED,
            ["/fetched/SparkAudio/Spark-TTS-0.5B@None", "cpu"],
            ["Hi", "8000 at 16000", "what the voice says"],
            16_000,
        ),
        (
            "indextts",
            ask("Hi"),
            ["/fetched/IndexTeam/Index-TTS@None/config.yaml", "/fetched/IndexTeam/Index-TTS@None"],
            ["Hi", HEARD],
            24_000,
        ),
        (
            "indextts2",
            ask("Hi"),
            ["/fetched/IndexTeam/IndexTTS-2@None/config.yaml", "/fetched/IndexTeam/IndexTTS-2@None"],
            ["Hi", HEARD],
            22_050,
        ),
        (
            "f5-tts",
            CLONED,
            ["F5TTS_v1_Base", "/fetched/SWivid/F5-TTS@None/F5TTS_v1_Base/model_1250000.safetensors"],
            ["Hi", HEARD, "what the voice says", 0],
            24_000,
        ),
        (
            "moss-tts",
            ask("Hi", language="fr"),
            ["OpenMOSS-Team/MOSS-TTS", True, COMMIT, {}],
            ["Hi", [HEARD], {"language": "French"}, MOSS],
            48_000,
        ),
        (
            "moss-voice-generator",
            ask("Hi", voice=None, language="sw"),
            ["OpenMOSS-Team/MOSS-VoiceGenerator", True, COMMIT, {"normalize_inputs": True}],
            [
                "Hi",
                [],
                {"instruction": CALM},
                {
                    "audio_temperature": 1.5,
                    "audio_top_p": 0.6,
                    "audio_top_k": 50,
                    "audio_repetition_penalty": 1.1,
                    "max_new_tokens": 4096,
                },
            ],
            48_000,
        ),
        (
            "moss-tts-local-transformer-v1.5",
            ALONE,
            ["OpenMOSS-Team/MOSS-TTS-Local-Transformer-v1.5", True, COMMIT, {}],
            [
                "Hi",
                [],
                {"language": "English"},
                {
                    "audio_temperature": 1.7,
                    "audio_top_p": 0.8,
                    "audio_top_k": 25,
                    "max_new_tokens": 4096,
                    "do_sample": True,
                },
            ],
            48_000,
        ),
    ],
)
def test_each_hands_its_package_text_voice_and_transcript(
    name: str,
    request_: Request,
    loaded: list[object],
    told: list[object],
    rate: int,
    stand_ins: Path,
    tmp_path: Path,
) -> None:
    (answer,) = said(name, stand_ins, tmp_path / "told", request_)
    assert asked_of(tmp_path / "told") == [loaded, told]
    assert answer.error is None
    assert answer.speech is not None
    assert answer.speech.sample_rate == rate
    assert answer.speech.samples[:2] == pytest.approx([0.5, -0.5], abs=1e-4)
    assert len(answer.speech.samples) == 3


@pytest.mark.parametrize(
    "name", ["cosyvoice2-vc", "voxcpm-vc", "qwen3-tts-1.7b-base", "sparkvc", "indextts", "moss-tts"]
)
def test_a_draw_is_its_own_and_comes_again(name: str, stand_ins: Path, tmp_path: Path) -> None:
    draws = [ask("Hi", "words", draw=draw) for draw in (0, 1, 0)]
    first, other, again = said(name, stand_ins, tmp_path / "told", *draws)
    assert first.speech is not None
    assert other.speech is not None
    assert again.speech is not None
    assert first.speech.samples[2] == again.speech.samples[2] != other.speech.samples[2]


def test_f5_is_handed_the_draw_as_its_seed(stand_ins: Path, tmp_path: Path) -> None:
    said("f5-tts", stand_ins, tmp_path / "told", ask("Hi", "words", draw=3))
    assert asked_of(tmp_path / "told")[1][3] == 3


def test_pieces_of_a_long_text_are_one_sound(stand_ins: Path, tmp_path: Path) -> None:
    (answer,) = said("cosyvoice2-vc", stand_ins, tmp_path / "told", ask("One.|Two.", "words"))
    assert answer.speech is not None
    assert len(answer.speech.samples) == 6


CLONES = ("cosyvoice2-vc", "voxcpm-vc", "qwen3-tts-1.7b-base", "sparkvc", "f5-tts")


@pytest.mark.parametrize("name", [*CLONES, "qwen3-tts-12hz-1.7b-base-xvec_only", "indextts", "indextts2"])
def test_a_clone_without_a_voice_is_refused_and_the_next_is_not(name: str, stand_ins: Path, tmp_path: Path) -> None:
    refused, answered = said(name, stand_ins, tmp_path / "told", ask("Hi", "words", None), ask("Ho", "words"))
    assert refused.error is not None
    assert "was handed none: ask it a data set of voice-clone, whose rows have the sound `prompt`" in refused.error
    assert answered.error is None


@pytest.mark.parametrize("name", [*CLONES, "voxcpm1_5", "cosyvoice3-latest"])
def test_a_voice_without_its_transcript_is_refused_where_it_is_needed(
    name: str, stand_ins: Path, tmp_path: Path
) -> None:
    (refused,) = said(name, stand_ins, tmp_path / "told", ask("Hi", ""))
    assert refused.error is not None
    assert "give the row the field `prompt_text`" in refused.error


def test_a_model_with_voices_of_its_own_takes_none(stand_ins: Path, tmp_path: Path) -> None:
    (refused,) = said("qwen3-tts-1.7b-custom-voice", stand_ins, tmp_path / "told", CLONED)
    assert refused.error == "this model takes no voice: its Base checkpoints do"


def test_one_of_its_voices_can_be_named(stand_ins: Path, tmp_path: Path) -> None:
    given = {"speaker": "Serena", "instruct": "Whisper."}
    said("qwen3-tts-1.7b-custom-voice", stand_ins, tmp_path / "told", ALONE, given=given)
    assert asked_of(tmp_path / "told")[1] == ["custom", "Hi", "Serena", "English", "Whisper."]


@pytest.mark.parametrize(
    ("name", "said_as"),
    [
        ("qwen3-tts-1.7b-custom-voice", ["custom", "Hi", "Ryan", "English", "Growl."]),
        ("qwen3-tts-1.7b-voice-design", ["design", "Hi", "Growl.", "English"]),
        ("moss-voice-generator", ["Hi", [], {"instruction": "Growl.", "language": "English"}]),
    ],
)
def test_a_text_is_said_as_its_row_describes(name: str, said_as: list[object], stand_ins: Path, tmp_path: Path) -> None:
    told = dataclasses.replace(ALONE, prompt=dataclasses.replace(ALONE.prompt, style="Growl."))
    said(name, stand_ins, tmp_path / "told", told)
    assert asked_of(tmp_path / "told")[1][: len(said_as)] == said_as
    assert "instruct-tts" in load_catalog().models.get(name).tasks


def test_a_text_that_index_tts_makes_nothing_of_is_an_error(stand_ins: Path, tmp_path: Path) -> None:
    (answer,) = said("indextts2", stand_ins, tmp_path / "told", ask("nothing"))
    assert answer.error == "IndexTTS made no sound of this text"


@pytest.mark.parametrize("code", ["", "no-copy"])
def test_cosyvoice_tells_how_its_code_is_had(code: str, stand_ins: Path, tmp_path: Path) -> None:
    (tmp_path / "no-copy").mkdir()
    given = {"code": str(tmp_path / code) if code else ""}
    with pytest.raises(ModelError, match=r"git clone --recursive .*check out the commit ace7c47f.*code=FOLDER"):
        said("cosyvoice2", stand_ins, tmp_path / "told", ALONE, given=given)


def test_the_code_of_cosyvoice_is_in_its_identity_and_stays_as_it_is(stand_ins: Path, tmp_path: Path) -> None:
    spec = load_catalog().models.get("cosyvoice2-vc")

    def identity() -> object:
        return create(spec, {"code": str(stand_ins / "copy")}).identity()["model_args"]["code"]

    before = identity()
    said("cosyvoice2-vc", stand_ins, tmp_path / "told", CLONED)
    assert not list((stand_ins / "copy").rglob("*.pyc"))
    assert identity() == before
    assert str(before).startswith("sha256:")
    assert create(spec, {}).identity()["model_args"]["code"] == ""


def test_code_of_a_checkpoint_runs_only_at_a_commit(stand_ins: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="runs only at a commit that somebody has looked at"):
        said("moss-tts", stand_ins, tmp_path / "told", ALONE, revision="main")

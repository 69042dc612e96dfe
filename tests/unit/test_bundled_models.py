"""The catalogue's isolated models, each with a stand-in of the package that it calls, through a process of its own.

A stand-in has the entry points of the real package and answers with what it was asked, so that a wrong call shows.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.ways import find
from audiobench_pytest.types import Audio, Prompt, Request

RATE = 16_000

READS = """
import wave
def heard(path):
    with wave.open(path) as file:
        return f"{file.getnframes() / file.getframerate():.2f} s at {file.getframerate()}"
"""

STAND_INS = {
    "kimia_infer/__init__.py": "",
    "kimia_infer/api/__init__.py": "",
    "kimia_infer/api/kimia.py": READS
    + """
class Sound:
    def __init__(self, samples): self.samples = samples
    def detach(self): return self
    float = cpu = detach
    def reshape(self, size): return self
    def tolist(self): return self.samples
class KimiAudio:
    def __init__(self, model_path, load_detokenizer):
        self.path, self.speaks = model_path, load_detokenizer
    def generate(self, messages, *, output_type, text_temperature, **settings):
        assert (output_type, text_temperature) == ("both" if self.speaks else "text", 0.0)
        assert {m["role"] for m in messages} == {"user"}
        told = [m["content"] if m["message_type"] == "text" else heard(m["content"]) for m in messages]
        return Sound([0.5, -0.5] * 12000) if self.speaks else None, " | ".join([self.path, *told])
""",
    "kimia_infer/models/__init__.py": "",
    "kimia_infer/models/tokenizer/__init__.py": "",
    "kimia_infer/models/tokenizer/glm4_tokenizer.py": """
import torch
class Glm4Tokenizer(torch.Tensor):
    def tokenize(self, speech, sr):
        assert self.samples == "THUDM/glm-4-voice-tokenizer" and self.device == "cuda" and sr == 16000
        return [torch.Tensor([len(speech.samples) // 1600, 7])]
""",
    "swift/__init__.py": "",
    "swift/llm.py": READS
    + """
from types import SimpleNamespace
class RequestConfig:
    def __init__(self, max_tokens, temperature): self.max_tokens, self.temperature = max_tokens, temperature
class InferRequest:
    def __init__(self, messages, audios): self.messages, self.audios = messages, audios
class PtEngine:
    def __init__(self, source, *, torch_dtype, adapters, max_batch_size, model_type, use_hf, revision):
        assert torch_dtype == "bfloat16" and use_hf
        self.name = " ".join([model_type, source, *adapters])
    def infer(self, requests, config, use_tqdm):
        assert config.temperature == 0.0
        found = []
        for request in requests:
            (message,) = request.messages
            text = " | ".join([self.name, message["content"], *map(heard, request.audios)])
            choice = SimpleNamespace(message=SimpleNamespace(content=text), finish_reason="stop")
            found.append(SimpleNamespace(choices=[choice]))
        return found
""",
    "torch.py": """
import contextlib, json
bfloat16 = 'bfloat16'
class cuda:
    is_available = staticmethod(lambda: False)
def manual_seed(seed): pass
class Tensor:
    def __init__(self, samples): self.samples = samples
    def unsqueeze(self, axis): return self
    def to(self, device):
        self.device = device
        return self
    def tolist(self): return self.samples
tensor = Tensor
no_grad = contextlib.nullcontext
def load(path, map_location, mmap):
    assert isinstance(path, str) and mmap
    return json.load(open(path))
""",
    "transformers.py": READS
    + """
import json
from types import SimpleNamespace
import torch
class Ids(torch.Tensor):
    shape = (1, 3)
    def __getitem__(self, key):
        assert key == (slice(None), slice(3, None))
        return self.samples
class Mapped(torch.Tensor):
    def to(self, device):
        assert device == "cpu"
        return self
class AutoTokenizer:
    @classmethod
    def from_pretrained(cls, source, revision, trust_remote_code):
        assert trust_remote_code and len(revision) == 40
        return cls()
    def convert_ids_to_tokens(self, ids): return [f"<{one}>" for one in ids]
    def convert_tokens_to_ids(self, tokens):
        assert tokens == ["<|audio_0|>", "<|user|>"]
        return [500, 400]
    def __call__(self, texts, return_tensors):
        (text,) = texts
        AutoModel.told = text
        assert return_tensors == "pt"
        return Inputs(input_ids=Ids(None))
    def decode(self, tokens, skip_special_tokens):
        assert skip_special_tokens
        return f" {AutoModel.told!r} {tokens} "
    def batch_decode(self, rows, skip_special_tokens):
        assert skip_special_tokens
        return [f" {row} " for row in rows]
class Inputs(dict):
    def to(self, device):
        assert device == "cuda"
        return self
class AutoModel:
    told = ""
    @classmethod
    def from_pretrained(cls, source, torch_dtype, revision, trust_remote_code):
        assert source == "THUDM/glm-4-voice-9b" and torch_dtype == "bfloat16"
        assert trust_remote_code and len(revision) == 40
        return cls()
    def to(self, device): return self
    def eval(self): return self
    def generate(self, *, input_ids, do_sample, max_new_tokens):
        assert (do_sample, max_new_tokens) == (False, 2000)
        asked = [1, 2, 3]
        return [torch.Tensor([*asked, 11, 12, 501, 502, 13, 400, 14])]
class AutoModelForCausalLM:
    config = SimpleNamespace(audio_config=SimpleNamespace(audio_start_token_id=11, audio_end_token_id=12))
    @classmethod
    def from_pretrained(cls, source, torch_dtype, revision, trust_remote_code):
        assert trust_remote_code and len(revision) == 40 and torch_dtype == "bfloat16"
        self = cls()
        self.source = source
        return self
    def to(self, device): return self
    def eval(self): return self
    def bind_processor(self, tokenizer, training, relative_path):
        assert isinstance(tokenizer, AutoTokenizer) and not training and relative_path == "/"
    def processor(self, texts):
        (text,) = texts
        before, _, rest = text.partition("<11>")
        sound, _, after = rest.partition("<12>")
        asked = f"{before}[{heard(json.loads(sound)['path'])}]{after}"
        return SimpleNamespace(input_ids=Ids(None), attention_mask=Mapped(None), audios=Mapped(asked),
                               encoder_length=None, bridge_length=None)
    def generate(self, *, input_ids, attention_mask, audios, encoder_length, bridge_length, labels,
                 do_sample, num_beams, repetition_penalty, max_new_tokens):
        assert (encoder_length, bridge_length, labels, do_sample, num_beams) == (None, None, None, False, 1)
        return Ids([f"{self.source} {repetition_penalty} {audios.samples}"])
""",
    "huggingface_hub.py": """
from pathlib import Path
def snapshot_download(name, allow_patterns, revision=None):
    weights = [one for one in allow_patterns or [] if one.endswith(".pt")]
    if not weights:
        return f'/fetched/{name}/{allow_patterns}'
    assert {"*.yaml", "*.txt", "*cmvn*"} <= set(allow_patterns)
    return str(Path(__file__).parent / "hub" / name)
""",
    "funasr.py": """
class AutoModel:
    def __init__(self, model, hub, disable_update, disable_pbar, **more):
        self.name = " ".join([hub, model, *more.values()])
    def generate(self, input, fs, language, use_itn, batch_size_s):
        return [{"text": f"<|{language}|><|NEUTRAL|>{self.name} {len(one) / fs:.2f} s"} for one in input]
""",
    "wenet/__init__.py": "",
    "wenet/utils/__init__.py": "",
    "wenet/utils/ctc_utils.py": """
def get_blank_id(configs, symbol_table):
    return configs, symbol_table["<blank>"]
""",
    "wenet/utils/init_tokenizer.py": """
from pathlib import Path
class Tokenizer:
    def __init__(self, path):
        lines = Path(path).read_text().splitlines()
        self.symbol_table = {one.split()[0]: int(one.split()[1]) for one in lines}
    def detokenize(self, tokens): return " ".join(tokens), list(tokens)
def init_tokenizer(configs):
    return Tokenizer(configs["tokenizer_conf"]["symbol_table_path"])
""",
    "wenet/utils/init_model.py": """
from pathlib import Path
from types import SimpleNamespace
class Model:
    def __init__(self, name, weights): self.name, self.weights = name, weights
    def named_parameters(self): return [(one, None) for one in self.weights]
    def to(self, device): return self
    def eval(self): return self
    def decode(self, methods, speech, speech_lengths, beam_size, *, decoding_chunk_size, ctc_weight, reverse_weight,
               blank_id, blank_penalty, infos):
        assert (decoding_chunk_size, ctc_weight, reverse_weight, blank_penalty) == (-1, 0.0, 0.0, 0.0)
        assert infos == {"tasks": ["transcribe"] * len(speech.samples), "langs": ["zh"] * len(speech.samples)}
        (mode,) = methods
        return {mode: [SimpleNamespace(tokens=[self.name, mode, str(beam_size), f"blank {blank_id}", one])
                       for one in speech.samples]}
def init_model(args, configs):
    assert Path(configs["cmvn_conf"]["cmvn_file"]).is_file() and args.jit is False
    return Model(Path(args.checkpoint).name, configs["weights"]), configs
""",
    "wenet/dataset/__init__.py": "",
    "wenet/dataset/processor.py": """
from torch import Tensor
def resample(row, resample_rate):
    assert resample_rate == row["sample_rate"]
    return row
def compute_fbank(row, num_mel_bins, dither):
    assert dither == 0.0
    return {**row, "feat": f"{len(row['wav'].samples) / row['sample_rate']:.2f} s in {num_mel_bins} bins"}
def padding(rows):
    rows = sorted(rows, key=lambda row: row["feat"], reverse=True)
    assert all(row["label"] == [] for row in rows)
    return {"keys": [row["key"] for row in rows], "feats": Tensor([row["feat"] for row in rows]),
            "feats_lengths": Tensor(None),
            "langs": [row["lang"] for row in rows], "tasks": [row["task"] for row in rows]}
""",
    "fireredasr/__init__.py": "",
    "fireredasr/models/__init__.py": "",
    "fireredasr/models/fireredasr.py": READS
    + """
class FireRedAsr:
    @classmethod
    def from_pretrained(cls, kind):
        self = cls(); self.kind = kind; return self
    def transcribe(self, names, paths, args):
        assert args["use_gpu"] is False and args["beam_size"] == 3
        found = [{"uttid": n, "text": f"{self.kind} {heard(p)}"} for n, p in zip(names, paths)]
        return found[::-1]
""",
    "dolphin.py": READS
    + """
from types import SimpleNamespace
def load_model(size): return size
def transcribe(model, path, lang_sym, decoding_method, beam_size):
    text = f"{model} {lang_sym} {decoding_method} {beam_size} {heard(path)}"
    return SimpleNamespace(text_nospecial=text, language=lang_sym, region="CN")
""",
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for name, source in STAND_INS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)
    checkpoint_of_wenet(folder / "hub" / "ASLP-lab" / "WenetSpeech-Wu-Speech-Understanding")
    return folder


def checkpoint_of_wenet(folder: Path, weights: str = "[encoder, decoder]") -> None:
    """Write what lies on the hub: a configuration that names its files as they lay where it was trained."""
    folder.mkdir(parents=True)
    (folder / "train.yaml").write_text(
        f"weights: {weights}\n"
        "tokenizer_conf: {symbol_table_path: data/dict/units.txt, split_with_space: false}\n"
        "cmvn_conf: {cmvn_file: data/train/global_cmvn}\n"
        "dataset_conf: {resample_conf: {resample_rate: 16000}, fbank_conf: {num_mel_bins: 80, dither: 1.0}}\n"
    )
    (folder / "units.txt").write_text("<blank> 7\n")
    (folder / "global_cmvn").write_text("{}")
    for name in ("u2++.pt", "whisper.pt"):
        (folder / name).write_text('{"encoder": 0, "decoder": 0}')


def here(spec: ModelSpec, stand_ins: Path) -> ModelSpec:
    """Return an entry that runs in this very interpreter, where the stand-ins are what its requirements would be."""
    assert spec.runtime is not None
    runtime = RuntimeSpec("isolated", spec.runtime.entry, python="running", env={"PYTHONPATH": str(stand_ins)})
    return dataclasses.replace(spec, runtime=runtime)


def clip(seconds: float) -> Audio:
    return Audio(np.linspace(-1, 1, int(seconds * RATE), dtype=np.float32), RATE)


def answers(spec: ModelSpec, *prompts: Prompt) -> list[str]:
    adapter = create(spec, {})
    adapter.load()
    try:
        requests = [Request("", clip(0.5 + 0.25 * n), prompt, None) for n, prompt in enumerate(prompts)]
        found = adapter.generate(requests)
        assert all(answer.error is None for answer in found), found
        return [answer.text for answer in found]
    finally:
        adapter.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kimiaudio", ["moonshotai/Kimi-Audio-7B-Instruct | Write it down. | {heard}"]),
        ("step-audio-2-mini", ["step_audio2_mini stepfun-ai/Step-Audio-2-mini | <audio>Write it down. | {heard}"]),
        ("qwen2.5-omni", ["qwen2_5_omni Qwen/Qwen2.5-Omni-7B | <audio>Write it down. | {heard}"]),
        (
            "step-audio2-wu-und",
            [
                "step_audio2_mini stepfun-ai/Step-Audio-2-mini /fetched/ASLP-lab/WenetSpeech-Wu-Speech-Understanding/"
                "['step-audio2-wu-und/*']/step-audio2-wu-und | <audio>Write it down. | {heard}"
            ],
        ),
        ("paraformer-zh", ["hf funasr/paraformer-zh {seconds}"]),
        ("paraformer-large-vad-punc", ["vocab8404-pytorch fsmn-vad ct-punc {seconds}"]),
        ("sensevoice-small", ["hf FunAudioLLM/SenseVoiceSmall {seconds}"]),
        ("fireredasr-aed-l", ["aed {heard}"]),
        ("dolphin-small", ["small zh attention_rescoring 10 {heard}"]),
        ("conformer-u2pp-wu", ["u2++.pt attention_rescoring 10 blank 7 {seconds} in 80 bins"]),
        ("whisper-medium-wu", ["whisper.pt attention 10 blank 7 {seconds} in 80 bins"]),
    ],
)
def test_each_asks_its_package_for_every_clip_in_order(name: str, told: list[str], stand_ins: Path) -> None:
    spec = here(load_catalog().models.get(name), stand_ins)
    prompt = Prompt("Write it down." if spec.follows else None, "zh")
    for number, text in enumerate(answers(spec, prompt, prompt)):
        seconds = f"{0.5 + 0.25 * number:.2f} s"
        assert text.endswith(told[0].format(heard=f"{seconds} at {RATE}", seconds=seconds))


def test_a_plain_question_needs_no_words(stand_ins: Path) -> None:
    (text,) = answers(here(load_catalog().models.get("kimiaudio"), stand_ins), Prompt(None, "en"))
    assert text == f"moonshotai/Kimi-Audio-7B-Instruct | 0.50 s at {RATE}"


def test_kimi_audio_answers_in_speech_where_that_is_wanted(stand_ins: Path) -> None:
    adapter = create(here(load_catalog().models.get("kimiaudio-speech"), stand_ins), {})
    adapter.load()
    try:
        (one,) = adapter.generate([Request("", clip(0.5), Prompt(None, "en", answer="speech"))])
    finally:
        adapter.close()
    assert one.text.startswith("moonshotai/Kimi-Audio-7B-Instruct")
    assert (one.speech.sample_rate, len(one.speech.samples)) == (24_000, 24_000)


@pytest.mark.parametrize("mode", ["attention", "attention_rescoring", "ctc_prefix_beam_search", "ctc_greedy_search"])
@pytest.mark.parametrize("name", ["conformer-u2pp-wu", "whisper-medium-wu"])
def test_each_decoding_of_wenet_is_a_row_with_answers_of_its_own(name: str, mode: str, stand_ins: Path) -> None:
    spec = find(f"{name}@{mode}", load_catalog().models.get, {})
    assert spec.name == f"{name}@{mode}"
    assert create(spec, {}).identity()["model_args"]["mode"] == mode
    (text,) = answers(here(spec, stand_ins), Prompt(None, "wuu"))
    assert text.split()[1] == mode


@pytest.mark.parametrize(
    ("args", "weights", "message"),
    [
        ({"mode": "rnnt_beam_search"}, "[encoder]", "mode 'rnnt_beam_search' is none of WeNet's here"),
        ({"checkpoint": "best.pt"}, "[encoder]", r"has 0 files 'best.pt' \(there is: u2\+\+.pt, whisper.pt\)"),
        ({}, "[encoder, ctc]", "lacks 1 weights of the model that train.yaml describes, such as ctc"),
    ],
)
def test_a_checkpoint_of_wenet_that_is_not_what_it_should_be_is_refused(
    args: dict[str, str], weights: str, message: str, stand_ins: Path, tmp_path: Path
) -> None:
    checkpoint_of_wenet(tmp_path / "own", weights)
    spec = here(load_catalog().models.get("conformer-u2pp-wu"), stand_ins)
    adapter = create(dataclasses.replace(spec, source=str(tmp_path / "own")), args)
    with pytest.raises(ModelError, match=message):
        adapter.load()


def test_a_long_sound_is_asked_in_pieces_where_the_entry_says_so(stand_ins: Path) -> None:
    spec = here(load_catalog().models.get("paraformer-seaco-28s"), stand_ins)
    adapter = create(spec, {})
    adapter.load()
    try:
        found = adapter.generate([Request("", clip(seconds), Prompt(None, "zh")) for seconds in (60.0, 0.5)])
    finally:
        adapter.close()
    name = "ms iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
    assert [one.text for one in found] == [f"{name} 28.00 s{name} 28.00 s{name} 4.00 s", f"{name} 0.50 s"]
    assert len(found[0].meta["tags"]) == 6


def test_languages_of_a_batch_are_asked_apart(stand_ins: Path) -> None:
    spec = here(load_catalog().models.get("sensevoice-small"), stand_ins)
    assert [text[-6:] for text in answers(spec, Prompt(None, "zh"), Prompt(None, "ja"), Prompt(None, "zh"))] == [
        "0.50 s",
        "0.75 s",
        "1.00 s",
    ]


def test_code_of_a_checkpoint_runs_only_at_a_commit(stand_ins: Path) -> None:
    spec = here(load_catalog().models.get("minicpm-o-2.6"), stand_ins)
    adapter = create(spec, {})
    with pytest.raises(ModelError, match="runs only at a commit that somebody has looked at"):
        adapter.load()
    pinned = dataclasses.replace(spec, revision="0123456789abcdef0123456789abcdef01234567")
    assert answers(pinned, Prompt("Hello", "en"))[0].startswith("minicpmo2_6 openbmb/MiniCPM-o-2_6")


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("base", "Write it down.", "baichuan-inc/Baichuan-Audio-Base 1.3 Write it down.[{heard}]"),
        ("chat", "Write it down.", "baichuan-inc/Baichuan-Audio-Instruct 1.1 <B_SYS>Write it down.<C_Q>[{heard}]<C_A>"),
        ("chat", None, "baichuan-inc/Baichuan-Audio-Instruct 1.1 <C_Q>[{heard}]<C_A>"),
    ],
)
def test_baichuan_audio_is_told_in_turns_where_it_knows_them(
    name: str, words: str | None, told: str, stand_ins: Path
) -> None:
    spec = here(load_catalog().models.get(f"baichuan-audio-{name}"), stand_ins)
    with pytest.raises(ModelError, match="runs only at a commit that somebody has looked at"):
        create(spec, {}).load()
    pinned = dataclasses.replace(spec, revision="0123456789abcdef0123456789abcdef01234567")
    assert answers(pinned, Prompt(words, "zh")) == [told.format(heard=f"0.50 s at {RATE}")]


@pytest.mark.parametrize(("words", "system"), [("Write it down.", "<|system|>\nWrite it down."), (None, "")])
def test_glm_4_voice_answers_with_the_text_between_its_speech(words: str | None, system: str, stand_ins: Path) -> None:
    spec = here(load_catalog().models.get("glm-4-voice"), stand_ins)
    with pytest.raises(ModelError, match="runs only at a commit that somebody has looked at"):
        create(spec, {}).load()
    pinned = dataclasses.replace(spec, revision="0123456789abcdef0123456789abcdef01234567")
    sound = "<|user|>\n<|begin_of_audio|><|audio_5|><|audio_7|><|end_of_audio|>"
    told = f"{system}{sound}<|assistant|>streaming_transcription\n"
    assert answers(pinned, Prompt(words, "zh")) == [f"{told!r} [11, 12, 13]"]


def test_every_entry_of_the_catalogue_can_be_made_and_says_what_it_is() -> None:
    models = list(load_catalog().models)
    assert len(models) >= 80
    for spec in models:
        assert spec.licence, spec.name
        if spec.adapter == "isolated":
            identity = create(spec, {}).identity()
            assert identity["entry"]["file"].startswith("sha256:"), spec.name
            assert all("==" in line or "<" in line or " @ " in line for line in spec.runtime.requirements), spec.name

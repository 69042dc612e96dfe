"""From a name to an adapter: which class loads a model, and models that are named on the command line only."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from audiobench_pytest import others
from audiobench_pytest.catalog.schema import ModelSpec, WaySpec
from audiobench_pytest.errors import CatalogError, UsageError, did_you_mean
from audiobench_pytest.hub import COMMIT
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.own.reading import spec_from_class

ADAPTERS: dict[str, str] = {
    "pocketsphinx": "audiobench_pytest.models.pocketsphinx:PocketsphinxAdapter",
    "transformers-asr": "audiobench_pytest.models.transformers.asr:TransformersAsrAdapter",
    "transformers-audio-chat": "audiobench_pytest.models.transformers.audio_chat:TransformersAudioChatAdapter",
    "python": "audiobench_pytest.models.own.adapter:OwnAdapter",
    "python-isolated": "audiobench_pytest.models.own.adapter:OwnIsolatedAdapter",
    "isolated": "audiobench_pytest.models.isolated.adapter:IsolatedAdapter",
    "openai": "audiobench_pytest.models.openai.adapter:OpenAIAdapter",
    "vllm": "audiobench_pytest.models.served.adapter:VllmAdapter",
    "sglang": "audiobench_pytest.models.served.adapter:SglangAdapter",
    "funasr": "audiobench_pytest.models.served.adapter:FunasrAdapter",
    "gemini": "audiobench_pytest.models.gemini.adapter:GeminiAdapter",
    "tencent": "audiobench_pytest.models.vendors.adapter:TencentAdapter",
    "xfyun": "audiobench_pytest.models.vendors.adapter:XfyunAdapter",
    "xfyun-dictation": "audiobench_pytest.models.vendors.adapter:XfyunDictationAdapter",
    "doubao": "audiobench_pytest.models.vendors.adapter:DoubaoAdapter",
    "faster-whisper": "audiobench_pytest.models.ctranslate2.adapter:FasterWhisperAdapter",
    "codec-identity": "audiobench_pytest.models.codecs.waveform:IdentityCodec",
    "codec-mu-law": "audiobench_pytest.models.codecs.waveform:MuLawCodec",
    "codec-resample": "audiobench_pytest.models.codecs.waveform:ResampleCodec",
    "codec-file": "audiobench_pytest.models.codecs.files:FileCodec",
    "rater-stoi": "audiobench_pytest.models.raters.comparing:StoiRater",
    "rater-pesq": "audiobench_pytest.models.raters.comparing:PesqRater",
    "rater-si-sdr": "audiobench_pytest.models.raters.comparing:SiSdrRater",
    "rater-mel-distance": "audiobench_pytest.models.raters.comparing:MelDistanceRater",
    "rater-dnsmos": "audiobench_pytest.models.raters.hearing_alone:DnsmosRater",
    "rater-loudness": "audiobench_pytest.models.raters.hearing_alone:LoudnessRater",
    "rater-vad": "audiobench_pytest.models.raters.hearing_alone:VoiceActivityRater",
    "rater-resemblyzer": "audiobench_pytest.models.raters.speakers:ResemblyzerRater",
    "rater-wavlm": "audiobench_pytest.models.raters.checkpoints:WavlmRater",
    "rater-wavlm-large": "audiobench_pytest.models.raters.wavlm_large:WavlmLargeRater",
    "rater-ecapa": "audiobench_pytest.models.raters.packaged:EcapaRater",
    "rater-eres2net": "audiobench_pytest.models.raters.eres2net:Eres2NetRater",
    "rater-utmos": "audiobench_pytest.models.raters.checkpoints:UtmosRater",
    "rater-emotion2vec": "audiobench_pytest.models.raters.emotions:Emotion2vecRater",
    "espeak": "audiobench_pytest.models.voices.espeak:EspeakAdapter",
    "transformers-codec": "audiobench_pytest.models.codecs.neural:NeuralCodecAdapter",
    "transformers-tts": "audiobench_pytest.models.voices.neural:NeuralVoiceAdapter",
    "transformers-fastspeech2": "audiobench_pytest.models.voices.neural:FastSpeech2Adapter",
    "transformers-tts-coded": "audiobench_pytest.models.voices.coded:CodedVoiceAdapter",
    "transformers-seamless-tts": "audiobench_pytest.models.voices.seamless:SeamlessVoiceAdapter",
    "transformers-moshi": "audiobench_pytest.models.voices.moshi:MoshiAdapter",
    "openai-speech": "audiobench_pytest.models.openai.voice:OpenAIVoice",
    "openai-realtime": "audiobench_pytest.models.realtime.adapter:RealtimeAdapter",
    "oracle": "audiobench_pytest.models.harness:OracleAdapter",
    "chance": "audiobench_pytest.models.harness:ChanceAdapter",
    "noisy": "audiobench_pytest.models.harness:NoisyAdapter",
    "null": "audiobench_pytest.models.harness:NullAdapter",
}
"""Where each adapter lives, as text: a module is imported when one of its models is asked for, and not before."""

_HUB_ID = re.compile(r"(?:[A-Za-z0-9_][\w.-]*/)?[A-Za-z0-9_][\w.-]*", re.ASCII)
_LONGEST_HUB_ID = 96

# What a checkpoint can be run by that no entry describes; whether the program knows its kind, it says itself.
_RECOGNISER_WAYS = (
    *(WaySpec(way, args={"api": "transcriptions"}, named_only=True) for way in ("vllm", "sglang")),
    WaySpec("faster-whisper", named_only=True),
)
_CHAT_WAYS = tuple(WaySpec(way, named_only=True) for way in ("vllm", "sglang"))


def register_adapter(name: str, where: str) -> None:
    """Add an adapter under a name that entries of the catalogue may then give.

    Args:
        name: What `adapter` is to say.
        where: `module:Class`, a subclass of `models.base.ModelAdapter`; imported when one of its models is asked for.

    Raises:
        CatalogError: The name is taken by another.
    """
    if ADAPTERS.setdefault(name, where) != where:
        raise CatalogError(f"the model adapter '{name}' is {ADAPTERS[name]} already: call {where} by another name")


def adapter_class(name: str) -> type[ModelAdapter]:
    """Return the adapter of that name, importing its module.

    Args:
        name: The `adapter` of a catalogue entry, a key of `ADAPTERS`.

    Raises:
        CatalogError: There is no such adapter; the message lists close matches.
    """
    where = ADAPTERS.get(name)
    if where is None and others.asked():
        where = ADAPTERS.get(name)
    if where is None:
        raise CatalogError(f"unknown model adapter '{name}'{did_you_mean(name, ADAPTERS)}")
    module, _, attribute = where.partition(":")
    found: type[ModelAdapter] = getattr(importlib.import_module(module), attribute)
    return found


def create(spec: ModelSpec, given: Mapping[str, str]) -> ModelAdapter:
    """Construct the adapter of a model without loading the model.

    The batch limits of the catalogue entry, where it has any, replace those of the adapter.

    Args:
        spec: The model.
        given: Its arguments from the command line, as text.

    Raises:
        CatalogError: The entry names an adapter that does not exist.
        UsageError: An argument the adapter does not take, or a value it cannot be.
        MissingExtraError: A package the adapter needs is not installed.
        ModelError: The checkpoint does not exist or is of a kind the adapter cannot run.
    """
    adapter_type = adapter_class(spec.adapter)
    adapter = adapter_type(spec, checked_args(adapter_type, spec, given))
    if spec.batch_rows is not None:
        adapter.batch_rows = spec.batch_rows
    if spec.batch_seconds is not None:
        adapter.batch_seconds = spec.batch_seconds
    return adapter


@dataclass(frozen=True, slots=True)
class Form:
    """A way to name a model that the catalogue need not know.

    Attributes:
        shape: How it is written, for help and error messages.
        prefix: How a text of this form begins; "" where `read` has to look.
        read: Makes up the catalogue entry, or raises a UsageError; None where the text is of another form after all.
    """

    shape: str
    prefix: str
    read: Callable[[str], ModelSpec | None]


def spec_from(text: str) -> ModelSpec | None:
    """Make up the catalogue entry of a model that is named in one of the `FORMS`; None for any other text.

    What a file name or a node id cannot hold becomes `-` in the model's name; `NAME=hf:...` gives it another one.

    Args:
        text: What the user wrote.

    Raises:
        UsageError: It is of a form, but names nothing.
    """
    text = text.strip()
    name, equals, rest = text.partition("=")
    if equals and name and not set(name) & set("/:") and rest.startswith(tuple(f.prefix for f in FORMS if f.prefix)):
        spec = spec_from(rest)
        return None if spec is None else replace(spec, name=_as_name(name))
    for form in FORMS:
        if text.startswith(form.prefix) and (spec := form.read(text)) is not None:
            return replace(spec, name=_as_name(spec.name))
    return None


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._@-]+", "-", text).strip("-") or "model"


def row_name(text: str) -> str:
    """Return what a model is called on the board, given what is typed; a name that needs no registration as it is."""
    try:
        spec = spec_from(text)
    except UsageError:  # who asks is told by the one that looks the name up
        return text
    return text if spec is None else spec.name


def forms() -> str:
    """Return how a model can be named that is not in the catalogue, for error messages."""
    *most, last = (form.shape for form in FORMS)
    return f"{', '.join(most)}, or {last}"


def _from_hf(text: str) -> ModelSpec:
    """Read `hf:<hub id or folder>[@revision]`.

    A folder of that name wins over a hub id, as it does in transformers. Its model type says whether it is one that is
    talked to; what a hub id names is taken for a recogniser, since nothing is asked of the hub here. Servers and
    faster-whisper are ways to run it that have to be named.

    The model is called by the last component of its path, followed by `@` and the revision where one is given (a commit
    by its first 12 digits): `hf:openai/whisper-tiny@main` is `whisper-tiny@main`.
    """
    rest = text.removeprefix("hf:").strip()
    if Path(rest).expanduser().is_dir() and rest:
        folder = Path(rest).expanduser().resolve()
        adapter = _runs(folder)
        ways = _RECOGNISER_WAYS if adapter == "transformers-asr" else _CHAT_WAYS
        return ModelSpec(name=folder.name, adapter=adapter, source=str(folder), ways=ways)
    source, at, revision = rest.partition("@")
    if at and Path(source).expanduser().is_dir():
        raise UsageError(f"--model {text}: '{source}' is a folder, which has no revisions: leave out '@{revision}'")
    if at and not revision:
        raise UsageError(f"--model {text}: nothing follows the '@': write a branch, a tag or a commit, or leave it out")
    if not _is_hub_id(source):
        raise UsageError(
            f"--model {text}: '{source}' is neither an existing folder nor a hub id; "
            "write hf:OWNER/NAME, hf:OWNER/NAME@REVISION or hf:path/to/folder"
        )
    shown = revision[:12] if COMMIT.fullmatch(revision) else revision
    name = source.rsplit("/", 1)[-1] + (f"@{shown}" if revision else "")
    return ModelSpec(name, "transformers-asr", source, revision or None, ways=_RECOGNISER_WAYS)


def _runs(folder: Path) -> str:
    """Return the adapter of a checkpoint folder: that of models that are talked to where its model type is one."""
    from audiobench_pytest.models.transformers.families.talking import FAMILIES

    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):  # the adapter says what is wrong with it
        return "transformers-asr"
    talks = isinstance(config, dict) and config.get("model_type") in FAMILIES
    return "transformers-audio-chat" if talks else "transformers-asr"


def _from_openai(text: str) -> ModelSpec:
    """Read `openai:<the server's name of a model>`.

    The model is called by the last component of that name: `openai:Qwen/Qwen2-Audio-7B-Instruct` is
    `Qwen2-Audio-7B-Instruct`. Where the server is is an argument.
    """
    source = text.removeprefix("openai:").strip()
    if "://" in source:  # not repeated: an address may hold a password
        raise UsageError(
            "--model openai:...: write the model's name there, and the server's address in --model-args url=..."
        )
    if not source or not source.isprintable() or " " in source:
        raise UsageError(
            f"--model {text}: '{source}' is no model name; write openai:NAME, with the name that the server gives it"
        )
    return ModelSpec(name=source.rstrip("/").rsplit("/", 1)[-1], adapter="openai", source=source)


def _from_openai_speech(text: str) -> ModelSpec:
    """Read `openai-speech:<the server's name of a model that speaks>`; otherwise as `_from_openai`."""
    found = _from_openai(f"openai:{text.removeprefix('openai-speech:')}")
    return replace(found, adapter="openai-speech", tasks=("tts", "instruct-tts"))


def _from_openai_realtime(text: str) -> ModelSpec:
    """Read `openai-realtime:<the server's name of a model>`; otherwise as `_from_openai`."""
    return replace(_from_openai(f"openai:{text.removeprefix('openai-realtime:')}"), adapter="openai-realtime")


def _is_hub_id(text: str) -> bool:
    # `--` and `..` are what the hub itself refuses: it writes `/` as `--` in the names of its cache folders.
    if len(text) > _LONGEST_HUB_ID or "--" in text or ".." in text or text.endswith((".git", ".", "-")):
        return False
    return _HUB_ID.fullmatch(text) is not None


FORMS = (
    Form("hf:<hub id or folder>[@revision]", "hf:", _from_hf),
    Form("openai:<name on a server>", "openai:", _from_openai),
    Form("openai-speech:<name of a voice on a server>", "openai-speech:", _from_openai_speech),
    Form("openai-realtime:<name of a model on a server>", "openai-realtime:", _from_openai_realtime),
    Form("[NAME=]<file.py or module>:<class>[@isolated]", "", spec_from_class),
)
"""Tried in this order."""

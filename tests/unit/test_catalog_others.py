"""Models by the names that others' results have: each is an entry here, or it is said why there is none."""

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import UnknownNameError

MODELS = load_catalog().models

LANGUAGE_MODELS = [
    "kimiaudio",
    "kimiaudio-speech",
    "qwen2.5-omni",
    "qwen2.5-omni-audio",
    "qwen2.5-omni-speech",
    "qwen3-omni",
    "qwen3-omni-audio",
    "qwen3-omni-speech",
    "qwen3-omni-thinking",
    "qwen2-audio-offline",
    "qwen2-audio-chat",
    "qwen-audio-pretrain-offline",
    "qwen-audio-chat-offline",
    "qwen-audio",
    "qwen-omni-turbo",
    "qwen-omni-turbo-2025-03-26",
    "MiniCPMo2_6-audio",
    "MiniCPMo2_6-speech",
    "step-audio-2-mini",
    "step-audio-2-mini-base",
    "step-audio-2-mini-think",
    "step-audio-2",
    "step-audio2-wu-asr",
    "step-audio2-wu-und",
    "step-audio2-ft",
    "tele-ctc-ft",
    "step-audio-chat",
    "step-audio-aqaa",
    "step-audio-r1",
    "step-audio-r1.1",
    "baichuan-audio-base",
    "baichuan-audio-chat",
    "glm-4-voice",
    "midashenglm-7b",
    "audio-flamingo-3",
    "omni-r1",
    "ola-7b",
    "ultravox",
    "moshi",
    "llama-omni",
    "mini-omni",
    "speech-gpt",
    "gpt-4o-audio",
    "gpt4o_audio",
    "gpt4o_speech",
    "gpt4o_audio_ms",
    "gpt4o_speech_ms",
    "gemini-1.5-flash",
    "gemini-1.5-pro",
    "gemini-2.0-flash-exp",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3.1-pro",
    "gemini-pro",
    "gpt4o-mini",
    "gpt4",
    "qwen3-32b",
    "deepseek-r1",
    "deepseek-v3",
    "llama-3-70b-instruct",
]

RECOGNISERS = [
    "whisper",
    "whisper-tiny",
    "whisper-base",
    "whisper-small",
    "whisper-medium",
    "whisper-large-v3",
    "paraformer-zh",
    "paraformer-large",
    "paraformer-zh-streaming",
    "paraformer-en",
    "conformer-en",
    "paraformer-large-vad-punc",
    "paraformer-online",
    "paraformer-seaco",
    "paraformer-seaco-28s",
    "speech_paraformer-large-vad-punc_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
    "speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-online",
    "speech_paraformer-speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
    "long_tts_speech_paraformer-speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
    "sensevoice-small",
    "qwen3-asr",
    "qwen3-asr-1.7b",
    "qwen3-asr-0.6b",
    "fireredasr-aed-l",
    "dolphin-small",
    "teleasr",
    "conformer-u2pp-wu",
    "whisper-medium-wu",
    "gpt4o_transcribe",
    "doubao-llm-asr",
    "tencent-zh",
    "tencent-en",
    "xfyun",
    "xfyun-offline-zh",
    "xfyun-offline-en",
]

UNRELEASED = "never released: its figures are printed and nothing more"
SPEECH = "its answers in speech cannot be had here"
TEXT = "hears nothing: as a judge it is openai:NAME"

WITHOUT_AN_ENTRY = {
    "step-audio2-ft": UNRELEASED,
    "tele-ctc-ft": UNRELEASED,
    "omni-r1": "no published weights could be found; those that a hub has under this name are another paper's",
    "MiniCPMo2_6-speech": SPEECH,
    "step-audio-aqaa": SPEECH,
    "llama-omni": SPEECH,
    "mini-omni": SPEECH,
    "speech-gpt": SPEECH,
    "teleasr": "which of the models of that name is meant is not said",
    **dict.fromkeys(("gpt4o-mini", "gpt4", "qwen3-32b", "deepseek-r1", "deepseek-v3", "llama-3-70b-instruct"), TEXT),
}


@pytest.mark.parametrize("name", [*LANGUAGE_MODELS, *RECOGNISERS])
def test_a_name_of_others_is_an_entry_or_it_is_said_why_not(name):
    if name in WITHOUT_AN_ENTRY:
        with pytest.raises(UnknownNameError):
            MODELS.get(name)
    else:
        assert MODELS.get(name).name


def test_what_is_said_to_have_no_entry_is_asked_for():
    assert set(WITHOUT_AN_ENTRY) <= {*LANGUAGE_MODELS, *RECOGNISERS}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("step-audio-r1", "stepfun-ai/Step-Audio-R1"),
        ("step-audio-r1.1", "stepfun-ai/Step-Audio-R1.1"),
        ("ultravox", "fixie-ai/ultravox-v0_4"),
        ("qwen-omni-turbo-2025-03-26", "qwen-omni-turbo-2025-03-26"),
        ("gemini-pro", "gemini-pro"),
        ("step-audio-2", "step-audio-2"),
        ("gpt4o_audio_ms", "gpt-4o-realtime-preview-2024-10-01"),
        ("baichuan-audio-chat", "baichuan-inc/Baichuan-Audio-Instruct"),
        ("conformer-u2pp-wu", "ASLP-lab/WenetSpeech-Wu-Speech-Understanding"),
        ("whisper", "openai/whisper-large-v3"),
    ],
)
def test_a_name_of_others_means_what_they_meant(name, source):
    assert MODELS.get(name).source == source

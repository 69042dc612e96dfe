"""Voices that write the codes of a codec: tiny random checkpoints through the adapter that runs the real ones."""

import gc
import json
import weakref

import numpy as np
import pytest
import tiny_coded_voices as tiny
from tiny_checkpoints import build_ctc, speechlike
from tiny_coded_voices import coded_voice

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.types import Audio, Prompt, Request

pytest.importorskip("torch", reason="needs the extra 'local'")
pytest.importorskip("transformers", reason="needs the extra 'local'")

KINDS = {
    "csm": (24_000, "csm-1b"),
    "dia": (44_100, "dia-1.6b"),
    "higgs": (24_000, "higgs-audio-v2-3b"),
    "pocket": (24_000, "pocket-tts"),
}
"""Rate in Hz, and the entry of the catalogue."""

NEED_WORDS = ("csm", "dia", "higgs")
SHORT = {"csm": "4", "dia": "20", "higgs": "10", "pocket": "4"}
"""Frames above those by which the last codebook comes late."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folders, models = {}, {}

    def get(kind):
        if kind not in models:
            folders[kind] = getattr(tiny, f"build_{kind}")(tmp_path_factory.mktemp(kind))
            models[kind] = coded_voice(folders[kind])
        return folders[kind], models[kind]

    yield get
    for model in models.values():
        model.close()


def voice(rate, seed=0, seconds=1.0):
    return Audio(np.resize(speechlike(seconds, seed), int(seconds * rate)).astype(np.float32), rate)


def ask(text="hello there", sound=None, words="", draw=0):
    sounds = {} if sound is None else {"prompt": sound}
    return Request("", None, Prompt(text=text, language="en", voice_text=words), sounds=sounds, draw=draw)


def plain_of(kind, text="hello there", draw=0):
    """Ask for a text in the model's own voice, or in one where it has none."""
    return ask(text, voice(KINDS[kind][0]) if kind == "pocket" else None, draw=draw)


def said(model, *requests):
    answers = model.generate(list(requests))
    assert [answer.error for answer in answers] == [None] * len(requests)
    return [answer.speech.samples for answer in answers]


def same(one, other):
    return one.shape == other.shape and np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_sounds_the_same_in_any_company_and_otherwise_in_another_draw(kind, made):
    _, model = made(kind)
    assert model.sample_rate == KINDS[kind][0]
    (answer,) = model.generate([plain_of(kind)])
    assert answer.error is None
    assert answer.speech.sample_rate == KINDS[kind][0]
    asked = (plain_of(kind), plain_of(kind, "quite another text"), plain_of(kind), plain_of(kind, draw=1))
    first, other, again, drawn = said(model, *asked)
    assert len(first) > 1000
    assert np.isfinite(first).all()
    assert np.abs(first).max() > 0
    assert same(answer.speech.samples, first)
    assert same(first, again)
    assert not same(first, other)
    assert not same(first, drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_the_voice_that_is_handed_over_is_heard(kind, made):
    rate, name = KINDS[kind]
    _, model = made(kind)
    plain, one, other, again = said(
        model,
        plain_of(kind),
        *(ask(sound=voice(rate, seed), words="so it said") for seed in (1, 2, 1)),
    )
    assert same(one, again)
    assert not same(one, other)
    assert not same(one, plain)
    assert "voice-clone" in load_catalog().models.get(name).tasks


@pytest.mark.parametrize("kind", NEED_WORDS)
def test_what_is_said_in_a_voice_has_to_be_known(kind, made):
    rate, _ = KINDS[kind]
    refused, answered = made(kind)[1].generate([ask(sound=voice(rate)), ask()])
    assert "give the row the field `prompt_text`" in refused.error
    assert answered.error is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_text_and_an_empty_voice_fail_alone(kind, made):
    rate, _ = KINDS[kind]
    _, model = made(kind)
    silent = Audio(np.zeros(0, np.float32), rate)
    empty, voiceless, answered = model.generate([ask(" "), ask(sound=silent, words="so"), plain_of(kind)])
    assert empty.error == "there is nothing to say: the text of this row is empty"
    assert "whose voice is to be taken, is empty" in voiceless.error
    assert answered.error is None


@pytest.mark.parametrize("kind", KINDS)
def test_how_long_and_how_wildly_it_speaks_can_be_told(kind, made):
    folder, model = made(kind)
    (plain,) = said(model, plain_of(kind))
    short = coded_voice(folder, max_new_tokens=SHORT[kind])
    (less,) = said(short, plain_of(kind))
    short.close()
    assert 0 < len(less) < len(plain)
    steady = coded_voice(folder, temperature="2")
    (other,) = said(steady, plain_of(kind))
    steady.close()
    assert not same(other, plain)
    assert steady.identity() != model.identity()


@pytest.mark.parametrize("kind", KINDS)
def test_it_speaks_in_half_precision(kind, made):
    half = coded_voice(made(kind)[0], dtype="bfloat16", max_new_tokens=SHORT[kind])
    said(half, plain_of(kind), ask(sound=voice(KINDS[kind][0]), words="so it said"))
    half.close()


def test_the_codec_beside_a_checkpoint_is_known_by_its_weights(made):
    folder, model = made("dia")
    codec = folder.with_name(f"{folder.name}-codec")
    before = model.identity()["codec"]
    assert str(codec) not in json.dumps(model.identity())
    shape = codec / "config.json"
    content = shape.read_text()
    shape.write_text(content.replace("{", '{"changed": 1,', 1))
    assert model.identity()["codec"] != before
    shape.write_text(content)
    spec = load_catalog().models.get("dia-1.6b")
    repos = [one.repo for one in adapter_class(spec.adapter).fetched_weights(spec, {})]
    assert repos == ["nari-labs/Dia-1.6B-0626", "descript/dac_44khz"]


def test_guidance_is_heeded(made):
    free = coded_voice(made("dia")[0], guidance_scale="1")
    assert not same(said(free, ask())[0], said(made("dia")[1], ask())[0])
    free.close()


@pytest.mark.parametrize("kind", KINDS)
def test_closing_frees_the_weights(kind, made):
    folder, _ = made(kind)
    model = coded_voice(folder)
    weights = weakref.ref(model._model)
    model.close()
    gc.collect()
    assert weights() is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_entry_asks_what_the_class_can_be_asked(kind):
    spec = load_catalog().models.get(KINDS[kind][1])
    adapter = adapter_class(spec.adapter)
    assert adapter.varies(spec, checked_args(adapter, spec, {}))
    assert not spec.verified
    assert adapter.fetched_weights(spec, checked_args(adapter, spec, {}))[0].repo == spec.source


def test_pocket_tts_speaks_in_no_voice_of_its_own_and_says_a_long_text_in_pieces(made):
    _, model = made("pocket")
    refused, short, long = model.generate(
        [ask(), plain_of("pocket", "Hello there, all."), plain_of("pocket", "Hello there, all. " * 6)]
    )
    assert "handed none: ask it a data set of voice-clone" in refused.error
    assert len(long.speech.samples) > 4 * len(short.speech.samples)
    assert load_catalog().models.get("pocket-tts").tasks == ("voice-clone",)


def test_what_is_no_such_voice_or_lacks_its_rate_is_told(made, tmp_path):
    with pytest.raises(ModelError, match="no voice of csm"):
        create(ModelSpec("m", "transformers-tts-coded", source=str(build_ctc(tmp_path / "ctc"))), {})
    with pytest.raises(UsageError, match="takes no guidance_scale"):
        coded_voice(made("csm")[0], guidance_scale="3")
    with pytest.raises(UsageError, match="takes no top_k"):
        coded_voice(made("pocket")[0], top_k="3")
    with pytest.raises(UsageError, match="max_new_tokens=15 of 'voice' must be above 15"):
        coded_voice(made("dia")[0], max_new_tokens="15")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text(json.dumps({"model_type": "csm"}))
    (bare / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="has no sampling_rate"):
        create(ModelSpec("m", "transformers-tts-coded", source=str(bare)), {})

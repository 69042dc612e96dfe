"""SeamlessM4T v2 as a voice: a tiny random checkpoint through the adapter that runs the real one."""

import json

import numpy as np
import pytest
from tiny_checkpoints import build_ctc

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.registry import create
from audiobench_pytest.models.transformers import torchaudio_compat
from audiobench_pytest.types import Prompt, Request

pytest.importorskip("torch", reason="needs the extra 'local'")
pytest.importorskip("transformers", reason="needs the extra 'local'")

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LANGUAGES = ("eng", "deu", "cmn")


def build(folder):
    """Save it with a tokenizer of letters; it writes eight of them for every text, and says these."""
    torchaudio_compat.preseed()
    import torch
    import transformers as tf

    torch.manual_seed(0)
    marks = [f"__{language}__" for language in LANGUAGES]
    words = ["<pad>", "<unk>", "<s>", "</s>", "\u2581", *LETTERS, *marks]
    tokenizer = tf.SeamlessM4TTokenizer(
        vocab={word: n for n, word in enumerate(words)}, merges=[], additional_special_tokens=marks
    )
    stacks = {
        f"{part}{name}": value
        for part in ("", "t2u_")
        for side in ("encoder", "decoder")
        for name, value in ((f"{side}_layers", 1), (f"{side}_ffn_dim", 32), (f"{side}_attention_heads", 2))
    }
    config = tf.SeamlessM4Tv2Config(
        vocab_size=len(words),
        t2u_vocab_size=40,
        char_vocab_size=len(words),
        hidden_size=32,
        speech_encoder_layers=1,
        speech_encoder_attention_heads=2,
        speech_encoder_intermediate_size=32,
        t2u_variance_predictor_embed_dim=32,
        t2u_variance_predictor_hidden_dim=16,
        unit_hifi_gan_vocab_size=40,
        unit_embed_dim=16,
        lang_embed_dim=8,
        spkr_embed_dim=8,
        vocoder_num_langs=3,
        vocoder_num_spkrs=4,
        upsample_initial_channel=32,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        decoder_start_token_id=3,
        **stacks,
    )
    model = tf.SeamlessM4Tv2ForTextToSpeech(config).eval()
    ids = dict(zip(LANGUAGES, tokenizer.convert_tokens_to_ids(marks), strict=True))
    numbers = {language: n for n, language in enumerate(LANGUAGES)}
    model.generation_config = tf.GenerationConfig(
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        decoder_start_token_id=3,
        max_new_tokens=9,
        min_new_tokens=9,
        suppress_tokens=[0, 1, 2, 4, *ids.values()],
        text_decoder_lang_to_code_id=ids,
        t2u_lang_code_to_id=numbers,
        vocoder_lang_code_to_id={"eng": 0, "cmn": 2},
        id_to_text={str(n): word for n, word in enumerate(words)},
        char_to_id={word: n for n, word in enumerate(words)},
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("seamless"))


def made(folder, **args):
    return create(ModelSpec("voice", "transformers-seamless-tts", source=str(folder), tasks=("tts",)), args)


def ask(text, language="en", draw=0):
    return Request("", None, Prompt(text=text, language=language), draw=draw)


def said(answer):
    assert answer.error is None
    return answer.speech.samples


def same(one, other):
    return one.shape == other.shape and np.array_equal(one, other)


def test_a_text_is_said_in_its_language_and_the_same_in_every_draw(folder):
    model = made(folder)
    model.load()
    asked = (ask("the fox"), ask("a lazy dog"), ask("the fox", draw=1), ask("the fox", "zh"))
    first, other, again, chinese = model.generate(asked)
    assert first.speech.sample_rate == 16_000
    assert len(said(first)) > 1000
    assert np.isfinite(said(first)).all()
    assert same(said(first), said(again))
    assert not same(said(first), said(other))
    assert not same(said(first), said(chinese))
    model.close()
    assert model._model is None


def test_what_it_cannot_say_fails_alone(folder):
    model = made(folder)
    model.load()
    empty, german, untold, fine = model.generate([ask(""), ask("a", "de"), ask("a", None), ask("a")])
    assert "the text of this row is empty" in empty.error
    assert german.error == "this model does not speak 'de'; it speaks cmn, eng"
    assert "has to be told the language" in untold.error
    assert fine.error is None
    model.close()


def test_another_voice_sounds_otherwise_and_one_that_there_is_not_is_told(folder):
    sounds = []
    for speaker in ("0", "3"):
        model = made(folder, speaker=speaker)
        model.load()
        sounds.append(said(model.generate([ask("the fox")])[0]))
        model.close()
    assert not same(*sounds)
    with pytest.raises(UsageError, match="speaker=4 of 'voice' must be from 0 to 3"):
        made(folder, speaker="4")


def test_what_is_no_such_checkpoint_is_told(tmp_path):
    with pytest.raises(ModelError, match="not 'seamless_m4t_v2'"):
        made(build_ctc(tmp_path / "ctc"))
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text(json.dumps({"model_type": "seamless_m4t_v2"}))
    (bare / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="names no language that it speaks"):
        made(bare)

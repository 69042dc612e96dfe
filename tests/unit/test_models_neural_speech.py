"""Neural codecs and voices: tiny random checkpoints through the adapters that run the real ones."""

import math

import numpy as np
import pytest
from tiny_checkpoints import build_ctc, speechlike
from tiny_speech import CODECS, build_codec, build_speecht5, build_vits, codec, voice

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

torch = pytest.importorskip("torch", reason="needs the extra 'local'")
pytest.importorskip("transformers", reason="needs the extra 'local'")

RATES = {
    "encodec": 24_000,
    "encodec-48k": 48_000,
    "mimi": 24_000,
    "dac": 16_000,
    "wavtokenizer": 24_000,
    "xcodec": 16_000,
}


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    made = {}

    def get(kind):
        if kind not in made:
            folder = build_codec(tmp_path_factory.mktemp(kind), kind)
            made[kind] = (folder, codec(folder))
        return made[kind]

    yield get
    for _, model in made.values():
        model.close()


def clip(rate, seconds=1.3, seed=0):
    return Audio(np.resize(speechlike(seconds, seed), int(seconds * rate)).astype(np.float32), rate)


def ask(model, *clips):
    answers = model.generate([Request("", one, Prompt()) for one in clips])
    assert [answer.error for answer in answers] == [None] * len(clips)
    return answers


@pytest.mark.parametrize("kind", CODECS)
def test_a_recording_comes_back_as_long_as_it_was_with_its_bits(kind, coded):
    _, model = coded(kind)
    assert model.sample_rate == RATES[kind]
    (answer,) = ask(model, clip(RATES[kind]))
    assert answer.speech.samples.shape == (int(1.3 * RATES[kind]),)
    assert answer.speech.sample_rate == RATES[kind]
    assert np.isfinite(answer.speech.samples).all()
    told = answer.meta["codec"]
    assert told["bits"] == round(told["frames"] * told["codebooks"] * math.log2(told["codebook_size"]))
    assert told["nominal_bps"] == pytest.approx(told["bits"] / 1.3, rel=0.6)
    assert answer.timing["codec_encode_s"] > 0
    assert answer.timing["codec_decode_s"] > 0


@pytest.mark.parametrize("kind", ["encodec", "mimi", "dac", "wavtokenizer"])
def test_a_batch_is_what_single_recordings_are(kind, coded):
    _, model = coded(kind)
    clips = [clip(RATES[kind], seconds, seed) for seed, seconds in enumerate((0.7, 1.3, 1.0))]
    together = ask(model, *clips)
    alone = [ask(model, one)[0] for one in reversed(clips)][::-1]
    for first, second in zip(together, alone, strict=True):
        assert np.array_equal(first.speech.samples, second.speech.samples)
    if kind in ("encodec", "dac"):  # random weights of the others have one code for everything: nothing is seen there
        codes = [model._encode(model._given(one.samples, one.sample_rate)).audio_codes for one in clips]
        assert len(codes[1].unique()) >= 8
        assert not torch.equal(codes[1][..., : codes[2].shape[-1]], codes[2])


@pytest.mark.parametrize(
    ("kind", "args", "books"),
    [("encodec", {"bandwidth": "6"}, 13), ("mimi", {"codebooks": "2"}, 2), ("dac", {"codebooks": "1"}, 1)],
)
def test_the_rate_is_chosen(kind, args, books, coded):
    folder, _ = coded(kind)
    model = codec(folder, **args)
    try:
        assert ask(model, clip(RATES[kind]))[0].meta["codec"]["codebooks"] == books
    finally:
        model.close()


@pytest.mark.parametrize(
    ("kind", "args", "told"),
    [
        ("encodec", {"bandwidth": "7"}, "must be one of 1.5, 3, 6, 12, 24"),
        ("encodec", {"codebooks": "2"}, "not chosen by codebooks"),
        ("mimi", {"codebooks": "40"}, "has 4 codebooks"),
        ("mimi", {"bandwidth": "6"}, "not chosen by bandwidth"),
        ("encodec", {"chunk": "1"}, "does not stream"),
        ("mimi", {"chunk": "1", "chunk_state": "all"}, "chunk_state"),
        ("mimi", {"chunk_state": "fresh"}, "needs chunk=FRAMES"),
    ],
)
def test_rates_that_there_are_not(kind, args, told, coded):
    folder, _ = coded(kind)
    with pytest.raises(UsageError, match=told):
        codec(folder, **args)


@pytest.mark.parametrize("frames", [1, 3])
def test_a_stream_has_the_codes_of_the_whole_recording(frames, tmp_path):
    folder = build_codec(tmp_path, "mimi", attends=8)  # shorter than the recording: what is out of sight is dropped
    whole, stream = codec(folder), codec(folder, chunk=str(frames))
    fresh = codec(folder, chunk=str(frames), chunk_state="fresh")
    heard = Audio(clip(24_000, 1.28, seed=3).samples, 24_000)  # 16 frames
    with torch.inference_mode():
        codes, streamed = (one._encode(one._given(heard.samples, 24_000)).audio_codes for one in (whole, stream))
        unkept = [whole._encode(whole._given(one, 24_000)).audio_codes for one in np.split(heard.samples, 16)]
    assert len(codes.unique()) >= 16
    assert torch.equal(codes, streamed)
    assert not torch.equal(codes, torch.cat(unkept, dim=-1))  # what is kept between chunks is seen in the codes
    (all_at_once,), (kept,), (alone,) = (ask(one, heard) for one in (whole, stream, fresh))
    sounds = [one.speech.samples for one in (all_at_once, kept, alone)]
    assert {one.shape for one in sounds} == {(30_720,)}
    hop = frames * 1920
    assert np.allclose(sounds[0][: hop // 2], sounds[1][: hop // 2], atol=1e-5)
    assert np.array_equal(sounds[1][:hop], sounds[2][:hop])
    assert not np.array_equal(sounds[1], sounds[2])
    assert kept.meta["codec"]["algorithmic_latency_s"] == pytest.approx(frames * 0.08)
    assert kept.meta["codec"]["bits"] == all_at_once.meta["codec"]["bits"]
    assert "algorithmic_latency_s" not in all_at_once.meta["codec"]
    clips = [clip(24_000, seconds, seed) for seed, seconds in enumerate((0.7, 1.3, 0.05))]
    for together, one in zip(ask(stream, *clips), clips, strict=True):
        assert np.array_equal(together.speech.samples, ask(stream, one)[0].speech.samples)
    assert stream.identity() != fresh.identity()
    for model in (whole, stream, fresh):
        model.close()


def test_a_recogniser_is_no_codec_and_no_voice(tmp_path):
    folder = build_ctc(tmp_path)
    with pytest.raises(ModelError, match="no codec of encodec, mimi"):
        create(ModelSpec("m", "transformers-codec", source=str(folder)), {})
    with pytest.raises(ModelError, match="no voice of vits"):
        create(ModelSpec("m", "transformers-tts", source=str(folder)), {})


def test_an_empty_recording_is_an_error_of_its_own(coded):
    _, model = coded("encodec")
    (answer,) = model.generate([Request("", Audio(np.zeros(0, np.float32), 24_000), Prompt())])
    assert "nothing in the recording" in answer.error


@pytest.fixture(scope="module")
def vits(tmp_path_factory):
    folder = build_vits(tmp_path_factory.mktemp("vits"))
    model = voice(folder)
    yield folder, model
    model.close()


def say(model, *texts):
    answers = model.generate([Request("", None, Prompt(text=text, language="en")) for text in texts])
    assert [answer.error for answer in answers] == [None] * len(texts)
    return [answer.speech for answer in answers]


def test_a_voice_says_a_text_the_same_way_in_any_company(vits):
    _, model = vits
    one, two = say(model, "the quick brown fox", "jumps over")
    (again,) = say(model, "jumps over")
    assert one.sample_rate == 16_000
    assert len(one.samples) > 100
    assert np.array_equal(two.samples, again.samples)
    assert one.samples.shape != two.samples.shape or not np.array_equal(one.samples, two.samples)


def test_voices_and_seeds_differ_and_one_that_there_is_not_is_told(vits):
    folder, model = vits
    (first,) = say(model, "the quick brown fox")
    for args in ({"speaker": "2"}, {"seed": "1"}):
        other = voice(folder, **args)
        (second,) = say(other, "the quick brown fox")
        other.close()
        assert first.samples.shape != second.samples.shape or not np.array_equal(first.samples, second.samples)
        assert other.identity() != model.identity()
    wrong = voice(folder, speaker="9")
    with pytest.raises(ModelError, match="voices 0 to 3, not 9"):
        say(wrong, "a")
    wrong.close()
    with pytest.raises(UsageError, match="takes no vocoder"):
        voice(folder, vocoder="x")


def test_speecht5_speaks_through_its_vocoder(tmp_path):
    pytest.importorskip("sentencepiece", reason="needs the extra 'flores'")
    folder = build_speecht5(tmp_path / "speecht5")
    with pytest.raises(UsageError, match="needs vocoder="):
        voice(folder)
    embedding = tmp_path / "voice.npy"
    np.save(embedding, np.ones(64, np.float32))
    plain = voice(folder, vocoder=str(tmp_path / "vocoder"))
    own = voice(folder, vocoder=str(tmp_path / "vocoder"), speaker_embedding=str(embedding))
    (first,), (second,) = say(plain, "the fox"), say(own, "the fox")
    assert first.sample_rate == 16_000
    assert len(first.samples) > 100
    assert first.samples.shape != second.samples.shape or not np.array_equal(first.samples, second.samples)
    np.save(embedding, np.ones(7, np.float32))
    with pytest.raises(ModelError, match="holds 7 values; 64 are wanted"):
        say(own, "the fox")
    plain.close()
    own.close()

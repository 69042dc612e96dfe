"""Raters: each says what its package says, of one clip or of many, and nothing of what is no sound."""

import numpy as np
import pytest
import soundfile

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.metrics.speech.ratings import RATINGS
from audiobench_pytest.models.raters.base import aligned
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.types import Audio, Prompt, Request

MODELS = load_catalog().models
RATERS = [spec.name for spec in MODELS if spec.tasks == ("rating",) and spec.verified]
"""Those whose weights are in their packages; the others stand in test_models_rater_checkpoints."""
RATE = 16_000


@pytest.fixture(scope="module")
def clips():
    paths = sorted(corpus_path("minispeech/audio").iterdir())[:4]
    return [np.tile(soundfile.read(path, dtype="float32")[0], 2) for path in paths]


@pytest.fixture(scope="module")
def rater():
    made = {}

    def get(name):
        if name not in made:
            try:
                made[name] = create(MODELS.get(name), {})
            except MissingExtraError as exc:
                pytest.skip(str(exc))
            made[name].load()
        return made[name]

    yield get
    for one in made.values():
        one.close()


def request(sound, reference=None):
    sounds = {} if reference is None else {"reference": Audio(np.asarray(reference, np.float32), RATE)}
    return Request("", Audio(np.asarray(sound, np.float32), RATE), Prompt(), None, sounds)


def ratings(model, *requests):
    answers = model.generate(requests)
    assert [answer.error for answer in answers] == [None] * len(requests)
    return [answer.meta["rating"] for answer in answers]


def noisy(sound, db=15.0):
    noise = np.random.default_rng(1).normal(size=len(sound))
    return (sound + noise * np.sqrt(np.mean(sound**2) / 10 ** (db / 10))).astype(np.float32)


@pytest.mark.parametrize("name", RATERS)
def test_it_gives_the_ratings_that_its_metric_expects_in_their_ranges(name, rater, clips):
    model = rater(name)
    (found,) = ratings(model, request(noisy(clips[0]), clips[0]))
    assert set(found) == {one.name for one in RATINGS[name]}
    for one in RATINGS[name]:
        assert one.minimum is None or found[one.name] >= one.minimum
        assert one.maximum is None or found[one.name] <= one.maximum


@pytest.mark.parametrize("name", RATERS)
def test_a_batch_says_what_single_clips_are_told_and_again_the_same(name, rater, clips):
    model = rater(name)
    asked = [request(noisy(clip), clip) for clip in clips[:3]]
    together = ratings(model, *asked)
    alone = [ratings(model, one)[0] for one in reversed(asked)][::-1]
    for first, second in zip(together, alone, strict=True):
        assert first == pytest.approx(second, abs=1e-4)


@pytest.mark.parametrize("name", RATERS)
@pytest.mark.parametrize(
    ("sound", "told"),
    [
        ([], "lasts 0.00 s"),
        (np.full(1000, 0.1), "lasts 0.06 s"),
        (np.zeros(2 * RATE), "silent"),
        (np.full(2 * RATE, np.nan), "no numbers"),
    ],
)
def test_what_is_no_sound_is_not_rated(name, sound, told, rater, clips):
    (answer,) = rater(name).generate([request(sound, clips[0])])
    assert told in answer.error
    assert "rating" not in answer.meta


@pytest.mark.parametrize("name", [name for name in RATERS if adapter_class(f"rater-{name}").compares])
def test_the_recording_itself_is_the_best_there_is(name, rater, clips):
    same, worse = ratings(rater(name), request(clips[0], clips[0]), request(noisy(clips[0]), clips[0]))
    for one in RATINGS[name]:
        assert (same[one.name] > worse[one.name]) == one.higher_is_better


@pytest.mark.parametrize("name", ["stoi", "pesq", "si-sdr", "mel-distance"])
def test_a_lag_costs_nothing(name, rater, clips):
    late = np.pad(clips[0], (160, 0))[: len(clips[0])]  # 10 ms, for which STOI alone would be 0.86
    same, shifted = ratings(rater(name), request(clips[0], clips[0]), request(late, clips[0]))
    first = RATINGS[name][0].name
    if name == "stoi":
        assert shifted[first] == pytest.approx(same[first], abs=1e-3)
    if name == "pesq":
        assert shifted[first] == pytest.approx(same[first], abs=0.05)  # the last 10 ms are gone
    (answer,) = rater(name).generate([request(late, clips[0])])
    assert answer.meta["lag"] == 160


def test_stoi_of_a_recording_is_one_also_of_a_short_one(rater, clips):
    short = clips[0][: RATE // 2]
    for clip in (*clips, short):
        (found,) = ratings(rater("stoi"), request(clip, clip))
        assert found["stoi"] == pytest.approx(1.0, abs=1e-6)


def test_numbers_are_those_of_the_packages(rater, clips):
    clip, worse = clips[1], noisy(clips[1])
    pystoi = pytest.importorskip("pystoi")
    assert ratings(rater("stoi"), request(worse, clip))[0]["stoi"] == pytest.approx(pystoi.stoi(clip, worse, RATE))
    pesq = pytest.importorskip("pesq")
    assert ratings(rater("pesq"), request(worse, clip))[0]["pesq"] == pytest.approx(pesq.pesq(RATE, clip, worse, "wb"))


def test_dnsmos_is_that_of_speechmos(rater, clips):
    model = rater("dnsmos")
    from speechmos import dnsmos

    told = dnsmos.run(clips[0], sr=RATE, return_df=False)
    (found,) = ratings(model, request(clips[0]))
    assert found["dnsmos_ovrl"] == pytest.approx(float(told["ovrl_mos"]), abs=1e-5)
    assert found["dnsmos_p808"] == pytest.approx(float(told["p808_mos"]), abs=1e-5)


def test_si_sdr_of_known_noise(rater):
    rng = np.random.default_rng(0)
    clean = rng.normal(size=4 * RATE) * 0.1
    noise = rng.normal(size=4 * RATE) * 0.01
    noise -= clean * (noise @ clean) / (clean @ clean)
    (found,) = ratings(rater("si-sdr"), request(clean + noise, clean))
    assert found["si_sdr"] == pytest.approx(20.0, abs=0.1)
    (scaled,) = ratings(rater("si-sdr"), request(0.3 * (clean + noise), clean))
    assert scaled["si_sdr"] == pytest.approx(found["si_sdr"], abs=1e-3)


def test_loudness_of_the_standards_tone(rater):
    # BS.1770: a sine of 997 Hz at full scale, in one channel, is -3.01 LUFS.
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * RATE) / RATE)
    (found,) = ratings(rater("loudness"), request(tone))
    assert found["lufs"] == pytest.approx(-3.01, abs=0.1)


def test_voices_that_differ_are_less_alike_than_one_voice(rater):
    model = rater("resemblyzer")
    rows = [line for line in corpus_path("minispeech/manifest.jsonl").read_text("utf-8").splitlines() if line]
    import json

    by_speaker = {}
    for row in map(json.loads, rows):
        by_speaker.setdefault(row["speaker"], []).append(corpus_path(f"minispeech/{row['audio']}"))
    (_, (a, b, *_)), (_, (c, *_)) = list(by_speaker.items())[:2]
    a, b, c = (soundfile.read(path, dtype="float32")[0] for path in (a, b, c))
    one, two = ratings(model, request(a, b), request(a, c))
    assert one["sim"] > two["sim"]


def test_a_voice_is_compared_whole_whatever_the_lengths(rater):
    """Once an answer was cut to the length of the voice that it was to take, or filled up with silence."""
    model = rater("resemblyzer")
    from resemblyzer import VoiceEncoder, preprocess_wav

    paths = sorted(corpus_path("minispeech/manifest.jsonl").parent.glob("audio/*.flac"))
    short, long = (soundfile.read(path, dtype="float32")[0] for path in (paths[0], paths[-1]))
    short = short[: 2 * RATE]
    encoder = VoiceEncoder("cpu", verbose=False)
    told = float(encoder.embed_utterance(preprocess_wav(long)) @ encoder.embed_utterance(preprocess_wav(short)))
    (found,) = ratings(model, request(long, short))
    assert found["sim"] == pytest.approx(told, abs=1e-5)


@pytest.mark.parametrize("lag", [-700, -3, 0, 5, 640])
def test_lags_are_found_and_taken_out(lag):
    reference = np.random.default_rng(2).normal(size=8000).astype(np.float32)
    moved = np.pad(reference, (lag, 0))[:8000] if lag >= 0 else np.pad(reference[-lag:], (0, -lag))
    back, found = aligned(moved, reference, 800)
    assert found == lag
    inner = slice(800, -800)
    assert np.allclose(back[inner], reference[inner], atol=1e-6)
    assert len(back) == len(reference)


def test_what_decides_the_ratings_is_in_the_identity(rater):
    told = rater("dnsmos").identity()
    assert set(told["packages"]) == {"speechmos", "onnxruntime", "librosa"}
    assert len(told["weights"]) >= 2

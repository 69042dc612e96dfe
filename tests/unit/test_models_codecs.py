"""Codecs without weights: what comes out is as long as what went in, and worse the fewer bits there are."""

import numpy as np
import pytest
import soundfile

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

MODELS = load_catalog().models
CODECS = [spec.name for spec in MODELS if spec.adapter.startswith("codec-")]
RATE = 16_000


@pytest.fixture(scope="module")
def speech():
    path = sorted(corpus_path("minispeech/audio").iterdir())[3]
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return samples


def coded(name, samples, rate=RATE, **args):
    model = create(MODELS.get(name), {key: str(value) for key, value in args.items()})
    model.load()
    (answer,) = model.generate([Request("", Audio(np.asarray(samples, np.float32), rate), Prompt())])
    return answer


def noise_db(samples, answer):
    difference = answer.speech.samples - samples
    return 10 * np.log10(np.mean(samples**2) / max(np.mean(difference**2), 1e-20))


def test_the_issue_names_of_codecs_are_there():
    assert {"identity", "mu-law", "flac", "g711u", "g711a", "gsm", "resample-8k"} <= set(CODECS)
    assert {f"opus-{kbits}k" for kbits in (6, 8, 12, 16, 24, 32, 64)} <= set(CODECS)


@pytest.mark.parametrize("name", CODECS)
def test_an_answer_is_as_long_as_the_recording_and_tells_its_bits(name, speech):
    answer = coded(name, speech)
    assert answer.error is None
    assert answer.speech.samples.shape == speech.shape
    assert answer.speech.samples.dtype == np.float32
    assert answer.speech.sample_rate == RATE
    assert answer.meta["codec"]["bits"] > 0
    assert answer.timing["codec_encode_s"] >= 0
    assert answer.timing["codec_decode_s"] >= 0


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("samples", [[0.5], np.zeros(700), np.full(9_000, 1.5), np.linspace(-1, 1, 31)])
def test_odd_recordings_are_coded_too(name, samples):
    answer = coded(name, samples)
    assert answer.error is None
    assert len(answer.speech.samples) == len(samples)
    assert np.isfinite(answer.speech.samples).all()


@pytest.mark.parametrize("name", CODECS)
def test_an_empty_recording_is_no_answer(name):
    assert "nothing in the recording" in coded(name, []).error


@pytest.mark.parametrize("name", ["identity", "flac"])
def test_lossless_codecs_give_back_what_they_were_given(name, speech):
    assert np.array_equal(coded(name, speech).speech.samples, speech)


def test_fewer_bits_of_opus_are_worse(speech):
    rates = [64, 32, 24, 16, 12, 8, 6]
    bits = [coded(f"opus-{rate}k", speech).meta["codec"]["bits"] for rate in rates]
    assert bits == sorted(bits, reverse=True)


def test_fewer_levels_of_mu_law_are_worse(speech):
    noise = [noise_db(speech, coded("mu-law", speech, bits=bits)) for bits in (12, 8, 6, 4)]
    assert noise == sorted(noise, reverse=True)
    # 8 bits of mu law are good for about 38 dB.
    assert 33 < noise[1] < 42


def test_bits_are_those_that_the_format_has(speech):
    n = len(speech)
    assert coded("identity", speech).meta["codec"]["bits"] == 16 * n
    assert coded("mu-law", speech).meta["codec"]["bits"] == 8 * n
    assert coded("g711u", speech).meta["codec"]["bits"] == pytest.approx(8 * n / 2, abs=16)
    assert coded("g711u", speech).meta["codec"]["nominal_bps"] == 64_000
    assert coded("gsm", speech).meta["codec"]["nominal_bps"] == 13_000


@pytest.mark.parametrize("kbits", [6, 16, 32, 64])
def test_opus_spends_about_what_it_says_and_the_container_is_not_in_it(kbits, speech):
    long = np.tile(speech, 4)
    told = coded(f"opus-{kbits}k", long).meta["codec"]
    assert told["nominal_bps"] == kbits * 1000
    assert told["bits"] / (len(long) / RATE) / 1000 == pytest.approx(kbits, rel=0.25)
    # Frames of 20 ms.
    assert told["frames"] == pytest.approx(len(long) / RATE * 50, abs=3)


@pytest.mark.parametrize(("name", "kbits"), [("vorbis-48k", 48), ("mp3-32k", 32), ("mp3-48k", 48)])
def test_what_is_aimed_at_is_come_close_to(name, kbits, speech):
    long = np.tile(speech, 4)
    assert coded(name, long).meta["codec"]["bits"] / (len(long) / RATE) / 1000 == pytest.approx(kbits, rel=0.2)


def test_the_payload_of_ogg_agrees_with_its_pages(speech):
    import io

    from audiobench_pytest.models.codecs.files import _ogg_packets

    buffer = io.BytesIO()
    soundfile.write(buffer, speech, RATE, format="OGG", subtype="OPUS")
    data = buffer.getvalue()
    packets = _ogg_packets(data)
    headers = data.index(b"OggS", data.index(b"OpusTags"))
    assert 0.9 * (len(data) - headers) < sum(packets) < len(data) - headers


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("identity", {"rate": 100}, "must be 8000 to 192000 Hz"),
        ("mu-law", {"bits": 1}, "must be 2 to 16"),
        ("opus-6k", {"kbits": 5}, "must be 6 to 256"),
        ("resample-8k", {"to": 20_000}, "must be 1000 Hz to rate=16000"),
        ("flac", {"format": "wma"}, "must be one of"),
    ],
)
def test_arguments_that_cannot_be(name, args, told):
    with pytest.raises(UsageError, match=told):
        create(MODELS.get(name), {key: str(value) for key, value in args.items()})

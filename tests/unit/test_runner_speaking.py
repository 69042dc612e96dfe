"""Answers that are sounds: each that is none has a state and a reason, and what is kept is what was given."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.records.sounds import AudioStore
from audiobench_pytest.runner.asking.questions import outcome_of
from audiobench_pytest.runner.speaking import LONGEST_S, described, kept, spoken
from audiobench_pytest.types import SPEECH, Answer, Audio, CellId, Prediction, Sample, State

RATE = 16_000
CELL = CellId("set", "model", "recipe")


def tone(seconds=1.0, peak=0.5, rate=RATE):
    return (peak * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def sound(samples, rate=RATE):
    return Audio(np.asarray(samples, np.float32), rate)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("a text"), "text alone where speech was asked for"),
        (Answer(speech=sound([0.1, np.nan])), "no numbers"),
        (Answer(speech=sound([0.1, np.inf])), "no numbers"),
        (Answer(speech=sound(np.zeros((2, 10)))), "one channel"),
        (Answer(speech=sound([0.1], 0)), "0 Hz"),
        (Answer(speech=sound(np.zeros(int(LONGEST_S) + 2), 1)), "more than 3600 s"),
    ],
)
def test_what_is_no_sound_has_a_reason(answer, reason):
    found = spoken(answer)
    assert reason in found.error
    assert answer.speech is None or found.speech is None


def test_an_error_stays_what_it_was():
    assert spoken(Answer(error="out of memory")).error == "out of memory"


def kept_of(speech, folder):
    return kept(Prediction("key", "", None, 1.0, 0.1), speech, AudioStore(folder))


def state_of(prediction):
    return outcome_of(CELL, Sample("1", None, "reference", "en"), prediction).state


def test_a_sound_is_kept_by_content_as_it_was_given(tmp_path):
    first = kept_of(sound(tone()), tmp_path)
    second = kept_of(sound(tone()), tmp_path)
    facts = first.meta[SPEECH]
    assert facts == second.meta[SPEECH]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    samples, rate = soundfile.read(tmp_path / facts["file"], dtype="float32")
    assert rate == RATE
    assert np.abs(samples - tone()).max() <= 0.5 / 32768 + 1e-9
    assert state_of(first) is State.OK


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.full(RATE, 5e-4), np.zeros(0)])
def test_silence_and_nothing_at_all_are_answers_of_nothing(tmp_path, samples):
    found = kept_of(sound(samples), tmp_path)
    assert found.meta[SPEECH]["silent_share"] == 1.0
    assert state_of(found) is State.EMPTY


def test_what_is_seen_of_a_sound():
    told = described(sound(np.concatenate([np.zeros(RATE // 2), tone(0.5, peak=1.5)])))
    assert told.seconds == 1.0
    assert told.leading_s == pytest.approx(0.5, abs=0.021)
    assert told.silent_share == pytest.approx(0.5, abs=0.03)
    assert told.peak == pytest.approx(1.5, abs=0.01)
    # |1.5 sin| >= 1 for arccos(2/3) of each quarter: 53.5 % of the second half.
    assert told.clipped_share == pytest.approx(0.535 / 2, abs=0.01)


@given(st.lists(st.floats(-2, 2, width=32), max_size=3000), st.sampled_from([8_000, 16_000, 44_100]))
def test_shares_are_shares_whatever_the_sound(samples, rate):
    told = described(sound(samples, rate))
    assert 0 <= told.clipped_share <= 1
    assert 0 <= told.silent_share <= 1
    assert 0 <= told.leading_s <= max(told.seconds, 0.0) + 0.02


def test_an_outcome_names_its_sound_and_those_of_its_question(tmp_path):
    sample = Sample("1", tmp_path / "in.wav", "reference", "en", sounds={"prompt": tmp_path / "p.wav"})
    prediction = kept_of(sound(tone()), tmp_path)
    found = outcome_of(CELL, sample, prediction)
    assert found.speech["file"] == prediction.meta[SPEECH]["file"]
    assert found.speech["sounds"] == {"audio": str(tmp_path / "in.wav"), "prompt": str(tmp_path / "p.wav")}

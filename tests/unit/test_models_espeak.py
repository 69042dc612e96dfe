"""espeak-ng by pip alone: the same text always sounds the same, and what it cannot say is an error of that text."""

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Prompt, Request

pytest.importorskip("espeakng_loader", reason="needs the extra 'demo-speech'")


@pytest.fixture(scope="module")
def espeak():
    model = create(load_catalog().models.get("espeak-ng"), {})
    model.load()
    yield model
    model.close()


def say(model, text, language="en"):
    (answer,) = model.generate([Request("", None, Prompt(text=text, language=language, answer="speech"))])
    return answer


def test_one_text_sounds_the_same_whatever_was_said_before(espeak):
    first = say(espeak, "The ferry leaves at seven.").speech
    say(espeak, "Etwas anderes.", "de")
    again = say(espeak, "The ferry leaves at seven.").speech
    assert first.sample_rate == 22_050
    assert len(first.samples) > 22_050
    assert np.array_equal(first.samples, again.samples)


def test_and_in_another_process(espeak):
    other = create(load_catalog().models.get("espeak-ng"), {})
    other.load()
    try:
        assert np.array_equal(say(other, "Seven.").speech.samples, say(espeak, "Seven.").speech.samples)
    finally:
        other.close()


@pytest.mark.parametrize("language", ["de", "zh", "ja", "ko", "hi", "ar", "no", "pt-BR", "yue"])
def test_languages_have_voices(espeak, language):
    assert say(espeak, "1 2 3", language).error is None


def test_languages_differ(espeak):
    assert not np.array_equal(say(espeak, "7", "en").speech.samples, say(espeak, "7", "de").speech.samples)


def test_a_language_without_a_voice_is_an_error_of_the_text(espeak):
    assert "no voice 'xx'" in say(espeak, "a", "xx").error
    assert say(espeak, "a").error is None


@pytest.mark.parametrize("text", ["", " ", "<>&\x00\n\n", "\ud83d", "a " * 3000])
def test_odd_texts_end_nothing(espeak, text):
    assert say(espeak, text).error is None
    assert say(espeak, "a").error is None


def test_a_child_that_dies_is_an_error_and_comes_back_with_the_next_load():
    model = create(load_catalog().models.get("espeak-ng"), {})
    model.load()
    model._process.kill()
    with pytest.raises(Exception, match=r"ended|Broken pipe"):
        say(model, "a")
    model.close()
    model.load()
    assert say(model, "a").error is None
    model.close()

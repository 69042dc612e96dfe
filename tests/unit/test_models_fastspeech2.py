"""FastSpeech2Conformer: a tiny random checkpoint, and a stand-in of the package that knows the sounds of words."""

import importlib.util
import sys

import numpy as np
import pytest
from tiny_speech import build_fastspeech2

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, ModelError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.types import Prompt, Request

pytest.importorskip("torch", reason="needs the extra 'local'")
pytest.importorskip("transformers", reason="needs the extra 'local'")

LETTERS = "class G2p:\n    def __call__(self, text):\n        return list(text)\n"


@pytest.fixture
def g2p(tmp_path, monkeypatch):
    """Stand in for the package: a word sounds as its letters."""
    from transformers.utils import import_utils

    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "g2p_en.py").write_text(LETTERS)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    import_utils.is_g2p_en_available.cache_clear()
    yield
    import_utils.is_g2p_en_available.cache_clear()
    sys.modules.pop("g2p_en", None)


def voice(folder, **args):
    model = create(ModelSpec("voice", "transformers-fastspeech2", source=str(folder), tasks=("tts",)), args)
    model.load()
    return model


def ask(text, draw=0):
    return Request("", None, Prompt(text=text, language="en"), draw=draw)


@pytest.mark.usefixtures("g2p")
def test_it_says_a_text_and_the_same_in_every_draw(tmp_path):
    model = voice(build_fastspeech2(tmp_path / "m"))
    first, again, other, empty = model.generate([ask("the fox"), ask("the fox", draw=1), ask("a lazy dog"), ask("")])
    assert first.error is None
    assert first.speech.sample_rate == 22_050
    assert len(first.speech.samples) > 1000
    assert np.isfinite(first.speech.samples).all()
    assert np.array_equal(first.speech.samples, again.speech.samples)
    assert other.speech.samples.shape != first.speech.samples.shape
    assert "the text of this row is empty" in empty.error
    model.close()
    assert not model._parts


@pytest.mark.usefixtures("g2p")
def test_one_of_several_voices_can_be_named(tmp_path):
    folder = build_fastspeech2(tmp_path / "m", speakers=3)
    said = []
    for speaker in ("0", "2"):
        model = voice(folder, speaker=speaker)
        said.append(model.generate([ask("the fox")])[0].speech.samples)
        model.close()
    assert said[0].shape != said[1].shape or not np.array_equal(*said)
    wrong = voice(folder, speaker="3")
    with pytest.raises(ModelError, match="voices 0 to 2, not 3"):
        wrong.generate([ask("the fox")])
    wrong.close()


def test_without_the_package_its_command_is_told():
    if importlib.util.find_spec("g2p_en") is not None:
        pytest.skip("g2p-en is installed here")
    spec = load_catalog().models.get("fastspeech2-conformer")
    adapter = adapter_class(spec.adapter)
    with pytest.raises(MissingExtraError, match=r"needs the package 'g2p_en'.*pip install .* g2p-en$"):
        create(spec, {})
    command = "pip install 'audiobench-pytest[local]' g2p-en"
    assert adapter.lacks(spec, checked_args(adapter, spec, {})) == [("the package 'g2p_en'", command)]
    assert not adapter.varies(spec, checked_args(adapter, spec, {}))

"""A change of our own steps is another signature."""

import hashlib
from pathlib import Path

import pytest

from audiobench_pytest import catalog
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics import probe as probing
from audiobench_pytest.metrics import steps
from audiobench_pytest.metrics.recipes import Recipe

SPEC = load_catalog().recipes.get("wer/audiobench-pytest@2")


@pytest.fixture(autouse=True)
def _asked_anew():
    probing.probe.cache_clear()
    yield
    probing.probe.cache_clear()


def test_the_texts_are_frozen():
    """Whoever adds a text changes each signature: that needs a new version of the recipes, and of this digest."""
    content = (Path(catalog.__file__).parent / "checks" / "probe.txt").read_bytes()
    assert hashlib.blake2b(content, digest_size=8).hexdigest() == "b8e06d52771a3ee9"
    assert any("\u200b" in text for text in probing._texts())


def test_a_step_that_does_something_else_is_another_signature(monkeypatch):
    before = Recipe(SPEC).signature(["fa"])
    probing.probe.cache_clear()
    monkeypatch.setitem(steps.TEXT_STEPS, "persian_joins", lambda text: text)
    after = Recipe(SPEC).signature(["fa"])
    assert before != after
    assert [one for one in before.split("|") if "probe" not in one] == [
        one for one in after.split("|") if "probe" not in one
    ]


def test_one_rule_is_one_signature_whatever_its_language_is_called():
    recipe = Recipe(SPEC)
    for names in (["en", "en-US", "English", "eng"], ["zh", "zh-TW", "cmn_Hant", "Chinese"], ["ar", "arz", "ar-EG"]):
        assert len({recipe.signature([name]) for name in names}) == 1
    assert recipe.signature(["sw-KE"]) == recipe.signature(["sw"])
    assert recipe.signature(["fo"]).split("|")[1] == "lang:fo"


def test_earlier_versions_have_no_digest():
    assert "probe:" not in Recipe(load_catalog().recipes.get("wer/audiobench-pytest@1")).signature(["en"])

"""Stored scores: what makes one be found again, and what makes it be computed anew."""

import pytest

from audiobench_pytest.catalog.loader import load_catalog, use_folders
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.runner.scoring import scorer as scoring
from audiobench_pytest.runner.scoring.scorer import Scorer, language_of


@pytest.fixture
def own_labels(tmp_path):
    """Return a function that writes a label set of a user's own, as a new process would find it."""
    folder = tmp_path / "own"
    (folder / "labels").mkdir(parents=True)

    def write(synonym: str) -> None:
        text = f"labels: [{{name: moods, labels: {{merry: [{synonym}], gloomy: []}}}}]"
        (folder / "labels" / "moods.yaml").write_text(text, "utf-8")
        use_folders([folder])
        _forget()

    yield write
    use_folders([])
    _forget()


def _forget():
    from audiobench_pytest.metrics.extraction import labels

    for known in (scoring._code_digest, labels.named_set, labels.set_of_choices):
        known.cache_clear()


def test_a_score_is_not_found_again_by_other_labels(own_labels, tmp_path):
    item = Item("merry", "quite jolly", choices=("merry", "gloomy"))
    found = []
    for synonym in ("jovial", "jolly"):
        own_labels(synonym)
        scorer = Scorer(Recipe(load_catalog().recipes.get("match/label@1")), [tmp_path / "cache"])
        found.append(scorer.score(item).numbers.get("correct", 0))
        scorer.close()
    assert found == [0, 1]


@pytest.mark.parametrize(
    ("language", "meta", "expected"),
    [("en", {}, "en"), ("en", {"target_language": "zh"}, "zh"), ("en", {"target_language": None}, "en")],
)
def test_a_translation_is_scored_in_the_language_it_is_in(language, meta, expected):
    assert language_of(language, meta) == expected


def test_the_digest_of_the_code_is_of_contents_not_of_names(tmp_path, monkeypatch):
    def digest(names):
        folder = tmp_path / "-".join(names).replace("/", "+")
        for name, text in zip(names, ("one", "two"), strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        (folder / "__init__.py").touch()
        monkeypatch.setattr(scoring.metrics, "__file__", str(folder / "__init__.py"))
        scoring._code_digest.cache_clear()
        return scoring._code_digest()

    try:
        assert digest(["a.py", "b.py"]) == digest(["rooms/c.py", "a.py"])
        assert digest(["a.py", "b.py"]) == digest(["b.py", "a.py"])
        changed = tmp_path / "a.py-b.py" / "a.py"
        before = digest(["a.py", "b.py"])
        changed.write_text("three", "utf-8")
        scoring._code_digest.cache_clear()
        assert scoring._code_digest() != before
    finally:
        monkeypatch.undo()
        scoring._code_digest.cache_clear()

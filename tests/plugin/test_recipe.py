"""`--recipe`: one set of answers under other recipes, and under several."""

import json

import pytest

from audiobench_pytest.cli import main

OWN = """
recipes:
  - name: wer/as-written@1
    score: wer
    description: as written
  - name: cer/as-written@1
    score: wer
    default: {unit: character}
"""


@pytest.fixture
def own(project):
    """A project whose audiobench.toml names a catalogue folder with two recipes."""
    folder = project.path / "catalog" / "recipes"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN)
    (project.path / "audiobench.toml").write_text('catalog = "catalog"\n')
    return project


def run(project, *args, **kwargs):
    return project.run(f"--dataset={project.clips(4)}", "--model=noisy", "--model-args=wer=0.4", *args, **kwargs)


def values(project):
    return {cell["recipe"]: cell["value"] for cell in project.board()["cells"]}


def test_a_recipe_of_ones_own_scores_instead_of_the_datasets(own):
    assert run(own, "--recipe=wer/as-written@1").ret == 0
    assert list(values(own)) == ["wer/as-written@1"]
    assert own.cell()["signature"] == "wer/as-written@1|lang:en|unit:word|avg:micro|jiwer:4.0.0"
    assert own.cell()["published_recipe"] is None, "nobody published numbers of a user's own data"


def test_several_recipes_are_cells_of_one_item_and_the_model_answers_once(own):
    result = run(own, "--recipe=wer/as-written@1,cer/as-written@1", "--recipe=wer/audiobench-pytest@1")
    assert result.ret == 0
    # One benchmark item; a coverage gate for each of the three cells.
    result.assert_outcomes(passed=4)
    assert list(values(own)) == ["wer/as-written@1", "cer/as-written@1", "wer/audiobench-pytest@1"]
    assert len(own.cached_answers()) == 4
    text = result.stdout.str()
    assert "small wer/as-written@1" in text
    assert "small cer/as-written@1" in text


def test_gates_of_two_recipes_have_names_of_their_own(own):
    own.gates("[default.coverage]\nmin = 1.0\n")
    result = run(own, "--recipe=wer/as-written@1,cer/as-written@1", "-v")
    names = [line for line in result.outlines if "gate[" in line]
    assert len(set(names)) == len(names) == 2


@pytest.mark.xdist
def test_workers_score_by_the_same_recipes(own):
    assert run(own, "--recipe=cer/as-written@1", "-n2", "--audiobench-set=shard_size=1", inprocess=False).ret == 0
    shared = values(own)
    assert run(own, "--recipe=cer/as-written@1", inprocess=False).ret == 0
    assert values(own) == shared


def test_an_unknown_recipe_is_wrong_usage(own):
    result = run(own, "--recipe=wer/as-writen@1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--recipe: unknown recipe 'wer/as-writen@1' (did you mean wer/as-written@1*"])


def test_a_step_that_does_not_exist_is_told_before_anything_runs(own):
    (own.path / "catalog" / "recipes" / "own.yaml").write_text(
        "recipes:\n  - name: wer/x@1\n    score: wer\n    default: {steps: [lwer]}\n"
    )
    result = run(own, "--recipe=wer/x@1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*recipe 'wer/x@1', rule 'default': unknown step 'lwer'*lower*"])


def test_a_run_is_scored_again_without_a_model(own, capsys, monkeypatch):
    run(own)
    monkeypatch.chdir(own.path)
    capsys.readouterr()
    status = main(
        ["rescore", str(own.latest), "--recipe=wer/as-written@1,cer/as-written@1", "--catalog=catalog", "--json"]
    )
    scored = {row["recipe"]: row["value"] for row in json.loads(capsys.readouterr().out)}
    assert status == 0
    assert main(["rescore", str(own.latest), "--recipe=cer/as-written@1", "--catalog=catalog"]) == 0
    assert "published" not in capsys.readouterr().out, "nobody published numbers of a user's own data"
    assert run(own, "--recipe=wer/as-written@1,cer/as-written@1").ret == 0
    assert scored == values(own)


def test_a_known_recipe_normalises_nothing(own, monkeypatch):
    run(own)
    before = own.cell()

    def refuse(*_):
        raise AssertionError("scored again")

    monkeypatch.setattr("audiobench_pytest.metrics.recipes.Recipe.score", refuse)
    monkeypatch.chdir(own.path)
    result = own.pytester.runpytest_inprocess(
        "benchmarks/asr",
        f"--dataset={own.path}/small/manifest.jsonl",
        "--model=noisy",
        "--model-args=wer=0.4",
        plugins=[_Refuse()],
    )
    assert result.ret == 0
    assert own.cell()["values"] == before["values"]
    assert main(["rescore", str(own.latest), "--recipe=wer/audiobench-pytest@2"]) == 0


class _Refuse:
    """Makes scoring impossible in the inner run, whose modules are its own."""

    def pytest_collection_finish(self):
        from audiobench_pytest.metrics.recipes import Recipe

        def refuse(*_):
            raise AssertionError("scored again")

        self._restore = (Recipe, Recipe.score)
        Recipe.score = refuse

    def pytest_unconfigure(self):
        owner, score = self._restore
        owner.score = score

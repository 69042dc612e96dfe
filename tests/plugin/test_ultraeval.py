"""`--catalog ultraeval:DIR`: a set of its registry is run, and what has no counterpart is told."""

import json

import pytest
import ultraeval_registry


@pytest.fixture
def checkout(project):
    folder = ultraeval_registry.write(project.path / "checkout")
    manifest = project.clips(3)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    theirs = [
        {"WavPath": str(manifest.parent / row["audio"]), "Transcript": row["text"], "Caller": "x"} for row in rows
    ]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in theirs))
    return "--audiobench-set=catalog=ultraeval:checkout"


def test_a_set_of_a_registry_is_run_as_it_is(project, checkout):
    result = project.run(checkout, "--dataset=calls", "--model=oracle")
    assert result.ret == 0
    cell = project.cell()
    assert (cell["dataset"], cell["recipe"], cell["expected"]) == ("calls", "wer/ultraeval@1.1", 3)
    assert cell["counts"]["ok"] == 3


def test_a_plan_warns_of_what_has_no_counterpart(project, checkout):
    result = project.run(checkout, "--dataset=calls", "--model=oracle", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "calls x oracle: asr, en, 3 samples*",
            "warning: dataset strange of UltraEval-Audio cannot be had: it is of class dataset.martian.Martian, *",
        ]
    )


def test_it_is_an_error_when_it_is_selected(project, checkout):
    result = project.run(checkout, "--dataset=strange", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--dataset: dataset 'strange' of UltraEval-Audio (dataset/hub.yaml) cannot be had*"])
    result = project.run(checkout, "--dataset=calls", "--model=alien")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*model 'alien' of UltraEval-Audio*class models.alien.Alien*"])

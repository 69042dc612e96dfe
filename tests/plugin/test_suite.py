"""`--suite`: the protocols behind published numbers, planned and compared."""

import pytest

from audiobench_pytest.catalog.loader import Catalog, Entries, load_catalog
from audiobench_pytest.catalog.suites import load_suites, plan
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.suites import find_suite


def folder(project, name, texts):
    """Make a LibriSpeech folder of silent clips."""
    import numpy as np
    import soundfile as sf

    path = project.path / "LibriSpeech" / name / "1" / "2"
    path.mkdir(parents=True)
    for n, _ in enumerate(texts):
        sf.write(path / f"1-2-{n:04d}.flac", np.full(1600, 0.01 * (n + 1), "float32"), 16_000)
    (path / "1-2.trans.txt").write_text("".join(f"1-2-{n:04d} {text}\n" for n, text in enumerate(texts)))


def test_a_suite_plans_data_recipe_and_value(project):
    for name in ("test-clean", "dev-clean", "test-other", "dev-other"):
        folder(project, name, [f"{name.replace('-', ' ')} one", "two words"])
    result = project.run(
        "--suite=kimi-replication",
        "--model=oracle",
        "--limit=2",
        "-m=librispeech",
        f"--audiobench-set=librispeech_dir={project.path / 'LibriSpeech'}",
    )
    assert result.ret == 0
    cells = {cell["dataset"]: cell["recipe"] for cell in project.board()["cells"]}
    assert cells == dict.fromkeys(
        [f"librispeech-{part}" for part in ("test-clean", "dev-clean", "test-other", "dev-other")], "wer/ultraeval@1.1"
    )
    notes = project.board()["notes"]
    assert "kimi-replication/librispeech-test-clean: published 1.28" in notes[0]
    assert "here 0.00 (oracle, wer_compat), -1.28" in notes[0]
    assert not any("not run" in note for note in notes), "all of it can be run, here or elsewhere"


def test_every_row_of_the_replication_is_a_protocol():
    planned = plan(load_suites().get("kimi-replication"), load_catalog())
    assert len(planned) == 18
    assert {p.expected for p in planned[:2]} == {1.28, 1.18}


def test_a_suite_without_its_model_says_what_to_do():
    nobody = Catalog(models=Entries("model", []))
    with pytest.raises(
        UsageError, match=r"the catalogue has no model 'kimiaudio'.*name a model of your own with --model"
    ):
        find_suite("kimi-replication", nobody, own_models=False)


def test_a_suite_plans_every_row_that_is_answered_in_text(project):
    result = project.run("--suite=kimi-replication", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["11 cells, *", "aishell-1 x kimiaudio: asr, zh, 7176 samples; wer/ultraeval@1.1"])


def test_an_unknown_suite_lists_close_ones(project):
    result = project.run("--suite=kimi-replicaton", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite: unknown suite 'kimi-replicaton'*kimi-replication*"])


def test_a_suite_names_its_data_itself(project):
    result = project.run("--suite=kimi-replication", "--model=oracle", f"--dataset={project.clips(1)}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite names its data sets itself*"])

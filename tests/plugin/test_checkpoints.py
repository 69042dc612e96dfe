"""Checkpoints by path: `--model hf:FOLDER`, from the command line to the board."""

import json
import re

import pytest

pytest.importorskip(
    "transformers", reason="needs the extra 'local', which the light environments of tox do not install"
)

import tiny_checkpoints

from conftest import ROOT


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    tiny_checkpoints.build_whisper(root / "tiny-whisper")
    tiny_checkpoints.build_ctc(root / "tiny-ctc")
    return root


def run(project, folders, *args, n=4, inprocess=True):
    manifest = project.clips(n, seconds=0.6)
    return project.run(
        f"--dataset={manifest}",
        f"--model=hf:{folders / 'tiny-whisper'},hf:{folders / 'tiny-ctc'}",
        "--model-args=device=cpu,threads=1",
        f"--model-args=hf:{folders / 'tiny-whisper'}:max_new_tokens=8",
        *args,
        inprocess=inprocess,
    )


def test_two_families_answer_in_batches_and_are_described(project, folders):
    result = run(project, folders, "-v", inprocess=False)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*::test_asr[[]small-tiny-whisper]*", "*::test_asr[[]small-tiny-ctc]*"])
    assert {cell["model"] for cell in project.board()["cells"]} == {"tiny-whisper", "tiny-ctc"}
    lines = [json.loads(x) for f in project.latest.glob("results/*.jsonl") for x in f.read_text().splitlines()]
    ended = [x["shard"] for x in lines if x.get("shard") and x["shard"].get("ended")]
    assert {s["model"]["device"] for s in ended} == {"cpu"}
    assert {s["model"]["identity"]["dtype"] for s in ended} == {"float32"}
    predictions = {(o["cell"]["model"], o["sample_id"]): o["prediction"] for o in project.outcomes()}
    assert len({p for (model, _), p in predictions.items() if model == "tiny-ctc"}) > 1

    again = run(project, folders)
    assert again.ret == 0
    assert all(c["cached"] == 4 for c in project.board()["cells"])


def test_answers_do_not_depend_on_the_batch_size(project, folders):
    run(project, folders, "--batch-size=1", "--audiobench-cache=one")
    one = {(o["cell"]["model"], o["sample_id"]): o["prediction"] for o in project.outcomes()}
    run(project, folders, "--batch-size=4", "--audiobench-cache=four")
    four = {(o["cell"]["model"], o["sample_id"]): o["prediction"] for o in project.outcomes()}
    assert one == four
    assert len(one) == 8


def test_argument_that_the_checkpoint_cannot_honour(project, folders):
    manifest = project.clips(1)
    result = project.run(f"--dataset={manifest}", f"--model=hf:{folders / 'tiny-ctc'}", "--model-args=num_beams=4")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*UsageError*num_beams*"])


def test_node_ids_of_catalogue_models(project):
    result = project.run("--collect-only", "-q", "-m", "librispeech", "--model=whisper-large-v3")
    assert result.ret == 0
    assert "benchmarks/asr/test_asr.py::test_asr[librispeech-test-clean-whisper-large-v3]" in result.outlines


def test_folder_that_does_not_exist(project):
    result = project.run("--model=hf:./nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nowhere" in result.stderr.str()


def test_a_pattern_is_a_model_for_each_checkpoint_of_a_training(project, tmp_path):
    for step, seed in ((200, 0), (1000, 1)):
        tiny_checkpoints.build_ctc(tmp_path / "ckpts" / f"step-{step}", seed=seed)
    pattern = f"hf:{tmp_path / 'ckpts'}/step-*"
    result = project.run(
        f"--dataset={project.clips(2, seconds=0.6)}",
        f"--model={pattern}",
        "--model-args=device=cpu",
        f"--model-args={pattern}:threads=1",
        "-v",
    )
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*::test_asr[[]small-step-200]*", "*::test_asr[[]small-step-1000]*"])
    said = {(o["cell"]["model"], o["sample_id"]): o["prediction"] for o in project.outcomes()}
    assert {model for model, _ in said} == {"step-200", "step-1000"}
    assert len(set(said.values())) > 1
    none = project.run(f"--model=hf:{tmp_path}/nothing-*")
    assert none.ret == pytest.ExitCode.USAGE_ERROR
    assert "no folder matches" in none.stderr.str()


def test_the_entry_of_the_page_names_a_checkpoint_in_four_lines(project, folders):
    entry = re.search(
        r"```yaml\n# catalog/(models/\w+.yaml)\n(.*?)```", (ROOT / "docs" / "own-model.md").read_text(), re.DOTALL
    )
    assert len(entry[2].splitlines()) == 4
    path = project.path / "catalog" / entry[1]
    path.parent.mkdir(parents=True)
    path.write_text(entry[2].replace("org/checkpoint", str(folders / "tiny-ctc")))
    manifest = project.clips(4, seconds=0.6)
    args = ("--model=ours", "--audiobench-set=catalog=catalog", "--model-args=device=cpu,threads=1")
    assert project.run(f"--dataset={manifest}", *args).ret == 0
    assert (project.cell()["model"], project.cell()["counts"]["ok"]) == ("ours", 4)
    assert project.cell()["model_info"]["device"] == "cpu"

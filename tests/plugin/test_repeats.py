"""`--repeats K`: each clip is answered K times; values, intervals, gates and comparisons hold all of the answers."""

import json

import pytest

from audiobench_pytest.cli import main


def value(cell, name):
    return next((one["value"] for one in cell["values"] if one["name"] == name), None)


def test_each_clip_is_answered_several_times_and_the_value_is_over_all_answers(project):
    manifest = project.clips(8)
    result = project.run(f"--dataset={manifest}", "--model=noisy", "--repeats=3", "--cluster=none")
    assert result.ret == 0
    cell, outcomes = project.cell(), project.outcomes()
    assert sorted((one["sample_id"], one.get("draw", 0)) for one in outcomes) == [
        (f"clip-{clip:04d}", draw) for clip in range(8) for draw in range(3)
    ]
    assert cell["expected"] == cell["sums"]["units"] / 5 == 24
    errors = {
        draw: sum(o["score"]["numbers"].get("errors", 0) for o in outcomes if o.get("draw", 0) == draw)
        for draw in range(3)
    }
    assert cell["value"] == pytest.approx(100 * sum(errors.values()) / 120)
    assert cell["draws"] == {"clips": 8, "draws": 3, "values": [pytest.approx(100 * errors[d] / 40) for d in range(3)]}
    assert len(set(errors.values())) > 1, "each draw has a seed of its own"
    assert (cell["clusters"], cell["n_clusters"]) == ("clip", 8)
    spread = value(cell, "draw_sd")
    result.stdout.fnmatch_lines(
        ["noisy*8 x 3*", "*intervals over 8 clips x 3 draws, each clip with all of its draws*"],
    )
    result.stdout.fnmatch_lines([f"small-noisy: 8 clips x 3 draws; WER of one draw *, standard deviation {spread:.2f}"])


def test_more_draws_ask_only_for_those_that_are_new_and_the_first_is_the_only_answer_of_a_plain_run(project):
    manifest = project.clips(5)
    project.run(f"--dataset={manifest}", "--model=noisy")
    plain = {one["sample_id"]: one["prediction"] for one in project.outcomes()}
    assert len(project.cached_answers()) == 5
    project.run(f"--dataset={manifest}", "--model=noisy", "--repeats=2")
    assert len(project.cached_answers()) == 10
    assert {o["sample_id"]: o["prediction"] for o in project.outcomes() if not o.get("draw")} == plain
    project.run(f"--dataset={manifest}", "--model=noisy", "--repeats=4")
    assert len(project.cached_answers()) == 20
    assert sum(not one.get("cached") for one in project.outcomes()) == 10


def test_a_model_that_draws_nothing_is_asked_once_and_that_is_said(project):
    result = project.run(f"--dataset={project.clips(4)}", "--model=oracle,noisy", "--repeats=3")
    cells = {cell["model"]: cell for cell in project.board()["cells"]}
    assert (cells["oracle"]["expected"], cells["oracle"]["draws"]) == (4, None)
    assert cells["noisy"]["expected"] == 12
    result.stdout.fnmatch_lines(["asked once, not 3 times, for it draws nothing at random: oracle"])


@pytest.mark.slow
def test_shards_parts_and_one_process_have_the_same_numbers(project):
    manifest = project.clips(7)
    given = (f"--dataset={manifest}", "--model=noisy", "--repeats=3", "--audiobench-set=slices=speaker")
    project.run(*given)
    whole = project.cell()
    project.run(
        *given, "-n2", "--audiobench-set=shard_size=2", f"--audiobench-cache={project.path / 'b'}", inprocess=False
    )
    assert {k: project.cell()[k] for k in ("value", "low", "high", "sums", "draws", "slices")} == {
        k: whole[k] for k in ("value", "low", "high", "sums", "draws", "slices")
    }
    runs = [project.path / f"part{k}" for k in (1, 2)]
    for k, run in enumerate(runs, 1):
        project.run(*given, f"--part={k}/2", f"--audiobench-run={run}", f"--audiobench-cache={project.path / 'b'}")
    assert main(["gate", *map(str, runs), "--output", str(project.path / "merged")]) == 0
    merged = json.loads((project.path / "merged" / "leaderboard.json").read_text())["cells"][0]
    assert [merged[k] for k in ("value", "low", "high")] == [whole[k] for k in ("value", "low", "high")]


def test_the_same_run_goes_on_where_it_stopped_and_another_number_of_draws_is_another_plan(project):
    manifest, run = project.clips(6), project.path / "run"
    given = (f"--dataset={manifest}", "--model=noisy", f"--audiobench-run={run}")
    project.run(*given, "--repeats=2")
    before = project.cell(run)
    assert project.run(*given, "--repeats=2").ret == 0
    after = project.cell(run)
    assert after["cached"] == 12
    assert {k: after[k] for k in ("value", "low", "high", "sums")} == {
        k: before[k] for k in ("value", "low", "high", "sums")
    }
    result = project.run(*given, "--repeats=3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*holds another plan*"])


def test_gates_slices_and_baselines_hold_all_draws(project, capsys):
    manifest = project.clips(9)
    lock = project.path / "baseline.json"
    project.run(f"--dataset={manifest}", "--model=noisy", "--repeats=3", "--model-args=wer=0.1")
    good = project.latest
    assert main(["baseline", "update", str(good), "--file", str(lock)]) == 0
    (locked,) = json.loads(lock.read_text())["cells"]
    assert (locked["data"]["samples"], locked["n"], locked["draws"]) == (9, 9, 3)
    capsys.readouterr()
    assert main(["baseline", "show", "--file", str(lock)]) == 0
    assert "n 9 of 9 x 3 draws" in capsys.readouterr().out
    assert locked["values"]["wer"]["value"] == project.cell(good)["value"]
    again = (f"--dataset={manifest}", "--model=noisy")
    project.gates(
        '["small".wer]\nmax = 60.0\n["small".draw_sd]\nmax = 0.0\n["small".wer.slice.speaker.spk1]\nmax = 0.5\n'
    )
    assert project.run(*again, "--repeats=3").ret == 1
    assert {(g["metric"], g["slice"]): g["verdict"] for g in project.board()["gates"]} == {
        ("coverage", ""): "pass",
        ("wer", ""): "pass",
        ("wer", "speaker=spk1"): "fail",
        ("draw_sd", ""): "fail",
    }
    project.gates(f'["small".wer]\nmax_regression = 1.0\nbaseline = "{lock}"\n')
    assert project.run(*again, "--repeats=3").ret == 0
    assert project.run(*again, "--model-args=wer=0.9", "--repeats=2").ret == 1, (
        "compared clip by clip, two draws with three"
    )
    capsys.readouterr()
    assert main(["compare", str(good), str(project.latest)]) == 0
    assert "9 samples: 0 better, 9 worse, 0 equal; 3 clusters" in capsys.readouterr().out


def test_a_gate_on_the_spread_of_draws_is_skipped_where_there_was_one(project):
    project.gates('["small".draw_sd]\nmax = 1.0\n')
    result = project.run(f"--dataset={project.clips(3)}", "--model=noisy", "-ra")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*each clip was answered once (--repeats K)"])


def test_a_clip_that_cannot_be_asked_is_lost_in_every_draw(project):
    manifest = project.clips(4)
    (manifest.parent / "audio" / "0000.wav").write_bytes(b"nothing")
    project.run(f"--dataset={manifest}", "--model=noisy", "--repeats=2", "--model-args=decode=true")
    cell = project.cell()
    assert (cell["counts"]["ok"], cell["counts"]["data_error"], cell["coverage"]) == (6, 2, 0.75)
    assert [one["id"] for one in cell["first_errors"]] == ["clip-0000", "clip-0000"]
    assert cell["draws"]["clips"] == 3


def test_a_class_of_ones_own_is_told_which_draw_it_gives(project):
    (project.path / "own.py").write_text(
        "class Own:\n    varies = True\n    def load(self, args): pass\n"
        "    def generate(self, batch):\n        return [f'draw {r.get(\"draw\", 0)}' for r in batch]\n"
    )
    project.run(f"--dataset={project.clips(2)}", "--model=./own.py:Own", "--repeats=3")
    assert sorted(one["prediction"] for one in project.outcomes()) == sorted(["draw 0", "draw 1", "draw 2"] * 2)


def test_no_repeats_is_wrong_usage(project):
    result = project.run(f"--dataset={project.clips(2)}", "--model=noisy", "--repeats=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--repeats must be a whole number, 1 or more*"])

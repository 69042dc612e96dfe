"""The report as a folder: what its data says, and that nothing in it becomes markup or a script."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made_runs import make_run, make_set

from audiobench_pytest.cli import main
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.report.html.pages import verdict_of
from audiobench_pytest.report.html.published import published_of
from audiobench_pytest.report.html.samples import groups_of, labels_of
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\u2028"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    made = make_set(tmp_path / "data", 12)
    lines = [json.loads(line) for line in made.read_text().splitlines()]
    lines[0]["note"] = lines[1]["id"] = EVIL
    lines[2]["text"] += " " + EVIL
    made.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


@pytest.fixture
def run(tmp_path: Path, manifest: Path) -> Path:
    made = make_run(tmp_path / "run", manifest, args={"wer": "0.3"})
    assert main(["gate", str(made), "--output", str(made)]) == 0
    return made


def content(run: Path, name: str) -> Any:
    """Return what a script of the folder hands to the page."""
    text = (run / "report" / "data" / f"{name}.js").read_text()
    found = re.fullmatch(r'audiobench\("([^"]+)",(.*)\);\n', text, re.DOTALL)
    assert found is not None
    assert found[1] == name
    return json.loads(found[2])


@pytest.mark.parametrize(
    ("counts_as", "word", "told"),
    [
        (["pass", "fail", "skip"], "red", "Red: 1 of 3 gates failed"),
        (["pass", "pass"], "green", "Green: 2 gates"),
        (["pass", "skip"], "green", "Green: 1 gate, 1 not judged"),
        (["skip", "skip"], "open", "Open: none of 2 gates was judged"),
        ([], "open", "Open: nothing was limited"),
    ],
)
def test_what_was_not_judged_makes_no_green(counts_as: list[str], word: str, told: str) -> None:
    assert verdict_of({"gates": [{"counts_as": one} for one in counts_as]}) == (word, told)


def test_the_steps_of_all_samples_sum_up_to_the_reported_errors(run: Path) -> None:
    assert main(["report", str(run)]) == 0
    rows = content(run, "0-0")
    (cell,) = RunDirectory(run).cells()
    sums = reduce_cell(cell).sums
    wrong = [what for row in rows for what, _, _ in row["steps"] if what != "equal"]
    assert len(wrong) == sums["errors"] > 0
    for what, name in (("replace", "substitutions"), ("delete", "deletions"), ("insert", "insertions")):
        assert wrong.count(what) == sums.get(name, 0)
    assert [row["errors"] for row in rows] == sorted((row["errors"] for row in rows), reverse=True), "the worst first"
    board = content(run, "board")
    assert len(board["shown"][0]["index"]) == board["shown"][0]["samples"] == 12
    assert sum(n for _, _, n in board["shown"][0]["confusions"]["delete"]) == sums.get("deletions", 0)


class Scripts(HTMLParser):
    """Collects what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_nothing_that_comes_from_data_is_markup(run: Path) -> None:
    main(["report", str(run)])
    seen = Scripts()
    seen.feed((run / "report" / "index.html").read_text())
    assert (seen.scripts, seen.handlers) == (["drawn.js", "report.js", "data/board.js"], [])
    for script in (run / "report" / "data").glob("*.js"):
        assert not set("<>&\u2028") & set(script.read_text()), "nothing that a parser of pages would look at"
    assert any(row["id"] == EVIL for row in content(run, "0-0")), "and yet it is shown as it is"
    source = (run / "report" / "report.js").read_text()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in source


def test_sounds_of_the_worst_are_copied_and_of_the_others_linked(run: Path) -> None:
    main(["report", str(run), "--worst", "2"])
    rows = content(run, "0-0")
    assert [row["sound"].startswith("sounds/") for row in rows[:3]] == [True, True, False]
    assert all((run / "report" / row["sound"]).is_file() for row in rows[:2])
    assert rows[2]["sound"].startswith("file:///")


def test_a_private_report_holds_no_text_and_no_sound(run: Path) -> None:
    main(["report", str(run), "--private"])
    for row in content(run, "0-0"):
        assert (row["reference"], row["prediction"], row["steps"], row["keys"], row["sound"]) == ("", None, [], {}, "")
    assert not (run / "report" / "sounds").exists()


def test_a_baseline_stands_beside_and_marks_what_turned(run: Path, manifest: Path, tmp_path: Path) -> None:
    before = make_run(tmp_path / "before", manifest, args={"wer": "0.1"})
    main(["report", str(run), "--baseline", str(before)])
    rows, (about,) = content(run, "0-0"), content(run, "board")["shown"]
    assert all(row["before"] is not None for row in rows)
    flips = [flip for *_, flip in about["index"]]
    assert flips == [(r["errors"] > r["before"]["errors"]) - (r["errors"] < r["before"]["errors"]) for r in rows]
    assert 1 in flips


def test_a_run_without_a_leaderboard_says_how_to_have_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_run(tmp_path / "run", make_set(tmp_path / "data", 2))
    assert main(["report", str(made)]) == 4
    assert "`audiobench gate" in capsys.readouterr().err


def test_a_second_report_leaves_nothing_of_the_first(run: Path) -> None:
    main(["report", str(run)])
    (run / "report" / "data" / "7-0.js").write_text("old")
    main(["report", str(run), "--private"])
    assert sorted(path.name for path in (run / "report" / "data").iterdir()) == ["0-0.js", "board.js"]


def test_the_worst_samples_are_shown_word_by_word(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["show", str(run), "--worst", "3"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("small-noisy  ")
    assert len([line for line in out if " wrong, " in line]) == 3
    assert any("{" in line and "|" in line for line in out)
    assert "\033" not in "".join(out), "no colour where nobody sees it"
    assert main(["show", str(run), "--sample", "no such"]) == 4
    assert main(["show", str(run), "--sample", EVIL]) == 0


def test_samples_that_turned_are_shown(
    run: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = make_run(tmp_path / "before", manifest, args={"wer": "0.1"})
    capsys.readouterr()
    assert main(["show", str(run), "--flipped", str(before)]) == 0
    out = capsys.readouterr().out
    assert " before\n" in out


def test_a_folder_of_somebody_elses_is_left_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    (mine / "sounds").mkdir(parents=True)
    (mine / "sounds" / "my_recording.wav").write_bytes(b"RIFF")
    (mine / "data").mkdir()
    (mine / "data" / "mine.js").write_text("mine")
    assert main(["report", str(run), "--output", str(mine)]) == 4
    assert "holds what no report of ours wrote" in capsys.readouterr().err
    assert (mine / "sounds" / "my_recording.wav").exists()
    assert (mine / "data" / "mine.js").exists()
    (tmp_path / "new").mkdir()
    for folder in (tmp_path / "new", tmp_path / "new", tmp_path / "newer"):  # empty, our own, absent
        assert main(["report", str(run), "--output", str(folder)]) == 0


@pytest.mark.parametrize("command", [["report", "--baseline"], ["show", "--flipped"]])
def test_a_baseline_that_is_no_run_is_told(command: list[str], run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command[0], str(run), command[1], "does-not-exist"]) == 4
    assert "does-not-exist is not a run directory" in capsys.readouterr().err


def lose(run: Path, *numbers: int) -> list[str]:
    """Let samples of a run have failed, and return their ids."""
    lost = []
    for path in (run / "results").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().split("\n") if line]
        outcomes = [line["outcome"] for line in lines if "outcome" in line]
        for number in numbers:
            outcomes[number].update(state="failed", prediction=None, reason="the model died")
            lost.append(outcomes[number]["sample_id"])
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return lost


def test_a_sample_without_a_score_is_worse_than_any_and_never_better(run: Path, manifest: Path, tmp_path: Path) -> None:
    before = make_run(tmp_path / "before", manifest, args={"wer": "0.3"})
    lost = lose(run, 3, 7)
    main(["report", str(run), "--baseline", str(before)])
    rows, (about,) = content(run, "0-0"), content(run, "board")["shown"]
    assert {row["id"] for row in rows[:2]} == set(lost)
    assert [flip for *_, flip in about["index"]] == [1, 1] + [0] * 10
    assert main(["gate", str(before), "--output", str(before)]) == 0
    main(["report", str(before), "--baseline", str(run)])
    (about,) = content(before, "board")["shown"]
    assert sorted(flip for *_, flip in about["index"]) == [-1, -1] + [0] * 10


def test_a_private_report_names_nothing_that_comes_from_data(tmp_path: Path) -> None:
    secret = "SECRET"
    made = make_set(tmp_path / "data", 6)
    lines = [json.loads(line) for line in made.read_text().splitlines()]
    for number, line in enumerate(lines):
        line.update(id=f"{secret}{number}", speaker=f"{secret}-speaker-{number % 2}", note=secret)
        line["text"] += f" {secret}"
    made.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = make_run(tmp_path / "run", made, args={"wer": "0.3"})
    lost = lose(run, 2)
    assert lost
    main(["gate", str(run), "--output", str(run)])
    assert main(["report", str(run), "--private"]) == 0
    for path in (run / "report").rglob("*"):
        assert secret not in path.name
        assert path.is_dir() or secret not in path.read_text("utf-8", "replace"), path
    assert "the model died" not in (run / "report" / "data" / "0-0.js").read_text()


def test_a_private_report_names_no_label_and_no_place(tmp_path: Path) -> None:
    secret = "SECRET"
    made = make_set(tmp_path / f"{secret}-data", 6)
    lines = [json.loads(line) for line in made.read_text().splitlines()]
    names = [f"{secret} alice", f"{secret} bob"]
    for number, line in enumerate(lines):
        line.update(text=names[number % 2], choices=names)
    made.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = make_run(tmp_path / "run", made, model="oracle", recipes=("match/label@2",))
    main(["gate", str(run), "--output", str(run)])
    assert main(["report", str(run)]) == 0
    assert content(run, "board")["shown"][0]["labels"]["names"] == names, "there is something to hide"
    assert main(["report", str(run), "--private"]) == 0
    for path in (run / "report").rglob("*"):
        assert path.is_dir() or secret not in path.read_text("utf-8", "replace"), path


def test_nothing_of_an_answer_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_set(tmp_path / "data", 3)
    lines = [json.loads(line) for line in made.read_text().splitlines()]
    lines[0]["text"] = "clear \x1b[2J screen \x07"
    made.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = make_run(tmp_path / "run", made, args={"wer": "0.9"})
    main(["gate", str(run), "--output", str(run)])
    capsys.readouterr()
    assert main(["show", str(run), "--worst", "9"]) == 0
    assert not set("\x1b\x07") & set(capsys.readouterr().out)


def test_another_model_of_the_same_data_is_compared(run: Path, manifest: Path, tmp_path: Path) -> None:
    before = make_run(tmp_path / "before", manifest, model="oracle")
    main(["report", str(run), "--baseline", str(before)])
    assert all(row["before"] is not None for row in content(run, "0-0"))


def test_what_was_asked_is_shown_in_words_and_left_out_where_it_is_private(run: Path) -> None:
    asked = [["system", ["Be brief."], []], ["user", [["sound", "audio"], "What is said?"], []]]
    lines = [{"digest": "a1", "text": "Write it down."}, {"digest": "b2", "messages": asked}]
    (run / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["report", str(run)]) == 0
    assert content(run, "board")["prompts"] == {
        "a1": "Write it down.",
        "b2": "system: Be brief.\nuser: [audio] What is said?",
    }
    assert main(["report", str(run), "--private"]) == 0
    assert content(run, "board")["prompts"] == {}


def test_labels_taken_for_others_are_counted(tmp_path: Path) -> None:
    def outcome(name: str, number: str) -> Outcome:
        score = SampleScore({number: 1.0, "n": 1.0}, "", "", State.OK)
        return Outcome(CellId("d", "m", "r"), name, State.OK, "x", "x", score=score)

    found = labels_of([outcome("a", "cm:joy>joy"), outcome("b", "cm:joy>anger"), outcome("c", "cm:joy>anger")])
    assert found == {"names": ("anger", "joy"), "counts": [[0.0, 0.0], [2.0, 1.0]]}
    assert labels_of([outcome("a", "errors")]) is None


def test_published_numbers_are_those_of_the_same_set_under_the_same_recipe() -> None:
    cells = [{"dataset": "librispeech-test-clean", "recipe": "wer/ultraeval@1.1"}]
    found = published_of(cells)
    assert {"Kimi-Audio-7B-Instruct": 1.28, "GPT-4o-Realtime": 2.6}.items() <= {
        o["model"]: o["value"] for o in found
    }.items()
    assert {(one["dataset"], one["recipe"]) for one in found} == {tuple(cells[0].values())}
    assert published_of([{"dataset": "librispeech-test-clean", "recipe": "wer/audiobench-pytest@2"}]) == []
    assert published_of([{"dataset": "of-my-own", "recipe": "wer/ultraeval@1.1"}]) == []
    spoken = {"dataset": "speech-triviaqa", "recipe": "asr-match/qa-exist"}
    assert "GPT-4o-Realtime" in {one["model"] for one in published_of([spoken])}
    assert published_of([{**spoken, "recipe": "match/qa-exist"}]) == [], "what was published is of spoken answers"


def test_where_the_errors_are_is_counted_by_length_and_speaker() -> None:
    def outcome(name: str, seconds: float, speaker: str, errors: float) -> Outcome:
        score = SampleScore({"errors": errors, "units": 10.0}, "", "", State.OK)
        more = {"audio_s": seconds, "meta": {"speaker": speaker}, "language": "en"}
        return Outcome(CellId("d", "m", "r"), name, State.OK, "x", "x", score=score, **more)

    outcomes = [outcome("a", 1.0, "ann", 1), outcome("b", 1.0, "bob", 3), outcome("c", 40.0, "ann", 5)]
    found = {
        (one["key"], one["name"]): (one["samples"], one["errors"], one["units"])
        for one in groups_of(outcomes, private=False)
    }
    assert found.pop(("speaker", "ann")) == (2, 6.0, 20.0)
    assert found.pop(("speaker", "bob")) == (1, 3.0, 10.0)
    assert sorted(found.values()) == [(1, 5.0, 10.0), (2, 4.0, 20.0)]  # two lengths; one language is no group
    assert {key for key, _ in found} == {"duration"}
    assert {one["key"] for one in groups_of(outcomes, private=True)} == {"duration"}

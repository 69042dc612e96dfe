"""`audiobench board`: run directories and published rows on one leaderboard; what it prints, writes and refuses."""

import json
import xml.etree.ElementTree as ET

import pytest
from board_inputs import write_catalog, write_run

from audiobench_pytest.catalog.loader import use_folders
from audiobench_pytest.cli import main

EVEN = [(1, 10)] * 8
"""Eight samples with an error rate of 10 %."""


@pytest.fixture
def own(tmp_path):
    """Return a catalogue: sets x, y, z of eight samples, board `own`, published rows paper-1 (10 %), paper-2 (20 %)."""
    yield write_catalog(tmp_path / "catalog", datasets={"x": 8, "y": 8, "z": 8})
    use_folders([])


@pytest.fixture
def say(capsys):
    """Return a function that runs the command and gives status, output and errors."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def run_of(path, rates, *, model="mine", samples=8, **manifest):
    """Write a run; `rates` are errors per ten words of each data set."""
    cells = {(name, model): [(errors, 10)] * samples for name, errors in rates.items()}
    return write_run(path, cells, **manifest)


def rows_of(out):
    return {row["model"]: row for row in json.loads(out)["rows"]}


def test_published_rows_need_no_run(say):
    status, out, _ = say("board", "understanding", "--published")
    assert status == 0
    assert "Qwen3-Omni-30B-A3B-Instruct (p)" in out
    assert "84.92" in out  # (1000 - 28.89 + 46.58 + 29.40 + 56.81) / 13


def test_a_run_stands_among_published_rows(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"x": 1, "y": 2, "z": 3})
    status, out, _ = say("board", "own", run, "--published", "--catalog", own, "--format", "json", "--robustness")
    rows = rows_of(out)
    assert status == 0
    assert {model: (row["rank"], row["published"]) for model, row in rows.items()} == {
        "paper-1": (1, True),
        "mine": (2, False),
        "paper-2": (2, True),
    }
    assert rows["mine"]["averages"]["own-mean"]["value"] == pytest.approx(80.0)
    assert rows["mine"]["columns"]["x"]["value"] == pytest.approx(10.0)
    assert rows["mine"]["robustness"]["lobo"] == [2, 3]
    assert rows["mine"]["rank_interval"] is None  # published rows have no samples
    assert rows["mine"]["rtfx"] == pytest.approx(2.0)
    _, out, _ = say("board", "own", run, "--catalog", own, "--format", "json")
    assert list(rows_of(out)) == ["mine"]


def test_several_runs_fill_one_row_and_their_ranks_have_intervals(say, own, tmp_path):
    first = run_of(tmp_path / "first", {"x": 1, "y": 2})
    rest = run_of(tmp_path / "rest", {"z": 3})
    other = run_of(tmp_path / "other", {"x": 5, "y": 5, "z": 5}, model="other")
    arguments = ("--catalog", own, "--format", "json", "--robustness")
    _, out, _ = say("board", "own", first, rest, other, *arguments)
    rows = rows_of(out)
    assert {model: row["rank"] for model, row in rows.items()} == {"mine": 1, "other": 2}
    assert rows["mine"]["rank_interval"] == [1, 1]
    assert rows["mine"]["source"] == f"{first}, {rest}"


def test_parts_of_one_plan_are_one_run(say, own, tmp_path):
    part = write_run(tmp_path / "1", {("x", "mine"): [(1, 10)] * 8}, asked="plan")
    again = write_run(tmp_path / "2", {("x", "mine"): [(3, 10)] * 8}, asked="plan")
    _, out, _ = say("board", "own", part, again, "--catalog", own, "--format", "json")
    assert rows_of(out)["mine"]["columns"]["x"]["value"] == pytest.approx(30.0)


def test_a_part_of_the_data_is_not_ranked(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"x": 1, "y": 1, "z": 1}, samples=4, selection={"limit": 4, "sample": None})
    status, out, _ = say("board", "own", run, "--catalog", own, "--published")
    assert status == 0
    assert "10.00 *" in out
    assert "- * x of mine is incomplete: 4 samples selected, the set has 8" in out
    (row,) = [line.split() for line in out.splitlines() if line.startswith("mine ")][:1]
    assert row[1] == "-"


def test_another_recipe_is_left_out_unless_asked_for(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"x": 1, "y": 2, "z": 3}, recipe="wer/kimi-evalkit@2025-08")
    _, out, _ = say("board", "own", run, "--catalog", own, "--format", "json")
    assert (rows_of(out)["mine"]["rank"], rows_of(out)["mine"]["columns"]["x"]["state"]) == (None, "other recipe")
    _, out, _ = say("board", "own", run, "--catalog", own, "--any-recipe")
    assert "80.00 !" in out
    assert "! made by another recipe than the board's: averaged as asked" in out
    assert "- ! x made by wer/kimi-evalkit@2025-08, not by wer/audiobench-pytest@1: mine" in out


def test_files_and_pictures(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"x": 1, "y": 2, "z": 3})
    folder, picture = tmp_path / "out" / "deep", tmp_path / "radar.svg"
    arguments = ("--catalog", own, "--published", "--correlation", "--output", folder)
    status, _, err = say("board", "own", run, *arguments, "--format", "csv")
    assert (status, err) == (0, "")
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *(f"own.{suffix}" for suffix in ("json", "csv", "md")),
        *("own-radar.svg", "own-correlation.svg", "own-correlation.csv"),
    }
    for name in ("own-radar.svg", "own-correlation.svg"):
        ET.parse(folder / name)
    status, _, _ = say("board", "own", run, "--catalog", own, "--published", "--picture", picture)
    assert (status, "mine" in picture.read_text("utf-8")) == (0, True)
    say("board", "own", run, "--catalog", own, "--published", "--correlation", "--picture", picture)
    assert "Spearman" in picture.read_text("utf-8")


def test_a_picture_that_cannot_be_drawn_is_said(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"x": 1})
    status, _, err = say("board", "own", run, "--catalog", own, "--output", tmp_path / "out")
    assert status == 0
    assert "no own-radar.svg: a radar chart needs at least two models" in err
    assert not (tmp_path / "out" / "own-radar.svg").exists()
    status, _, err = say("board", "own", run, "--catalog", own, "--picture", tmp_path / "radar.svg")
    assert (status, "at least two models" in err) == (4, True)


def test_formats(say, own):
    _, out, _ = say("board", "own", "--published", "--catalog", own, "--format", "csv")
    assert out.splitlines()[0].startswith("rank,rank_low,rank_high,model,source,published,own-mean,")
    _, out, _ = say("board", "own", "--published", "--catalog", own, "--format", "md")
    assert out.startswith("# Own board\n")
    _, out, _ = say("board", "own", "--published", "--catalog", own, "--format", "table", "--correlation")
    assert "n = 2 models" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["understandig", "--published"], "unknown board 'understandig' (did you mean understanding?)"),
        (["understanding"], "nothing to show: name run directories, or give --published"),
        (["understanding", "--published", "--average", "mean"], "known: ultraeval-understanding"),
        (["understanding", "--published", "--format", "csv", "--correlation"], "give --output DIR"),
        (["wenetspeech-wu", "--published", "--robustness"], "has no average"),
        (["understanding", "no-such-run"], "no-such-run is not a run directory"),
    ],
)
def test_what_cannot_be_is_refused(say, arguments, words):
    status, out, err = say("board", *arguments)
    assert (status, out) == (4, "")
    assert words in err


def test_a_board_without_rows_is_red(say, own, tmp_path):
    run = run_of(tmp_path / "run", {"elsewhere": 1})
    status, out, _ = say("board", "own", run, "--catalog", own)
    assert status == 1
    assert "no row: " in out
    assert "- not on this board: elsewhere by wer/audiobench-pytest@1" in out


def test_a_board_is_found_by_its_other_name(say):
    assert say("board", "ultraeval-codec", "--published")[0] == 0


def test_boards_suites_and_published_tables_are_listed(say):
    status, out, _ = say("list", "boards")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        *(
            "codec",
            "generation",
            "instruct-tts",
            "kimi-evalkit",
            "openasr",
            "step-audio-2",
            "understanding",
            "uro",
            "uro-aloud",
            "voicebench",
            "wenetspeech-wu",
        )
    ]
    _, out, _ = say("list", "suites")
    assert "\nkimi-replication " in out
    assert "18 published numbers" in out
    _, out, _ = say("list", "suites", "--json")
    suite = {one["name"]: one for one in json.loads(out)}["kimi-replication"]
    assert len(suite["protocols"]) == 18
    assert suite["protocols"][0]["expected"] == 1.28
    _, out, _ = say("list", "published")
    assert len(out.splitlines()) == 12
    _, out, _ = say("list", "published", "--json")
    cells = {table["name"]: len(table["cells"]) for table in json.loads(out)}
    assert cells["ultraeval-table9"] == 12 * 13

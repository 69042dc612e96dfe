"""A filled board on the terminal, as Markdown, JSON, CSV and pictures."""

import csv
import dataclasses
import io
import json
import xml.etree.ElementTree as ET

import pytest
from board_inputs import board, column, run_cell_of
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.boards import AverageSpec, CombinedSpec, load_boards
from audiobench_pytest.catalog.published import load_published
from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.boards.fill import fill
from audiobench_pytest.report.boards import files as board_files
from audiobench_pytest.report.boards import markdown as board_markdown
from audiobench_pytest.report.boards import terminal as board_table
from audiobench_pytest.report.boards.heat_map import heat_map
from audiobench_pytest.report.boards.radar import radar
from audiobench_pytest.report.boards.svg import breadth, wrapped
from audiobench_pytest.report.text import width

SVG = "{http://www.w3.org/2000/svg}"


def published(name, **options):
    return fill(load_boards().get(name), (), load_published(), **options)


@pytest.fixture(scope="module")
def understanding():
    return published("understanding", with_robustness=True, with_correlation=True)


def terminal(filled, columns=100):
    return ["".join(text for text, _ in line) for line in board_table.lines(filled, columns)]


MIXED = board(
    column("a"),
    column("b", group="other"),
    averages=(AverageSpec("mean", ("a", "b"), title="mean of 2"),),
    notes=("a word | of caution",),
)


def mixed():
    cells = [run_cell_of("mine", "a", 10.0), run_cell_of("mine", "b", 20.126)]
    cells += [run_cell_of("short", "a", 5.0, coverage=0.5), run_cell_of("short", "b", 1.0, recipe="wer/ultraeval@1.1")]
    return fill(MIXED, cells, with_robustness=True)


def test_the_terminal_shows_ranks_averages_and_cells():
    lines = terminal(mixed())
    summary = lines.index("model  rank  mean of 2  LOBO  LOTGO  norm.")
    assert lines[summary + 1] == "mine      1      84.94   1-1    1-1    1-1"
    assert lines[summary + 2] == "short     -          -     -      -      -"
    title = lines.index("ASR: %, lower is better")
    assert lines[title + 1 : title + 4] == ["model        a", "mine   10.00", "short   5.00 *"]
    title = lines.index("other: %, lower is better")
    assert lines[title + 1 : title + 4] == ["model        b", "mine   20.13", "short   1.00 !"]
    text = "\n".join(lines)
    assert "! made by another recipe than the board's: not averaged" in text
    assert "* not the whole data set: not averaged" in text
    assert "- * a of short is incomplete: coverage 0.5000" in text
    assert "mine: runs/a" in text
    assert "- a word | of caution" in text


def test_only_what_may_be_averaged_leads_a_column():
    cells = [run_cell_of("mine", "a", 10.0), run_cell_of("better", "a", 5.0)]
    cells += [run_cell_of("failed", "a", 1.0, coverage=0.5), run_cell_of("other", "a", 2.0, recipe="wer/ultraeval@1.1")]
    spans = [span for line in board_table.lines(fill(board(column("a")), cells), 100) for span in line]
    assert {text.strip() for text, markup in spans if markup.get("bold")} >= {"5.00"}
    assert not {"1.00", "2.00", "10.00"} & {
        text.split()[0] for text, markup in spans if markup.get("bold") and text.strip()
    }


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_tables_fit_the_terminal(understanding, columns):
    lines = terminal(understanding, columns)
    first = lines.index("")
    tables = lines[first : lines.index("(p) published: UltraEval-Audio paper")]
    sentences = [line for line in tables if line.startswith("n = ")]
    assert max(width(line) for line in tables if line not in sentences) <= columns
    assert all(line == line.rstrip() for line in lines)


def test_published_rows_are_marked_with_their_own_digits(understanding):
    lines = terminal(understanding, 300)
    assert "(p) published: UltraEval-Audio paper" in lines
    (row,) = [line for line in lines if line.startswith("Kimi-Audio-7B-Instruct (p)") and " 0.60 " in line]
    assert row.split()[2:] == ["1.18", "2.34", "1.28", "2.44", "2.96", "7.09", "5.72", "0.60", "2.53", "5.55"]
    paralinguistics = terminal(published("step-audio-2"), 250)
    assert any(line.split()[-1:] == ["0"] for line in paralinguistics if line.startswith("Step-Audio-AQAA (p)"))


def test_units_and_directions_are_said_once_where_they_are_shared():
    lines = terminal(published("kimi-evalkit"), 250)
    assert "speech recognition: %, lower is better" in lines
    title = lines.index("OpenAudioBench: higher is better")
    assert "openaudiobench-alpaca-eval (points)  openaudiobench-llama-questions (%)" in lines[title + 1]


def test_the_legend_explains_only_what_stands_there():
    one = fill(
        board(column("a")), [run_cell_of("mine", "a", 10.0), run_cell_of("other", "a", 5.0)], with_robustness=True
    )
    lines = terminal(one)
    assert "model  rank   mean  norm." in lines
    assert "best to worst rank: norm. with z-scores and with min-max" in lines
    assert not any("(p)" in line or "LOBO" in line or line.startswith(("!", "*")) for line in lines)


def test_markdown_has_the_same_tables():
    text = board_markdown.render(mixed())
    lines = text.splitlines()
    assert lines[0] == "# Mine"
    assert "| model | rank | mean of 2 | LOBO | LOTGO | norm. |" in lines
    assert "| mine | 1 | 84.94 | 1-1 | 1-1 | 1-1 |" in lines
    assert "| short | 5.00 \\* |" in lines
    assert "- a word \\| of caution" in lines
    assert {line.count("|") for line in lines if line.startswith("| m")} == {3, 7}
    assert text.endswith("\n")


def test_json_holds_all_unrounded(understanding):
    document = json.loads(board_files.as_json(understanding))
    assert (document["schema_version"], document["board"], document["average"]) == (
        1,
        "understanding",
        "ultraeval-understanding",
    )
    row = next(row for row in document["rows"] if row["model"] == "Kimi-Audio-7B-Instruct")
    assert row["averages"]["ultraeval-understanding"]["value"] == pytest.approx(1082.45 / 13, abs=1e-9)
    cell = row["columns"]["aishell-1"]
    assert (cell["value"], cell["printed"], cell["state"], cell["recipe"]) == (0.6, "0.60", "ok", "wer/ultraeval@1.1")
    assert row["published"] is True
    assert row["robustness"]["lobo"][0] <= row["rank"] <= row["robustness"]["lobo"][1]
    assert set(row["robustness"]) == {"lobo", "lotgo", "altnorm", "zscore", "minmax"}
    matrix = document["correlation"]
    assert len(matrix["rho"]) == len(matrix["columns"]) == 13
    assert matrix["rho"][0][0] == 1.0
    assert matrix["critical_5_percent"] == {"12": 0.587}
    (half,) = [row for row in json.loads(board_files.as_json(mixed()))["rows"] if row["model"] == "short"]
    assert half["averages"]["mean"] == {
        **{"value": None, "partial": None, "missing": ["a", "b"], "of": 2, "other_recipe": False}
    }
    assert half["rank"] is None
    assert half["columns"]["a"]["state"] == "incomplete"


def test_a_correlation_that_does_not_exist_is_null():
    document = json.loads(board_files.as_json(published("wenetspeech-wu", with_correlation=True)))
    assert document["correlation"]["rho"][0][-1] is None
    assert document["average"] is None


def test_csv_is_a_line_per_model(understanding):
    rows = list(csv.DictReader(io.StringIO(board_files.as_csv(understanding))))
    assert len(rows) == 12
    assert [row["rank"] for row in rows] == [str(k) for k in range(1, 13)]
    assert rows[1]["model"] == "Kimi-Audio-7B-Instruct"
    assert float(rows[1]["ultraeval-understanding"]) == pytest.approx(1082.45 / 13)
    assert (rows[1]["aishell-1"], rows[1]["aishell-1 state"]) == ("0.6", "ok")
    assert int(rows[1]["lobo_best"]) <= 2 <= int(rows[1]["lobo_worst"])
    short = list(csv.DictReader(io.StringIO(board_files.as_csv(mixed()))))[1]
    assert (short["rank"], short["mean"], short["b"], short["b state"]) == ("", "", "1.0", "other recipe")


def test_the_correlation_is_a_csv_of_pairs(understanding):
    rows = list(csv.DictReader(io.StringIO(board_files.correlation_csv(understanding))))
    assert len(rows) == 13 * 12 / 2
    assert {row["n"] for row in rows} == {"12"}


def test_an_empty_board_says_so():
    filled = fill(load_boards().get("openasr"), (), load_published(), with_correlation=True, with_robustness=True)
    assert any(line.startswith("no row: ") for line in terminal(filled))
    assert "No run holds" in board_markdown.render(filled)
    assert json.loads(board_files.as_json(filled))["rows"] == []
    assert len(board_files.as_csv(filled).splitlines()) == 1
    for draw in (radar, heat_map):
        with pytest.raises(UsageError):
            draw(filled)


def parsed(text):
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    return root, ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def inside(root):
    """Tell whether every shape lies within the picture."""
    across, down = float(root.get("width")), float(root.get("height"))
    places = []
    for node in root.iter():
        places += [(float(node.get(x)), float(node.get(y))) for x, y in (("x", "y"), ("cx", "cy")) if node.get(x)]
        places += [tuple(map(float, pair.split(","))) for pair in (node.get("points") or "").split()]
    return all(0 <= x <= across and 0 <= y <= down for x, y in places)


def test_the_heat_map_has_a_square_per_pair_and_names_twice(understanding):
    root, texts = parsed(heat_map(understanding))
    assert texts.count("librispeech-dev-clean") == 2
    assert texts.count("1.00") >= 13
    assert len([text for text in texts if text.replace(".", "").replace("-", "").isdigit() and "." in text]) == 169
    assert any("n = 12 models" in text for text in texts)
    assert inside(root)


def test_the_radar_draws_runs_first_and_no_more_than_can_be_told_apart(understanding):
    root, texts = parsed(radar(understanding))
    assert sum("(p)" in text for text in texts) == 8
    assert any("4 more, ranked and not drawn" in text for text in texts)
    assert "librispeech-dev-clean" in texts
    # Error rates at the ends of their axis as they are printed: the worst drawn to the best drawn.
    assert texts[texts.index("meld-emo") + 1] == "17.40 to 59.23"
    assert texts[texts.index("librispeech-dev-clean") + 1] == "5.30 to 1.18"
    assert inside(root)
    cells = [
        run_cell_of("mine", one.name, 50.0, recipe=one.recipe, higher_is_better=not one.error) for one in _columns()
    ]
    both = fill(load_boards().get("understanding"), cells, load_published(), catalog=_without_sizes())
    assert both.rank_of([row.model for row in both.rows].index("mine")) == 12
    _, texts = parsed(radar(both))
    assert "mine" in texts
    assert any("Dashed: published." in text for text in texts)


def _columns():
    return load_boards().get("understanding").columns


def _without_sizes():
    from audiobench_pytest.catalog.loader import Catalog, Entries

    return Catalog(datasets=Entries("dataset", []))


def test_a_radar_needs_three_axes_and_two_models():
    with pytest.raises(UsageError, match="at least three cells"):
        radar(mixed())
    cells = [run_cell_of("mine", name, 10.0) for name in "abc"]
    with pytest.raises(UsageError, match="at least two models with all cells of mean, found 1"):
        radar(fill(board(*map(column, "abc")), cells))


ODD = st.text(min_size=1, max_size=30)


@given(ODD, ODD, ODD)
@settings(max_examples=30, deadline=None)
def test_any_name_gives_files_that_can_be_read(model, other, name):
    columns = [column(name + str(k), datasets=(f"set-{k}",)) for k in range(3)]
    spec = dataclasses.replace(board(*columns), title=name, combined=(CombinedSpec("", (columns[0].name,)),))
    cells = [
        run_cell_of(who, f"set-{k}", k + rate) for k in range(3) for who, rate in ((model, 1.0), (other + "x", 2.0))
    ]
    filled = fill(spec, cells, with_robustness=True, with_correlation=True)
    for draw in (radar, heat_map):
        try:
            ET.fromstring(draw(filled))
        except UsageError:
            assert draw is radar
            assert len(filled.rows) < 2
    json.loads(board_files.as_json(filled))
    assert len(list(csv.DictReader(io.StringIO(board_files.as_csv(filled))))) == len(filled.rows)
    terminal(filled)
    table = [line for line in board_markdown.render(filled).splitlines() if line.startswith("|")]
    assert table


@given(st.text(max_size=200), st.integers(40, 400))
def test_wrapping_loses_no_word_and_keeps_the_width(text, columns):
    lines = wrapped(text, columns)
    assert " ".join(lines).split() == " ".join(text.split()).split() or not text.isprintable()
    assert all(breadth(line) <= columns or " " not in line for line in lines)

"""Pictures of a run: what stands on their axes is what stands in the leaderboard, and what they lack is said."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from cell_results import cell_result
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.cli import main
from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.plots.drawing import KINDS, draw
from audiobench_pytest.report.plots.radar import INNER
from audiobench_pytest.report.plots.speed import pareto
from audiobench_pytest.report.run import json_file
from audiobench_pytest.types import CellId, CellResult, MetricValue, Quantity, State

pytest.importorskip("matplotlib", reason="needs the extra plots")

WER = "wer/audiobench-pytest@2"


def cell(dataset: str, model: str, value: float | None, recipe: str = WER, **fields: Any) -> CellResult:
    given = {"task": "asr", "signature": recipe, "counts": {State.OK: 92}, **fields}
    return cell_result(cell=CellId(dataset, model, recipe), value=value, **given)


def run_of(folder: Path, *results: CellResult) -> Path:
    folder.mkdir(exist_ok=True)
    board = Conclusion(results, (), str(folder), interrupted=False, wall_s=1.0)
    (folder / "leaderboard.json").write_text(json_file.render(board))
    return folder


def codec(model: str, bits: float, stoi: float, **fields: Any) -> list[CellResult]:
    rate = {"metric": "bit_rate", "unit": "kbit/s", "task": "codec"}
    heard = {"metric": "stoi", "unit": "", "higher_is_better": True, "task": "codec", "low": stoi - 0.1, "high": 1.0}
    return [
        cell("minispeech", model, stoi, "stoi/audiobench-pytest@1", **heard, **fields),
        cell("minispeech", model, bits, "bit-rate/audiobench-pytest@1", low=bits - 1, high=bits + 1, **rate),
    ]


def points(axes: Any) -> dict[str, tuple[float, float]]:
    """Return the place of each model's point, as it is drawn."""
    found = {}
    for container in axes.containers:
        x, y = container.lines[0].get_data()
        found[container.get_label()] = (float(x[0]), float(y[0]))
    return found


def texts(figure: Any) -> str:
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    found += [figure.get_supxlabel(), *(text.get_text() for one in figure.legends for text in one.get_texts())]
    return "\n".join(found)


def test_bars_are_the_values_with_their_intervals(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        cell("clean", "small", 5.25, low=4.0, high=7.0),
        cell("clean", "large", 2.5, low=2.0, high=3.0, coverage=0.5),
        cell("other", "small", 11.0),
    )
    clean, other = draw(run, "bars").axes
    assert [bar.get_width() for bar in clean.patches] == [5.25, 2.5]
    assert [label.get_text() for label in clean.get_yticklabels()] == ["small", "large*"]
    assert (clean.get_title(), other.get_title()) == ("clean", "other")
    assert clean.get_xlabel() == "WER in %, lower is better"
    whiskers = [one.get_segments()[0][:, 0].tolist() for one in clean.collections]
    assert whiskers == [[4.0, 7.0], [2.0, 3.0]]
    assert other.collections[:] == []  # no interval, no whisker
    figure = draw(run, "bars")
    assert "5.25" in texts(figure)
    assert "* not every sample was scored" in texts(figure)


def test_error_against_speed_has_the_front_of_those_that_nobody_beats(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        cell("clean", "slow", 2.0, rtfx=10.0, low=1.0, high=3.0),
        cell("clean", "fast", 4.0, rtfx=100.0),
        cell("clean", "beaten", 5.0, rtfx=50.0),
        cell("clean", "untimed", 1.0),
        cell("clean", "cached", 9.0, rtfx=1.0, cached=92),
    )
    figure = draw(run, "error-rtf")
    (axes,) = figure.axes
    assert points(axes) == {"slow": (10, 2), "fast": (100, 4), "beaten": (50, 5), "cached": (1, 9)}
    front = next(line for line in axes.lines if line.get_label() == "Pareto front")
    assert list(zip(*front.get_data(), strict=True)) == [(10, 2), (100, 4)]
    assert axes.get_xscale() == "log"
    assert "measured in an earlier run" in texts(figure)
    assert "untimed" not in texts(figure)


def test_a_run_without_times_has_no_speed_to_draw(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model has a value and a time"):
        draw(run_of(tmp_path, cell("clean", "a", 1.0)), "error-rtf")


@given(
    st.dictionaries(st.text("abcdef", min_size=1), st.tuples(*[st.floats(0.1, 100.0)] * 2), min_size=1), st.booleans()
)
def test_who_is_off_the_front_is_beaten_by_one_who_is_on_it(
    places: dict[str, tuple[float, float]], higher: bool
) -> None:
    front = pareto(places, higher_is_better=higher)
    sign = 1 if higher else -1

    def beats(one: str, other: str) -> bool:
        (fast, good), (speed, value) = places[one], places[other]
        return (fast, good) != (speed, value) and fast >= speed and sign * good >= sign * value

    assert front
    assert not any(beats(one, other) for one in places for other in front)
    assert all(any(beats(one, other) for one in front) for other in places if other not in front)


def test_a_radar_is_over_the_means_of_tasks(tmp_path: Path) -> None:
    accuracy = {"metric": "acc", "higher_is_better": True}
    found = []
    for model, first, second, emotion, choice in [("a", 10.0, 30.0, 80.0, 50.0), ("b", 4.0, 6.0, 60.0, 70.0)]:
        found += [
            cell("x", model, first),
            cell("y", model, second),
            cell("z", model, emotion, "match/label@2", task="emotion", **accuracy),
            cell("w", model, choice, "choice/audiobench-pytest@2", task="audio-qa", **accuracy),
        ]
    found += [cell("x", "lacks the rest", 1.0)]
    figure = draw(run_of(tmp_path, *found), "radar")
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["asr WER\n20.00 to 5.00", "emotion ACC\n60.00 to 80.00", "audio-qa ACC\n50.00 to 70.00"]
    reach = {line.get_label(): [round(float(y), 3) for y in line.get_ydata()[:-1]] for line in axes.lines}
    assert reach == {"a": [INNER, 1.0, INNER], "b": [1.0, INNER, 1.0]}
    assert "Left out for want of a value: 1" in texts(figure)


def test_a_radar_of_one_task_is_over_its_data_sets(tmp_path: Path) -> None:
    found = [cell(name, model, k + 1.0) for name in "xyz" for k, model in enumerate("ab")]
    (axes,) = draw(run_of(tmp_path, *found), "radar").axes
    assert [label.get_text().split("\n")[0] for label in axes.get_xticklabels()] == ["x WER", "y WER", "z WER"]


@pytest.mark.parametrize(
    ("sets", "models", "said"),
    [("xy", "ab", "at least 3 tasks or data sets, and this run has 2"), ("xyz", "a", "at least two models")],
)
def test_a_radar_says_what_it_lacks(tmp_path: Path, sets: str, models: str, said: str) -> None:
    run = run_of(tmp_path, *(cell(name, model, 1.0) for name in sets for model in models))
    with pytest.raises(UsageError, match=said):
        draw(run, "radar")


def test_correlation_is_spearmans_with_better_upwards(tmp_path: Path) -> None:
    accuracy = {"metric": "acc", "higher_is_better": True, "task": "emotion"}
    found = []
    for place, model in enumerate("abcde"):
        found += [cell("x", model, float(place)), cell("z", model, 90.0 - place**2, "match/label@2", **accuracy)]
        found += [cell("same", model, 3.0)]
    figure = draw(run_of(tmp_path, *found), "correlation")
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["x WER", "z ACC", "same WER"]
    drawn = axes.images[0].get_array().filled(math.nan)
    assert drawn[0, 1] == pytest.approx(1.0)  # fewer errors and more right answers go together
    assert math.isnan(drawn[0, 2])
    assert [text.get_text() for text in axes.texts][:3] == ["1.00", "1.00", "-"]
    assert "Over 5 models" in texts(figure)


def test_three_models_are_too_few_for_a_correlation(tmp_path: Path) -> None:
    run = run_of(tmp_path, *(cell(name, model, ord(model)) for name in "xy" for model in "abc"))
    with pytest.raises(UsageError, match=r"at least 4 models that have both.* 3 models and 2 columns"):
        draw(run, "correlation")


def test_codecs_stand_at_their_bits_and_their_quality(tmp_path: Path) -> None:
    figure = draw(run_of(tmp_path, *codec("opus-6k", 6.0, 0.91), *codec("identity", 256.0, 1.0)), "codec")
    (axes,) = figure.axes
    assert points(axes) == {"opus-6k": (6.0, 0.91), "identity": (256.0, 1.0)}
    assert axes.get_ylabel() == "STOI, higher is better"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["opus-6k", "identity"]


def test_what_is_no_codec_has_no_bit_rate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no cell has a bit rate: .*benchmarks/codec"):
        draw(run_of(tmp_path, cell("clean", "a", 1.0)), "codec")
    only = [one for one in codec("opus-6k", 6.0, 0.9) if one.metric == "bit_rate"]
    with pytest.raises(UsageError, match="a bit rate and no other value"):
        draw(run_of(tmp_path, *only), "codec")


def test_another_value_and_one_data_set_are_drawn_by_name(tmp_path: Path) -> None:
    one = cell("clean", "a", 5.0)
    more = (*one.values, MetricValue(Quantity("deletion_rate"), 2.5))
    run = run_of(tmp_path, dataclasses.replace(one, values=more), cell("other", "a", 7.0))
    (axes,) = draw(run, "bars", metrics=["deletion_rate"]).axes
    assert [bar.get_width() for bar in axes.patches] == [2.5]
    (axes,) = draw(run, "bars", datasets=["other"]).axes
    assert [bar.get_width() for bar in axes.patches] == [7.0]
    with pytest.raises(UsageError, match="deletion_rate"):
        draw(run, "bars", metrics=["deletions_rate"])
    with pytest.raises(UsageError, match="othr"):
        draw(run, "bars", datasets=["othr"])


def test_two_recipes_of_a_data_set_never_share_a_panel(tmp_path: Path) -> None:
    run = run_of(tmp_path, cell("clean", "a", 5.0), cell("clean", "a", 6.0, "wer/openasr@2026-08"))
    titles = [axes.get_title() for axes in draw(run, "bars").axes]
    assert titles == [f"clean {WER}", "clean wer/openasr@2026-08"]


def test_signatures_that_differ_are_marked(tmp_path: Path) -> None:
    run = run_of(tmp_path, cell("clean", "a", 5.0), cell("clean", "b", 6.0, signature="wer|jiwer:3"))
    figure = draw(run, "bars")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a #1", "b #2"]
    assert "signatures that differ" in texts(figure)


def test_too_many_panels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"25 panels are too many .*--dataset"):
        draw(run_of(tmp_path, *(cell(f"set-{k}", "a", 1.0) for k in range(25))), "bars")


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_command_writes_the_same_bytes_twice(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path / "run", cell("clean", "$a$_\n<b>", 5.0, rtfx=3.0), cell("clean", "_hidden", 4.0, rtfx=2.0))
    for name in ("one", "two"):
        assert main(["plot", str(run), "--kind", "error-rtf", "--output", str(tmp_path / f"{name}.{form}")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / f"one.{form}")
    data = (tmp_path / f"one.{form}").read_bytes()
    assert data == (tmp_path / f"two.{form}").read_bytes()
    if form == "svg":
        assert b"_hidden" in data
        assert b"$a$_ &lt;b&gt;" in data
    else:
        assert data.startswith(b"\x89PNG")


def test_wrong_usage_is_told_before_anything_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(tmp_path), "--kind", "bars"]) == 4
    assert "has no leaderboard.json: `audiobench gate" in capsys.readouterr().err
    run = run_of(tmp_path, cell("clean", "a", 1.0))
    assert main(["plot", str(run), "--kind", "bars", "--output", "x.pdf"]) == 4
    assert "x.pdf: a picture is a file whose name ends in .png or .svg" in capsys.readouterr().err
    assert main(["plot", str(run), "--kind", "bars"]) == 0
    assert (run / "bars.png").is_file()


def test_a_leaderboard_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    run = run_of(tmp_path, cell("clean", "a", 1.0))
    document = json.loads((run / "leaderboard.json").read_text())
    del document["cells"][0]["values"]
    (run / "leaderboard.json").write_text(json.dumps(document))
    with pytest.raises(RecordError, match="not as this version writes it"):
        draw(run, "bars")


def test_nothing_scored_is_nothing_drawn(tmp_path: Path) -> None:
    for kind in KINDS:
        with pytest.raises(UsageError, match=r"nothing was scored|no cell has a bit rate"):
            draw(run_of(tmp_path, cell("clean", "a", None)), kind)


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="plots"):
        draw(run_of(tmp_path, cell("clean", "a", 1.0)), "bars")

"""Boards fed with the published tables: averages, rank ranges and correlations, computed once more by plain loops.

The tables are read here with the csv module, and the formulas written down anew: nothing of the boards is shared.
"""

import csv
import math
import statistics
from pathlib import Path

import pytest

import audiobench_pytest
from audiobench_pytest.catalog.boards import load_boards
from audiobench_pytest.catalog.published import load_published
from audiobench_pytest.leaderboard.boards.fill import fill

FOLDER = Path(audiobench_pytest.__file__).parent / "catalog" / "published"

ASR = ["librispeech-dev-clean", "librispeech-dev-other", "librispeech-test-clean", "librispeech-test-other", "tedlium"]
ASR += ["cv15-en", "cv15-zh", "aishell-1", "fleurs-zh", "wenetspeech-test-net"]
SETS = ["librispeech-dev-clean", "librispeech-test-clean", "aishell-1"]


def table(name):
    """Return {model: {(benchmark, metric): value}} of a CSV file, without the open cells."""
    found = {}
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells = found.setdefault(row["model"], {})
            if row["value"]:
                cells[row["benchmark"], row["metric"]] = float(row["value"])
    return found


def understanding():
    """Return {model: 13 oriented cells}, and the group of each cell."""
    rows = {}
    for model, cells in table("ultraeval_table9_understanding.csv").items():
        by_name = {benchmark: value for (benchmark, _), value in cells.items()}
        rows[model] = [100 - by_name[name] for name in ASR]
        rows[model] += [by_name["covost2-en2zh"], by_name["covost2-zh2en"], by_name["meld"]]
    return rows, ["ASR"] * 10 + ["AST"] * 2 + ["EMO"]


def generation():
    rows = {}
    for model, cells in table("ultraeval_table10_generation.csv").items():
        tasks = ["speech-web-questions", "speech-triviaqa", "speech-alpacaeval", "speech-cmmlu", "speech-hsk"]
        by_name = {benchmark: value for (benchmark, _), value in cells.items()}
        mos = [cells["acoustics", metric] for metric in ("UTMOS", "DNSMOS-P.835", "DNSMOS-P.808")]
        rows[model] = [by_name[name] for name in tasks] + [20 * sum(mos) / 3]
    return rows, ["open QA", "open QA", "chat", "exams", "exams", "acoustics"]


def codec():
    rows, groups = {}, []
    for model, cells in table("ultraeval_table11_codec.csv").items():
        row, groups = [], []
        for name in SETS:
            error = cells.get((name, "WER"), cells.get((name, "CER")))
            mos = [cells[name, m] for m in ("UTMOS", "DNSMOS-P.835", "DNSMOS-P.808") if (name, m) in cells]
            assert len(mos) == (2 if name == "aishell-1" else 3)
            row += [100 - error, cells[name, "SIM"], 20 * sum(mos) / len(mos)]
            groups += ["intelligibility", "similarity", "acoustics"]
        rows[model] = row
    return rows, groups


def naive_ranks(scores):
    return {model: 1 + sum(other > own + 1e-9 for other in scores.values()) for model, own in scores.items()}


def mean_ranks(rows):
    return naive_ranks({model: sum(row) / len(row) for model, row in rows.items()})


def spans(many):
    return {model: [min(r[model] for r in many), max(r[model] for r in many)] for model in many[0]}


def kept(rows, keep):
    return {model: [v for k, v in enumerate(row) if keep(k)] for model, row in rows.items()}


def normalised(rows, scheme):
    columns = list(zip(*rows.values(), strict=True))
    made = [[scheme(v, column) for v in column] for column in columns]
    return dict(zip(rows, map(list, zip(*made, strict=True)), strict=True))


def naive_robustness(rows, groups):
    cells = range(len(groups))
    zscore = normalised(rows, lambda v, column: (v - statistics.fmean(column)) / statistics.pstdev(column))
    minmax = normalised(rows, lambda v, column: (v - min(column)) / (max(column) - min(column)))
    return {
        "original": mean_ranks(rows),
        "lobo": spans([mean_ranks(kept(rows, lambda k, out=out: k != out)) for out in cells]),
        "lotgo": spans([mean_ranks(kept(rows, lambda k, out=out: groups[k] != out)) for out in dict.fromkeys(groups)]),
        "altnorm": spans([mean_ranks(zscore), mean_ranks(minmax)]),
    }


def filled(name, **options):
    return fill(load_boards().get(name), (), load_published(), **options)


BOARDS = [("understanding", understanding), ("generation", generation), ("codec", codec)]


@pytest.mark.parametrize(("name", "read"), BOARDS)
def test_averages_and_rank_ranges_are_those_of_the_published_table(name, read):
    rows, groups = read()
    board = filled(name, with_robustness=True)
    assert {row.model for row in board.rows} == set(rows)
    expected = naive_robustness(rows, groups)
    found = board.ranks.robustness
    for place, row in enumerate(board.rows):
        assert row.averages[board.average.name].value == pytest.approx(sum(rows[row.model]) / len(groups), abs=1e-9)
        assert board.rank_of(place) == expected["original"][row.model]
        for kind in ("lobo", "lotgo", "altnorm"):
            one = getattr(found, kind)
            assert [one.best[place], one.worst[place]] == expected[kind][row.model], (kind, row.model)
    assert (len(board.rows), len(groups)) == {"understanding": (12, 13), "generation": (6, 6), "codec": (9, 9)}[name]


def average(name, model, of=None):
    board = filled(name)
    row = next(row for row in board.rows if row.model == model)
    return row.averages[of or board.average.name].value


def test_averages_by_hand():
    # 98.82 + 97.66 + 98.72 + 97.56 + 97.04 + 92.91 + 94.28 + 99.40 + 97.47 + 94.45 = 968.31 of the ten error rates.
    assert average("understanding", "Kimi-Audio-7B-Instruct") == pytest.approx((968.31 + 36.61 + 18.30 + 59.23) / 13)
    # Not clipped: 208 % counts as -108, 279.9 % as -179.9.
    errors = [5.9, 7.2, 21.9, 16.3, 6.9, 208.0, 84.37, 9.0, 85.9, 279.9]
    by_hand = (1000 - sum(errors) + 33.4 + 8.2 + 45.2) / 13
    assert average("understanding", "Gemini-1.5-Flash") == pytest.approx(by_hand)
    # 3.22 + 2.94 + 3.62 = 9.78; 20 * 9.78 / 3 = 65.2.
    assert average("generation", "Kimi-Audio-7B-Instruct") == pytest.approx(
        (33.69 + 38.2 + 34.4 + 71.25 + 97.42 + 65.2) / 6
    )
    # Aishell-1 without UTMOS: 20 * (3.63 + 2.85) / 2 = 64.8.
    spark = [97.61, 79.94, 20 * 11.27 / 3, 97.47, 79.53, 20 * 11.25 / 3, 96.34, 74.76, 64.8]
    assert average("codec", "Spark") == pytest.approx(sum(spark) / 9)
    # 89.2 + 79.4 + 63.12 + 62.17 + 83.52 + 61.1 + 100 = 538.51.
    assert average("kimi-evalkit", "Kimi-Audio") == pytest.approx(538.51 / 7)
    assert average("voicebench", "Kimi-Audio", "voicebench-7@kimi") == pytest.approx(538.51 / 7)


def test_averages_of_the_step_audio_2_report_by_hand():
    assert average("step-audio-2", "Step-Audio 2", "english") == pytest.approx((5.98 + 3.05 + 1.19 + 2.49) / 4)
    chinese = (0.65 + 2.13 + 2.80 + 3.62 + 4.73 + 4.74) / 6
    assert average("step-audio-2", "Step-Audio 2", "chinese") == pytest.approx(chinese)
    in_house = (10.99 + 3.87 + 4.08 + 13.77 + 4.28 + 18.14) / 6
    assert average("step-audio-2", "Step-Audio 2", "in-house") == pytest.approx(in_house)
    # 98 + 92 + 78 + 64 + 46 + 72 + 78 + 70 + 78 + 84 + 82 = 842.
    assert average("step-audio-2", "Step-Audio 2", "paralinguistics") == pytest.approx(842 / 11)
    assert average("step-audio-2", "Omni-R1", "mmau") == pytest.approx((81.7 + 76.0 + 73.4) / 3)
    assert average("step-audio-2", "GPT-4o Audio", "s2tt") == pytest.approx((40.20 + 19.01) / 2)
    assert average("step-audio-2", "GPT-4o Audio", "s2st") == pytest.approx((20.07 + 27.29) / 2)
    assert average("step-audio-2", "Step-Audio 2", "s2st") is None


def test_the_average_of_a_uro_track_is_over_its_sets_not_over_its_three_parts():
    # English basic has 3 + 4 + 3 sets, English pro 5 + 3 + 4, Chinese pro 3 + 2 + 3, Chinese basic 2 + 2 + 2.
    expected = {
        "uro-en-basic": (3 * 90.18 + 4 * 75.90 + 3 * 90.41) / 10,
        "uro-en-pro": (5 * 60.65 + 3 * 64.36 + 4 * 78.46) / 12,
        "uro-zh-pro": (3 * 72.94 + 2 * 51.52 + 3 * 71.14) / 8,
        "uro-zh-basic": (82.98 + 57.23 + 82.33) / 3,
    }
    for name, value in expected.items():
        assert average("step-audio-2", "GPT-4o Audio", name) == pytest.approx(value), name
    assert expected["uro-en-basic"] != pytest.approx((90.18 + 75.90 + 90.41) / 3, abs=0.5)


def test_the_uro_tracks_of_every_published_model_by_plain_loops():
    sizes = {
        "Chinese/basic": ("uro-zh-basic", {"U": 2, "R": 2, "O": 2}),
        "Chinese/pro": ("uro-zh-pro", {"U": 3, "R": 2, "O": 3}),
        "English/basic": ("uro-en-basic", {"U": 3, "R": 4, "O": 3}),
        "English/pro": ("uro-en-pro", {"U": 5, "R": 3, "O": 4}),
    }
    file = Path(audiobench_pytest.__file__).parent / "catalog" / "published" / "step_audio2_table6_urobench.csv"
    sums = {}
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            track, _, part = row["benchmark"].removeprefix("URO-Bench/").rpartition("/")
            name, of = sizes[track]
            key = (row["model"], name)
            sums[key] = sums.get(key, 0.0) + of[part] * float(row["value"]) / sum(of.values())
    assert len(sums) == 5 * 4
    for (model, name), value in sums.items():
        assert average("step-audio-2", model, name) == pytest.approx(value), (model, name)
    best = {name: max((value, model) for (model, of), value in sums.items() if of == name)[1] for _, name in sums}
    assert best == {
        "uro-zh-basic": "Step-Audio 2",
        "uro-zh-pro": "Step-Audio 2",
        "uro-en-basic": "GPT-4o Audio",
        "uro-en-pro": "GPT-4o Audio",
    }


def naive_spearman(a, b):
    def ranks(scores):
        return [sum(o < s for o in scores) + (sum(o == s for o in scores) + 1) / 2 for s in scores]

    a, b = ranks(a), ranks(b)
    top = sum((x - statistics.fmean(a)) * (y - statistics.fmean(b)) for x, y in zip(a, b, strict=True))
    return top / math.sqrt(
        sum((x - statistics.fmean(a)) ** 2 for x in a) * sum((y - statistics.fmean(b)) ** 2 for y in b)
    )


def test_correlation_of_the_understanding_columns():
    rows, _ = understanding()
    found = filled("understanding", with_correlation=True).correlation
    columns = list(zip(*rows.values(), strict=True))
    assert len(found.names) == 13
    for i in range(13):
        for j in range(13):
            assert found.rho[i, j] == pytest.approx(naive_spearman(columns[i], columns[j]), abs=1e-9)
            assert found.n[i, j] == 12


def test_correlation_has_three_acoustic_columns_and_no_empty_one():
    names = filled("generation", with_correlation=True).correlation.names
    assert names[-3:] == ("utmos", "dnsmos-p835", "dnsmos-p808")
    assert len(names) == 8
    names = filled("codec", with_correlation=True).correlation.names
    assert "aishell-1-utmos" not in names
    assert {"librispeech-dev-clean-utmos", "aishell-1-p835"} <= set(names)
    assert len(names) == 14


def test_a_degenerate_cell_is_named_with_what_it_costs():
    rows, _ = understanding()
    others = [row[ASR.index("tedlium")] for model, row in rows.items() if model != "MiDaShengLM-7B"]
    moved = (statistics.median(others) - (100 - 146.53)) / 13
    assert moved == pytest.approx(11, abs=0.1)
    (note,) = [note for note in filled("understanding").notes if "MiDaShengLM" in note]
    assert "146.53" in note
    assert f"{moved:.2f} points" in note


def test_doubts_are_printed_below_the_board():
    notes = "\n".join(filled("understanding").notes)
    assert "cv-15-zh of Gemini-1.5-Flash: another copy prints 184.37" in notes
    notes = "\n".join(filled("generation").notes)
    assert "speech-cmmlu of Kimi-Audio-7B-Instruct: the web page prints 66.98" in notes

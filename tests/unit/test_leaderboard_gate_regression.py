"""Gates against a baseline: worse, as good, too few samples to tell, not comparable, a trade for speed."""

import dataclasses
import json

import numpy as np
import pytest
from made_runs import RECIPE, make_run, make_set

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.baselines.lock_file import encoded, locked
from audiobench_pytest.leaderboard.baselines.measured import measured
from audiobench_pytest.leaderboard.baselines.sources import cells_of_runs
from audiobench_pytest.leaderboard.cells.planned import recipe_of
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.leaderboard.gates.regression import judge_regression
from audiobench_pytest.leaderboard.gates.schema import GatesFile, Limit, RegressionRule, Trade
from audiobench_pytest.leaderboard.gates.verdicts import verdicts
from audiobench_pytest.leaderboard.statistics.comparison import holm
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.types import Evidence, Verdict


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of one set of 60 samples by models of 10 %, 12 % and 40 % errors; and of its first 12 samples."""
    folder = tmp_path_factory.mktemp("runs")
    manifest = make_set(folder / "data", 60)
    made = {
        name: make_run(folder / name, manifest, args={"wer": wer, "seed": seed}, clusters=clusters, limit=limit)
        for name, wer, seed, clusters, limit in (
            ("base", "0.1", "0", "", None),
            ("again", "0.1", "0", "", None),
            ("alike", "0.12", "1", "", None),
            ("worse", "0.4", "2", "", None),
            ("few", "0.1", "0", "", 12),
            ("few-alike", "0.16", "1", "", 12),
        )
    }
    made["few-oracle"] = make_run(folder / "few-oracle", manifest, model="oracle", limit=12)
    lock = folder / "audiobench.lock.json"
    lock.write_bytes(encoded(locked(reduce_cell(data), measured(data, "")) for data in cells_of_runs([made["base"]])))
    return {**made, "lock": lock, "data": manifest}


def rule(path, **more):
    defaults = {
        "shown": path.name,
        "relative": False,
        "confidence": 0.95,
        "inconclusive": Verdict.SKIP,
        "baseline_model": None,
        "trade": None,
    }
    return RegressionRule(baseline=path, **{**defaults, **more})


def limit(path, allowed=1.0, part=None, **more):
    source = "gates.toml [small.wer]"
    return Limit("small", "wer", None, "regression", allowed, source, slice=part, rule=rule(path, **more))


def judged(run, *limits, **more):
    cells = RunDirectory(run).cells(lambda plan: ["gender"])
    gates = verdicts(
        [reduce_cell(cell) for cell in cells],
        [cell.plan for cell in cells],
        GatesFile(limits, **more),
        interrupted=False,
        data={cell.plan.cell: cell for cell in cells},
    ).gates
    return [gate for gate in gates if gate.metric != "coverage"]


@pytest.mark.parametrize("baseline", ["base", "lock"])
def test_a_truly_worse_model_is_a_regression(runs, baseline):
    (gate,) = judged(runs["worse"], limit(runs[baseline], 2.0))
    assert (gate.verdict, gate.kind, gate.bound, gate.limit) == (Verdict.FAIL, Red.REGRESSION, "regression", 2.0)
    assert gate.value == pytest.approx(gate.details["new"] - gate.details["base"])
    assert gate.details["samples"] == 60
    # The true difference is 30 points; what is certain is less, and far more than what is allowed.
    assert 15 < gate.details["low"] < gate.value < 45
    assert f"in {runs[baseline].name}: worse by" in gate.message
    assert "with 95 % confidence worse by at least" in gate.message


def test_run_and_lock_give_the_very_same_verdict(runs):
    from_run, from_lock = (judged(runs["alike"], limit(runs[name]))[0] for name in ("base", "lock"))
    skip = {"baseline"}
    assert {k: v for k, v in from_run.details.items() if k not in skip} == {
        k: v for k, v in from_lock.details.items() if k not in skip
    }


def test_the_same_answers_again_pass_without_any_slack(runs):
    (gate,) = judged(runs["again"], limit(runs["base"], 0.0))
    assert (gate.verdict, gate.kind, gate.value) == (Verdict.PASS, None, 0.0)
    assert "no change" in gate.message


def test_a_model_that_is_better_passes(runs):
    (gate,) = judged(runs["base"], limit(runs["worse"], 0.0))
    assert gate.verdict is Verdict.PASS
    assert gate.value < 0
    assert "better by" in gate.message


@pytest.mark.parametrize("choice", [Verdict.PASS, Verdict.FAIL, Verdict.SKIP])
def test_what_an_open_verdict_counts_as_is_the_owners_choice(runs, choice):
    (gate,) = judged(runs["few-alike"], limit(runs["few"], 6.0, inconclusive=choice))
    assert (gate.verdict, gate.effect) == (Verdict.INCONCLUSIVE, choice)
    assert gate.kind is (Red.REGRESSION if choice is Verdict.FAIL else None)
    assert gate.details["low"] < 6.0 < gate.details["high"]
    assert "12 samples cannot tell whether that is more than the 6.00 allowed" in gate.message


def test_more_confidence_makes_it_harder_to_be_sure(runs):
    at = {c: judged(runs["alike"], limit(runs["base"], 1.0, confidence=c))[0].details for c in (0.8, 0.95, 0.99)}
    assert at[0.99]["low"] < at[0.95]["low"] < at[0.8]["low"]
    assert at[0.8]["high"] < at[0.95]["high"] < at[0.99]["high"]


def test_a_relative_limit_is_a_share_of_the_baselines_value(runs):
    (gate,) = judged(runs["worse"], limit(runs["base"], 0.05, relative=True))
    assert gate.limit == pytest.approx(0.05 * gate.details["base"])
    assert gate.verdict is Verdict.FAIL


def test_a_slice_is_compared_with_the_same_slice(runs):
    whole, one = judged(runs["worse"], limit(runs["base"]), limit(runs["base"], part=("gender", "female")))
    assert (whole.slice, one.slice) == ("", "gender=female")
    assert (whole.details["samples"], one.details["samples"]) == (60, 30)
    assert one.verdict is Verdict.FAIL
    (lock,) = judged(runs["worse"], limit(runs["lock"], part=("gender", "female")))
    assert lock.details["base"] == one.details["base"]


def test_that_the_baseline_was_asked_in_other_words_is_told(runs, tmp_path):
    run = make_run(tmp_path / "words", runs["data"], args={"wer": "0.1", "seed": "0"}, words="asr/terse")
    (gate,) = judged(run, limit(runs["lock"]))
    assert "; asked in the prompt 'asr/terse', audiobench.lock.json in the usual prompt" in gate.message
    assert "asked" not in judged(runs["again"], limit(runs["lock"]))[0].message
    old = tmp_path / "old.lock.json"
    document = json.loads(runs["lock"].read_text())
    del document["cells"][0]["words"]
    old.write_text(json.dumps(document))
    assert (
        "; asked in the prompt 'asr/terse', old.lock.json in words that nobody noted"
        in judged(run, limit(old))[0].message
    )
    assert "asked" not in judged(runs["again"], limit(old))[0].message


def test_a_prompt_that_the_baseline_lacks_is_named_with_those_it_has(runs, tmp_path):
    run = make_run(tmp_path / "prompted", runs["data"], args={"wer": "0.1"}, prompt="asr/terse")
    (gate,) = judged(run, limit(runs["lock"]))
    message = refused(gate)
    assert f"with model 'noisy' in prompt 'asr/terse' under {RECIPE}; it has it by one prompt alone" in message
    (gate,) = judged(runs["base"], limit(run))
    assert "with model 'noisy' under" in refused(gate)
    assert "it has it by prompt 'asr/terse': ask in the same (--prompt)" in gate.message


def refused(gate):
    assert (gate.verdict, gate.kind, gate.value) == (Verdict.FAIL, Red.DATA, None)
    return gate.message


def test_another_selection_is_no_baseline(runs):
    differ = "not comparable with the baseline: the samples of base and this run differ: 60 and 12 were selected"
    (few,) = judged(runs["few"], limit(runs["base"]))
    assert (few.verdict, few.message) == (Verdict.SKIP, f"the first 12 of 60 samples only: {differ}")
    assert refused(judged(runs["few"], dataclasses.replace(limit(runs["base"]), judges_limited=True))[0]) == differ


def test_other_references_are_no_baseline(runs, tmp_path):
    manifest = make_set(tmp_path / "data", 60)
    manifest.write_text(manifest.read_text().replace("harbour", "harbor"))
    run = make_run(tmp_path / "run", manifest, args={"wer": "0.1"})
    message = refused(judged(run, limit(runs["base"]))[0])
    assert "the data of base and this run differs, in ids, references or audio: digests " in message


def test_another_signature_is_no_baseline_and_the_field_is_named(runs, tmp_path):
    document = json.loads(runs["lock"].read_text())
    signature = document["cells"][0]["signature"]
    document["cells"][0]["signature"] = signature.replace("jiwer:4", "jiwer:3")
    path = tmp_path / "old.lock.json"
    path.write_text(json.dumps(document))
    message = refused(judged(runs["base"], limit(path))[0])
    version = signature.partition("jiwer:")[2]
    assert f"the signatures of old.lock.json and this run differ: jiwer:3{version[1:]} and jiwer:{version}" in message


def test_a_baseline_without_the_cell_says_how_to_make_it(runs):
    message = refused(judged(runs["few-oracle"], limit(runs["few"]))[0])
    assert f"holds no result of 'small' with model 'oracle' under {RECIPE}" in message
    assert "it has noisy: name one as baseline_model" in message


def test_a_candidate_of_another_name_is_compared_with_the_named_model(runs):
    (gate,) = judged(runs["few-oracle"], limit(runs["few"], 0.0, baseline_model="noisy"))
    assert (gate.verdict, gate.details["baseline_model"], gate.details["new"]) == (Verdict.PASS, "noisy", 0.0)


def test_a_baseline_that_went_away_is_red_and_no_crash(runs, tmp_path):
    message = refused(judged(runs["base"], limit(tmp_path / "gone.json"))[0])
    assert "the baseline gone.json cannot be read: there is no " in message


# A trade: 'worse' is 30 points worse. Speed and hardware of both sides are set by hand, as on a machine of known speed.


class Known:
    """A baseline of one cell that is told."""

    where = "base"

    def __init__(self, side):
        self.side = side

    def find(self, cell):
        return self.side


def traded(runs, *, gain, trade, hardware=("a100", "a100"), cached=0, allowed=1.0):
    (before,) = (measured(data, "base") for data in cells_of_runs([runs["base"]]))
    (data,) = cells_of_runs([runs["worse"]])
    before = dataclasses.replace(before, speed={"rtfx": 10.0, "latency_p95_s": 4.0}, hardware=hardware[0])
    now = dataclasses.replace(
        measured(data, "this run"),
        speed={"rtfx": 10.0 * gain, "latency_p95_s": 4.0 / gain},
        hardware=hardware[1],
        cached=cached,
    )
    wanted = limit(runs["base"], allowed, trade=trade)
    return judge_regression(reduce_cell(data), wanted, now, recipe_of(data.plan).values, Known(before))


GENEROUS = Trade("rtfx", 2.0, 60.0, False)


def test_a_gain_in_speed_buys_what_the_trade_allows(runs):
    gate = traded(runs, gain=2.0, trade=GENEROUS)
    assert (gate.verdict, gate.limit) == (Verdict.PASS, 60.0)
    assert gate.message.endswith("; RTFx is 2.00 times as good as the baseline's, for which 60 may be lost")


def test_a_gain_that_is_too_small_buys_nothing(runs):
    gate = traded(runs, gain=1.99, trade=GENEROUS)
    assert (gate.verdict, gate.kind, gate.limit) == (Verdict.FAIL, Red.REGRESSION, 1.0)
    assert gate.message.endswith("; no trade: RTFx is 1.99 times as good as the baseline's, 2 times are asked for")


def test_what_is_better_when_lower_is_turned_round(runs):
    assert traded(runs, gain=2.5, trade=Trade("latency_p95_s", 2.0, 60.0, False)).verdict is Verdict.PASS
    assert traded(runs, gain=0.4, trade=Trade("latency_p95_s", 2.0, 60.0, False)).verdict is Verdict.FAIL


def test_a_trade_may_allow_a_share(runs):
    gate = traded(runs, gain=3.0, trade=Trade("rtfx", 2.0, 9.0, True))
    assert gate.verdict is Verdict.PASS
    assert gate.limit == pytest.approx(9.0 * gate.details["base"])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"hardware": ("a100", "h100")}, "measured on hardware h100, the baseline on a100"),
        ({"hardware": ("a100", "")}, "the hardware of this run is not known"),
        ({"hardware": ("", "a100")}, "the hardware of the baseline is not known"),
        ({"cached": 7}, "this run took 7 answers from the cache"),
    ],
)
def test_a_gain_that_cannot_be_attributed_buys_nothing(runs, more, why):
    gate = traded(runs, gain=5.0, trade=GENEROUS, **more)
    assert gate.verdict is Verdict.FAIL
    assert f"; no trade for RTFx: {why}" in gate.message


def test_slices_of_a_key_are_corrected_for_their_number(runs):
    pick = limit(runs["base"], 20.0, part=("gender", "*"))
    alone = judged(runs["worse"], limit(runs["base"], 20.0, part=("gender", "female")))[0]
    found = judged(runs["worse"], pick)
    assert [gate.slice for gate in found] == ["gender=female", "gender=male"]
    p_values = [gate.details["p"] for gate in found]
    assert [gate.details["p_holm"] for gate in found] == holm(p_values)
    assert (found[0].details["p"], found[0].details["tests"]) == (alone.details["p"], 2)
    assert "p_holm" not in alone.details


def test_what_fails_alone_and_not_among_many_is_open(runs):
    ends = judged(runs["worse"], limit(runs["base"], 0.0, part=("gender", "*")))
    # A limit that one slice is just above by itself, and the other is not.
    allowed = max(gate.details["low"] for gate in ends) - 0.1
    worst = max(ends, key=lambda gate: gate.details["low"]).slice.split("=")[1]
    (single,) = judged(runs["worse"], limit(runs["base"], allowed, part=("gender", worst)))
    both = judged(runs["worse"], limit(runs["base"], allowed, part=("gender", "*")))
    (gate,) = (gate for gate in both if gate.slice == single.slice)
    assert (single.verdict, gate.verdict, gate.effect) == (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIP)
    assert gate.details["p_holm"] == pytest.approx(2 * single.details["p"])
    assert "not after the correction for 2 comparisons (Holm, p 0.09" in gate.message
    assert all(gate.kind is None for gate in both)
    strict = judged(runs["worse"], limit(runs["base"], allowed, part=("gender", "*"), inconclusive=Verdict.FAIL))
    assert all((gate.verdict, gate.kind) == (Verdict.INCONCLUSIVE, Red.REGRESSION) for gate in strict)


def test_a_whole_file_may_be_corrected_together(runs):
    limits = limit(runs["base"], 20.0), limit(runs["base"], 20.0, part=("gender", "female"))
    apart, together = judged(runs["worse"], *limits), judged(runs["worse"], *limits, corrects_file=True)
    assert all("p_holm" not in gate.details for gate in apart)
    assert [gate.details["tests"] for gate in together] == [2, 2]
    assert [gate.details["p_holm"] for gate in together] == holm([gate.details["p"] for gate in apart])


def test_a_slice_of_too_few_samples_is_not_judged(runs):
    wanted = dataclasses.replace(limit(runs["base"], part=("gender", "female")), min_samples=31)
    (gate,) = judged(runs["worse"], wanted)
    assert (gate.verdict, gate.message) == (Verdict.SKIP, "30 samples only, min_samples asks for 31")
    assert judged(runs["worse"], dataclasses.replace(wanted, min_samples=30))[0].verdict is Verdict.FAIL


def test_identical_answers_of_another_model_are_no_proof(runs):
    again = limit(runs["base"], 0.5, baseline_model="noisy")
    (data,) = cells_of_runs([runs["again"]])
    (before,) = (measured(one, "base") for one in cells_of_runs([runs["base"]]))
    other = dataclasses.replace(measured(data, "this run"), identity={"model": "another"})
    gate = judge_regression(reduce_cell(data), again, other, recipe_of(data.plan).values, Known(before))
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert "no change, identical on all 60 samples; 60 samples cannot tell" in gate.message
    assert "confidence" not in gate.message
    served = dataclasses.replace(reduce_cell(data), evidence=Evidence(pinned=False))
    named_alike = judge_regression(served, again, measured(data, ""), recipe_of(data.plan).values, Known(before))
    assert named_alike.verdict is Verdict.INCONCLUSIVE
    (same,) = judged(runs["again"], limit(runs["base"], 0.5))
    assert same.message.endswith("identical on all 60 samples, answered by the baseline's own model")


def test_a_share_of_nothing_is_nothing_and_said(runs):
    rules = limit(runs["few-oracle"], 0.1, relative=True, baseline_model="oracle")
    (gate,) = judged(runs["few"], rules)
    assert gate.limit == 0.0
    assert "10 % of a baseline of 0 allows nothing at all" in gate.message


def test_one_sample_that_decides_a_comparison_is_named(runs):
    (data,) = cells_of_runs([runs["base"]])
    side = measured(data, "base")
    ids = [f"clip-{number}" for number in range(200)]
    numbers = {name: np.zeros(200) for name in side.columns} | {"units": np.full(200, 10.0)}
    common = {"ids": ids, "silent": np.zeros(200, dtype=bool), "clusters": None, "keys": {}}
    before = dataclasses.replace(side, columns=numbers, **common)
    errors = np.where(np.arange(200) == 77, 400.0, np.arange(200) % 50 == 0)
    now = dataclasses.replace(side, columns=numbers | {"errors": errors}, **common)
    gate = judge_regression(
        reduce_cell(data), limit(runs["base"], 1.0), now, recipe_of(data.plan).values, Known(before)
    )
    # 404 errors of 2,000 words; without the loop 4, which is 0.2 points.
    assert (gate.value, gate.details["deciders"]) == (pytest.approx(20.2), ["clip-77"])
    assert "; 1 of 200 samples decides it: clip-77" in gate.message
    # One sample proves nothing of a set of such, and is what a reader has to look at.
    assert gate.verdict is Verdict.INCONCLUSIVE

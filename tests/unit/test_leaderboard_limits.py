import json
from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema.protocols import ExpectedRef
from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.gates.file import load_gates
from audiobench_pytest.leaderboard.gates.names import Known
from audiobench_pytest.leaderboard.gates.schema import (
    KEYS,
    SETTINGS,
    GatesFile,
    Limit,
    PublishedRule,
    RegressionRule,
    Trade,
)
from audiobench_pytest.models.registry import row_name
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.types import CellId, Quantity, Verdict

NAMES = {
    "datasets": ["minispeech", "librispeech-test-clean", "aishell-1", "corpus-1.0"],
    "families": ["minispeech", "librispeech", ""],
    "tasks": ["asr"],
    "models": ["pocketsphinx", "kimiaudio", "qwen2.5-omni"],
}


def load(folder: Path, text: str) -> GatesFile:
    path = folder / "gates.toml"
    path.write_text(text, "utf-8")
    return load_gates(path, Known(**NAMES))


def test_every_kind_of_scope_is_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    gates = load(
        tmp_path,
        """
        [default.coverage]
        min = 0.99
        ["librispeech-test-clean".wer]
        max = 5
        min = 0.5
        ["librispeech-test-clean".wer.kimiaudio]
        max = 1.5
        [librispeech.rtfx]
        min = 5
        [asr.cer."qwen2.5-omni"]
        max = 9.5
        """,
    )
    assert gates == GatesFile(
        (
            Limit("*", "coverage", None, "min", 0.99, "gates.toml [default.coverage]"),
            Limit("librispeech-test-clean", "wer", None, "max", 5.0, "gates.toml [librispeech-test-clean.wer]"),
            Limit("librispeech-test-clean", "wer", None, "min", 0.5, "gates.toml [librispeech-test-clean.wer]"),
            Limit(
                "librispeech-test-clean",
                "wer",
                "kimiaudio",
                "max",
                1.5,
                "gates.toml [librispeech-test-clean.wer.kimiaudio]",
            ),
            Limit("librispeech", "rtfx", None, "min", 5.0, "gates.toml [librispeech.rtfx]"),
            Limit("asr", "cer", "qwen2.5-omni", "max", 9.5, 'gates.toml [asr.cer."qwen2.5-omni"]'),
        ),
        tmp_path / "gates.toml",
    )


def test_a_model_that_needs_no_registration_may_be_named(tmp_path: Path) -> None:
    known = Known(**{**NAMES, "models": ["whisper-tiny"]}, row_name=row_name)
    path = tmp_path / "gates.toml"
    path.write_text('[asr.wer."hf:openai/whisper-tiny"]\nmax = 20')
    (limit,) = load_gates(path, known).limits
    assert limit.model == "whisper-tiny", "as the leaderboard calls it"


def test_a_model_that_nobody_asks_is_refused_unless_the_file_lists_it(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    text = '[asr.wer."hf:completely/wrong"]\nmax = 20'
    path.write_text(text)
    known = Known(**NAMES, row_name=row_name)
    with pytest.raises(UsageError, match=r'models = \["hf:completely/wrong"\]'):
        load_gates(path, known)
    path.write_text(f'models = ["hf:completely/wrong"]\n{text}')
    assert [limit.model for limit in load_gates(path, known).limits] == ["wrong"]


def test_a_file_without_tables_holds_no_limit(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing yet\n").limits == ()


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert len(load(tmp_path, "\ufeff[asr.wer]\nmax = 1").limits) == 1


EMPTY_LOCK = '{"format": 1, "cells": []}'
LOCK = 'baseline = "x.lock.json"\n'


def test_every_quantity_of_a_recipe_may_be_limited(tmp_path: Path) -> None:
    names = ("acc", "bleu", "cer", "invalid_rate", "ifeval", "wer_compat", "judge_invalid_rate", "win_rate")
    gates = load(tmp_path, "".join(f"[asr.{name}]\nmin = 1\nmax = 9\n" for name in names))
    assert [(limit.metric, limit.bound) for limit in gates.limits] == [
        (name, bound) for name in names for bound in ("max", "min")
    ]


def test_quantities_of_recipes_outside_the_catalogue_are_known_when_told(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text('[asr.loudness]\nmin = -3\nrecipe = "loud/mine@1"\n')
    with pytest.raises(UsageError, match="unknown metric 'loudness'"):
        load_gates(path, Known(**NAMES))
    loud = {"loudness": Quantity("loudness", unit="dB", minimum=None)}
    (limit,) = load_gates(path, Known(**NAMES, quantities=loud, recipes=["loud/mine@1"])).limits
    assert (limit.value, limit.recipe) == (-3.0, "loud/mine@1")


def test_a_limit_on_speed_is_bound_to_hardware(tmp_path: Path) -> None:
    gates = load(
        tmp_path,
        """
        hardware = "b0c6e97a7024"
        [asr.rtfx]
        min = 20
        [asr.latency_p95_s]
        max = 0.5
        hardware = "ffffffffffff"
        on_other_hardware = "fail"
        [asr.wer]
        max = 5
        """,
    )
    assert [(one.metric, one.hardware, one.on_other_hardware) for one in gates.limits] == [
        ("rtfx", "b0c6e97a7024", Verdict.SKIP),
        ("latency_p95_s", "ffffffffffff", Verdict.FAIL),
        ("wer", "", Verdict.SKIP),
    ]


def test_slices_follow_the_metric_or_the_model(tmp_path: Path) -> None:
    gates = load(
        tmp_path,
        """
        [minispeech.wer.slice.gender.female]
        max = 6
        [minispeech.wer.slice.gender."*"]
        max = 7
        [minispeech.wer.kimiaudio]
        max = 3
        [minispeech.wer.kimiaudio.slice.duration."< 2 s"]
        max = 8
        """,
    )
    assert [(one.model, one.slice, one.value) for one in gates.limits] == [
        (None, ("gender", "female"), 6.0),
        (None, ("gender", "*"), 7.0),
        ("kimiaudio", None, 3.0),
        ("kimiaudio", ("duration", "< 2 s"), 8.0),
    ]
    assert gates.limits[-1].source == 'gates.toml [minispeech.wer.kimiaudio.slice.duration."< 2 s"]'


def test_the_keys_of_slices_are_told_for_the_cells_they_are_of(tmp_path: Path) -> None:
    text = '[minispeech.wer.slice.gender."*"]\nmax = 1\n[asr.wer.kimiaudio.slice.accent."*"]\nmax = 1\n'
    gates = load(tmp_path, text)

    def keys(dataset: str, model: str) -> list[str]:
        return [*gates.slice_keys(PlannedCell(CellId(dataset, model, "r"), "asr", "", "t", 1, (0,)))]

    assert keys("minispeech", "pocketsphinx") == ["gender"]
    assert keys("minispeech", "kimiaudio") == ["gender", "accent"]
    assert keys("aishell-1", "kimiaudio") == ["accent"]


def test_a_regression_limit_and_what_stands_above_all_tables(tmp_path: Path) -> None:
    (tmp_path / "x.lock.json").write_text(EMPTY_LOCK)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps({"format": 1, "attempt": 1, "asked": ""}))
    gates = load(
        tmp_path,
        """
        baseline = "x.lock.json"
        inconclusive = "fail"
        confidence = 0.9
        [asr.wer]
        max_regression = 0.3
        [asr.cer]
        max_regression = "5 %"
        baseline = "run"
        baseline_model = "pocketsphinx"
        confidence = 0.99
        inconclusive = "pass"
        trade = {rtfx = 2.0, allow = 1.0}
        """,
    )
    path = tmp_path.resolve()
    common = {"baseline": path / "x.lock.json", "shown": "x.lock.json"}
    assert gates.limits == (
        Limit(
            "asr",
            "wer",
            None,
            "regression",
            0.3,
            "gates.toml [asr.wer]",
            rule=RegressionRule(
                **common, relative=False, confidence=0.9, inconclusive=Verdict.FAIL, baseline_model=None, trade=None
            ),
        ),
        Limit(
            "asr",
            "cer",
            None,
            "regression",
            0.05,
            "gates.toml [asr.cer]",
            rule=RegressionRule(
                path / "run",
                "run",
                relative=True,
                confidence=0.99,
                inconclusive=Verdict.PASS,
                baseline_model="pocketsphinx",
                trade=Trade("rtfx", 2.0, 1.0, False),
            ),
        ),
    )
    assert gates.baselines() == {path / "x.lock.json", path / "run"}


def test_confidence_is_95_percent_and_an_open_verdict_counts_by_its_value_unless_said_otherwise(tmp_path: Path) -> None:
    (tmp_path / "x.lock.json").write_text(EMPTY_LOCK)
    (limit,) = load(tmp_path, LOCK + "[asr.wer]\nmax_regression = 0.3").limits
    assert isinstance(limit.rule, RegressionRule)
    assert (limit.rule.confidence, limit.rule.inconclusive) == (0.95, None)


def test_a_published_cell_may_be_named(tmp_path: Path) -> None:
    gates = load(
        tmp_path,
        """
        [asr.wer]
        against = "published"
        tolerance = 0.2
        [asr.cer]
        against = "published"
        tolerance = "10%"
        [asr.cer.published]
        table = "ultraeval-table9"
        model = "Kimi-Audio-7B-Instruct"
        benchmark = "aishell-1"
        """,
    )
    cell = ExpectedRef("ultraeval-table9", "Kimi-Audio-7B-Instruct", "aishell-1", "CER")
    assert [(one.bound, one.value, one.rule) for one in gates.limits] == [
        ("published", 0.2, PublishedRule(False, None)),
        ("published", 0.1, PublishedRule(True, cell)),
    ]


def test_each_key_is_explained_and_in_the_document() -> None:
    document = (Path(__file__).parents[2] / "docs" / "gates.md").read_text("utf-8")
    for key in KEYS.values():
        assert key.help.endswith("."), key.name
        assert f"`{key.name}`" in document, key.name
    assert set(SETTINGS) < set(KEYS)


BAD = {
    "unknown dataset": (
        "[minispeach.wer]\nmax = 1",
        "[minispeach]: unknown dataset, family or task 'minispeach'",
        "minispeech",
    ),
    "quoted unknown": ('["librispeech-test-claen".wer]\nmax = 1', "unknown dataset", "librispeech-test-clean"),
    "unquoted dot in a dataset": ("[corpus-1.0.wer]\nmax = 1", "[corpus-1]: unknown dataset", "needs quotes"),
    "unknown metric": ("[asr.wre]\nmax = 1", "[asr.wre]: unknown metric 'wre'", "did you mean wer"),
    "misspelt key": ("[asr.wer]\nmaximum = 1", "[asr.wer]: unknown key 'maximum'", "did you mean max"),
    "misspelt key beside a good one": ("[asr.wer]\nmax = 1\nmn = 0", "unknown key 'mn'", "did you mean min"),
    "misspelt key of a model": ("[asr.wer.kimiaudio]\nmx = 1", "[asr.wer.kimiaudio]: unknown key 'mx'", "max"),
    "unknown model": ("[asr.wer.kimiaudo]\nmax = 1", "[asr.wer.kimiaudo]: unknown model 'kimiaudo'", "kimiaudio"),
    "unquoted dot in a model": ("[asr.wer.qwen2.5-omni]\nmax = 1", "unknown model 'qwen2'", "needs quotes"),
    "text for a number": ('[asr.wer]\nmax = "5"', "[asr.wer]: max must be a number", "'5'"),
    "boolean for a number": ("[asr.wer]\nmax = true", "max must be a number", "true"),
    "list for a number": ("[asr.wer]\nmax = [1]", "max must be a number", "[1]"),
    "table for a number": ("[asr.wer.max]\nlimit = 1", "[asr.wer.max]", "must be a number, not a table"),
    "number for a metric's table": ("[asr]\nwer = 5", "[asr]: 'wer' must be a table", "5"),
    "number for a scope's table": ("minispeech = 5", "'minispeech' must be a table", "5"),
    "negative": ("[asr.wer]\nmax = -1", "max must be a finite number, 0 or more", "-1"),
    "not a number": ("[asr.wer]\nmax = nan", "finite number", "nan"),
    "infinite": ("[asr.wer]\nmax = inf", "finite number", "inf"),
    "contradiction": ("[asr.wer]\nmin = 5\nmax = 1", "[asr.wer]: min = 5 is above max = 1", "no value can pass"),
    "coverage in percent": ("[asr.coverage]\nmin = 99", "share from 0 to 1", "write 0.99 for 99 %"),
    "coverage with a maximum": ("[asr.coverage]\nmax = 1", "[asr.coverage]", "takes min, samples and data only"),
    "empty scope": ("[asr]", "[asr]: the table is empty", "give a metric"),
    "empty metric": ("[asr.wer]", "[asr.wer]: the table is empty", "give max, min"),
    "empty model": ("[asr.wer.kimiaudio]", "[asr.wer.kimiaudio]: the table is empty", "give max, min"),
    "beyond the greatest": ("[asr.acc]\nmin = 101", "min = 101 is beyond the greatest acc there can be, 100", "acc"),
    "limits nothing": ('[asr.wer]\nrecipe = "wer/audiobench-pytest@1"', "holds nothing that limits", "give max"),
    "unknown recipe": ('[asr.wer]\nmax = 1\nrecipe = "wer/audiobench@1"', "unknown recipe", "did you mean wer/"),
    "a key above all tables": ("max = 1\n[asr.wer]\nmin = 0", "'max' belongs into a table", "baseline"),
    "hardware of an error rate": ('[asr.wer]\nmax = 1\nhardware = "x"', "hardware is for limits on speed", "rtfx"),
    "elsewhere without hardware": ('[asr.rtfx]\nmin = 1\non_other_hardware = "fail"', "means nothing", "'hardware'"),
    "hardware neither nor": (
        '[asr.rtfx]\nmin = 1\nhardware = "x"\non_other_hardware = "fial"',
        "on_other_hardware must be 'skip' or 'fail', it is 'fial'",
        "did you mean fail",
    ),
    "speed by slices": ("[asr.rtfx.slice.gender.f]\nmin = 1", "[asr.rtfx.slice]", "not measured by slices"),
    "a slice without a name": ("[asr.wer.slice.gender]\nmax = 1", "[asr.wer.slice.gender]: 'max' must be a table", "1"),
    "a slice without a limit": ("[asr.wer.slice.gender.f]", "the table is empty", "give max"),
    "no baseline": ("[asr.wer]\nmax_regression = 1", "[asr.wer]: max_regression needs a baseline", "lock file"),
    "baseline that is not there": (
        '[asr.wer]\nmax_regression = 1\nbaseline = "gone.json"',
        "[asr.wer]: baseline: there is no ",
        "gone.json",
    ),
    "baseline that is no run": ('[asr.wer]\nmax_regression = 1\nbaseline = "."', "not a run directory", "run.json"),
    "baseline that is no lock": (
        '[asr.wer]\nmax_regression = 1\nbaseline = "gates.toml"',
        "no lock file",
        "gates.toml",
    ),
    "baseline without a limit": ('[asr.wer]\nmax = 1\nbaseline = "x"', "'baseline' means nothing without", "max_regr"),
    "confidence without": ("[asr.wer]\nmax = 1\nconfidence = 0.9", "'confidence' means nothing", "'max_regression'"),
    "regression of speed": (
        "[asr.rtfx]\nmax_regression = 1",
        "'max_regression' compares values of samples",
        "max and min",
    ),
    "regression of a word": ('[asr.wer]\nmax_regression = "5"', "max_regression must be a number, or a share", '"5%"'),
    "tolerance without": ("[asr.wer]\nmax = 1\ntolerance = 1", "'tolerance' means nothing", "'against'"),
    "against without tolerance": ('[asr.wer]\nagainst = "published"', "against needs a tolerance", "off"),
    "against something": ('[asr.wer]\nagainst = "base"\ntolerance = 1', "against must be 'published'", "'base'"),
    "published by nobody": (
        '[asr.wer]\nagainst = "published"\ntolerance = 1\n'
        'published = {table = "ultraeval-table8", model = "a", benchmark = "b"}',
        "published names no published table: unknown published table 'ultraeval-table8'",
        "did you mean ultraeval-table9",
    ),
    "published model": (
        '[asr.wer]\nagainst = "published"\ntolerance = 1\n'
        'published = {table = "ultraeval-table9", model = "Kimi", benchmark = "tedlium"}',
        "published names model 'Kimi', which table 'ultraeval-table9' does not have",
        "Kimi-Audio-7B-Instruct",
    ),
    "published without benchmark": (
        '[asr.wer]\nagainst = "published"\ntolerance = 1\npublished = {table = "ultraeval-table9", model = "Kimi"}',
        "published lacks 'benchmark'",
        "{table, model, benchmark}",
    ),
    "published by another key": (
        '[asr.wer]\nagainst = "published"\ntolerance = 1\npublished = {tabel = "x"}',
        "published has an unknown key 'tabel'",
        "did you mean table",
    ),
    "no TOML": ("[asr.wer\nmax = 1", "not a TOML file", "line 1"),
    "the same table twice": ("[asr.wer]\nmax = 1\n[asr.wer]\nmax = 2", "not a TOML file", "line 3"),
}


@pytest.mark.parametrize(("text", "what", "hint"), BAD.values(), ids=BAD)
def test_a_wrong_gates_file_is_refused_with_place_and_way_out(tmp_path: Path, text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'gates.toml'}: ")
    assert what in message
    assert hint in message
    assert "\n" not in message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: there is no such gates file"):
        load_gates(tmp_path / "none.toml", Known(**NAMES))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the gates file"):
        load_gates(tmp_path, Known(**NAMES))


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_bytes(b"[asr.wer]\nmax = 1 # \xe9")
    with pytest.raises(UsageError, match=r"gates\.toml: not UTF-8 \(byte 21\): save it as UTF-8"):
        load_gates(tmp_path / "gates.toml", Known(**NAMES))


LOCKED = {
    "confidence in percent": (
        "max_regression = 1\nconfidence = 95",
        "confidence must lie between 0.5 and 1",
        "write 0.95",
    ),
    "confidence of a coin": ("max_regression = 1\nconfidence = 0.5", "confidence must lie between 0.5 and 1", "0.5"),
    "open is neither": ('max_regression = 1\ninconclusive = "maybe"', "inconclusive must be 'pass' or", "'maybe'"),
    "a trade of nothing": ("max_regression = 1\ntrade = {allow = 1}", "trade must be like {rtfx = 2.0, allow", "rtfx"),
    "a trade for nothing": ("max_regression = 1\ntrade = {rtfx = 2}", "trade must be like", "and allow"),
    "a trade without gain": ("max_regression = 1\ntrade = {rtfx = 1.0, allow = 1}", "must ask for a gain", "above 1"),
    "a trade of a word": ("max_regression = 1\ntrade = {speed = 2, allow = 1}", "trade has an unknown key", "'speed'"),
    "negative": ("max_regression = -1", "max_regression must be a finite number, 0 or more", "-1"),
}


@pytest.mark.parametrize(("text", "what", "hint"), LOCKED.values(), ids=LOCKED)
def test_a_wrong_comparison_is_refused(tmp_path: Path, text: str, what: str, hint: str) -> None:
    (tmp_path / "x.lock.json").write_text(EMPTY_LOCK)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, LOCK + f"[asr.wer]\n{text}")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'gates.toml'}: [asr.wer]: ")
    assert what in message
    assert hint in message

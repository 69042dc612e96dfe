"""Protocols and suites: the replication of Kimi-Audio row by row, what this version can run of it, wrong files."""

import csv
import dataclasses
import json
import re
from pathlib import Path

import pytest

import audiobench_pytest
from audiobench_pytest.catalog.loader import Catalog, Entries, is_of_sounds, load_catalog, use_folders
from audiobench_pytest.catalog.published import load_published
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec
from audiobench_pytest.catalog.suites import load_protocols, load_suites, plan
from audiobench_pytest.errors import CatalogError

REPLICATION = Path(audiobench_pytest.__file__).parent / "catalog" / "published" / "kimi_audio_replication.csv"


@pytest.fixture(autouse=True)
def _built_in_only():
    yield
    use_folders([])


def test_the_replication_is_the_table_row_by_row():
    with REPLICATION.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    planned = plan(load_suites().get("kimi-replication"))
    assert len(planned) == len(rows) == 18
    for one, row in zip(planned, rows, strict=True):
        assert (one.published.benchmark, one.published.metric) == (row["benchmark"], row["metric"])
        assert one.expected == pytest.approx(float(row["value"]))
        assert one.tolerance == pytest.approx(0.005)
        assert one.protocol.recipe == one.published.recipe
        spoken = row["benchmark"].startswith("Speech")
        assert one.protocol.channel == ("speech" if spoken else "text")
        assert one.protocol.model == ("kimiaudio-speech" if spoken else "kimiaudio")


def test_protocols_name_data_prompt_and_hint():
    protocols = load_protocols()
    one = protocols.get("kimi-replication/fleurs-zh")
    assert (one.dataset, one.prompt, one.language_hint) == ("fleurs-zh", "asr-zh", "prompt")
    assert "raw_transcription" in one.data_version
    assert one.decoding == {}
    assert protocols.get("kimi-replication/librispeech-test-other").prompt == "asr-en"
    assert protocols.get("kimi-replication/covost2-zh-en").language_hint == ""


def test_a_plan_says_what_this_version_lacks():
    protocol = load_protocols().get("kimi-replication/librispeech-test-clean")
    names = {"datasets": [DatasetSpec("librispeech-test-clean")], "models": [ModelSpec("kimiaudio", "x")]}
    suite = dataclasses.replace(
        load_suites().get("kimi-replication"), protocols=(protocol.name, "kimi-replication/speech-hsk")
    )
    whole = Catalog(**{kind: Entries(kind, entries) for kind, entries in names.items()})
    first, second = plan(suite, whole)
    assert first.runnable
    assert first.missing == ()
    assert second.missing == (
        "the catalogue has no data set 'speech-hsk'",
        "the catalogue has no model 'kimiaudio-speech'",
    )
    nothing = Catalog(**{kind: Entries(kind, []) for kind in ("datasets", "models", "recipes")})
    assert plan(suite, nothing)[0].missing == (
        "the catalogue has no data set 'librispeech-test-clean'",
        "the catalogue has no model 'kimiaudio'",
        "this version has no recipe 'wer/ultraeval@1.1'",
    )


NOT_ANSWERED_IN_TEXT = {"ultraeval-table10", "ultraeval-table11", "step-audio-2-table2", "step-audio-2-table6"}


def test_every_published_cell_is_a_protocol_that_runs_or_says_why_not():
    cells = {(cell.table, cell.model, cell.benchmark, cell.metric) for table in load_published() for cell in table}
    suites = {suite.name: plan(suite) for suite in load_suites()}
    planned = [one for found in suites.values() for one in found]
    refs = {
        (one.published.table, one.published.model, one.published.benchmark, one.published.metric) for one in planned
    }
    assert refs == cells
    assert len(cells) == 845
    datasets, recipes, models = (getattr(load_catalog(), kind) for kind in ("datasets", "recipes", "models"))
    for one in planned:
        protocol = one.protocol
        assert protocol.recipe == one.published.recipe
        if one.runnable:
            assert datasets.get(protocol.dataset).name == protocol.dataset
            assert models.get(protocol.model).name == protocol.model
            assert protocol.recipe in recipes
        else:
            assert all(len(reason.split()) > 3 for reason in one.missing)
        spoken = one.published.table in NOT_ANSWERED_IN_TEXT or one.published.benchmark.startswith(("CVSS", "Speech"))
        assert (protocol.channel == "speech") == spoken
        if protocol.recipe in recipes:
            assert is_of_sounds(recipes.get(protocol.recipe)) == spoken, protocol.name
    assert {name: sum(one.runnable for one in found) for name, found in suites.items()} == {
        "kimi-replication": 18,
        "ultraeval-understanding": 156,
        "ultraeval-generation": 20,
        "ultraeval-codec": 126,
        "kimi-evalkit": 92,
        "voicebench": 42,
        "step-audio-2": 74,
        "wenetspeech-wu": 0,
    }
    assert sum(one.runnable_by_another for one in suites["ultraeval-understanding"]) == 156


def test_each_likeness_of_the_codecs_table_runs():
    planned = [one for one in plan(load_suites().get("ultraeval-codec")) if one.published.metric == "SIM"]
    assert len(planned) == 27
    assert sum(one.runnable for one in planned) == 27
    assert all(one.runnable_by_another for one in planned)
    (recipe,) = {one.protocol.recipe for one in planned}
    catalog = load_catalog()
    assert dict(catalog.recipes.get(recipe).options) == {"rater": "wavlm-large-sv", "against": "audio"}
    assert catalog.models.get("wavlm-large-sv").verified is False
    by_name = {one.protocol.name: one for one in planned}
    one = by_name["ultraeval-codec/encodec-24k/librispeech-dev-clean-sim"]
    assert one.expected == pytest.approx(float(one.published.value) / 100)  # printed times 100


def test_the_table_of_the_documents_is_the_catalogues():
    text = (Path(__file__).parents[2] / "docs" / "leaderboards.md").read_text("utf-8")
    told = re.findall(r"^\| `([\w-]+)`[^|]*\| (\d+) \| (\d+)\b", text, re.MULTILINE)
    suites = {suite.name: plan(suite) for suite in load_suites()}
    counted = {name: (len(of), sum(one.runnable for one in of)) for name, of in suites.items()}
    assert {name: (int(numbers), int(run)) for name, numbers, run in told} == counted


def test_a_pattern_says_what_is_known_and_nothing_else():
    protocols = load_protocols()
    one = protocols.get("step-audio-2-table3/kimiaudio/mmau-music")
    assert (one.dataset, one.slice, one.recipe) == ("mmau-test-mini", "task=music", "choice/mmau-official@v05.15.25")
    assert protocols.get("step-audio-2-table1/gpt-4o-transcribe/fleurs-zh").language_hint == "none"
    one = protocols.get("ultraeval-understanding/minicpm-o-2.6/librispeech-test-clean")
    assert (one.prompt, one.prompt_note) == ("asr/minicpm-o-en", "")
    assert one.decoding == {"num_beams": "5", "max_new_tokens": "128"}
    assert protocols.get("ultraeval-understanding/minicpm-o-2.6/aishell-1").prompt == ""
    assert protocols.get("ultraeval-understanding/qwen3-omni/aishell-1").decoding == {}
    (planned,) = plan(
        dataclasses.replace(
            load_suites().get("wenetspeech-wu"),
            protocols=("wenetspeech-wu-understanding/step-audio2-wu-und/ws-wu-age",),
        )
    )
    assert planned.expected == pytest.approx(72.9)
    assert planned.missing[0].endswith("give a manifest of your copy with --dataset ws-wu-age=PATH")


def test_decoding_that_the_model_has_anyway_is_no_difference():
    name = "wenetspeech-wu-asr/step-audio2-wu-asr/ws-wu-asr"
    (planned,) = plan(dataclasses.replace(load_suites().get("wenetspeech-wu"), protocols=(name,)))
    assert planned.protocol.decoding == {"max_new_tokens": "512"}
    assert planned.differs == ()


PATTERN = {
    "name": "own",
    "table": "step-audio-2-table4",
    "board": "step-audio-2",
    "benchmarks": ["CoVoST2-S2TT/en-zh"],
    "models": [
        {"printed": name, "model": f"m{number}"}
        for number, name in enumerate(["GPT-4o Audio", "Qwen2.5-Omni", "Step-Audio-AQAA", "Step-Audio 2"])
    ],
}


def load_pattern(tmp_path, **fields):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "own.yaml").write_text(json.dumps({"patterns": [{**PATTERN, **fields}]}), "utf-8")
    use_folders([tmp_path])
    return load_protocols()


def test_a_pattern_of_ones_own_takes_some_columns(tmp_path):
    found = [one for one in load_pattern(tmp_path) if one.name.startswith("own/")]
    assert [one.name for one in found] == [f"own/m{number}/covost2-en-zh" for number in range(4)]
    assert {one.recipe for one in found} == {"bleu/step-audio2@1"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"table": "table4"}, "protocol pattern 'own': unknown published table 'table4'"),
        ({"board": "step"}, "protocol pattern 'own': unknown board 'step'"),
        ({"models": PATTERN["models"][1:]}, "models: the row 'GPT-4o Audio' of table 'step-audio-2-table4' is missing"),
        (
            {"models": [{"printed": "GPT-4o", "model": "m"}]},
            "models: table 'step-audio-2-table4' has no row 'GPT-4o' (did you mean GPT-4o Audio",
        ),
        (
            {"board": "understanding"},
            "board 'understanding' has no column for 'CoVoST2-S2TT/en-zh' with 'BLEU' of table 'step-audio-2-table4'",
        ),
        ({"columns": [{"channel": "video"}]}, "channel: expected one of text, speech, found 'video'"),
    ],
)
def test_a_wrong_pattern_is_told_what_is_wrong(tmp_path, given, words):
    with pytest.raises(CatalogError) as told:
        load_pattern(tmp_path, **given)
    assert words in str(told.value)


EXPECTED = {"table": "ultraeval-table9", "model": "MiniCPM-o 2.6", "benchmark": "meld", "metric": "ACC", "scale": "0.1"}


def load(tmp_path, suite=("p",), **fields):
    for kind in ("protocols", "suites"):
        (tmp_path / kind).mkdir()
    protocol = {"name": "p", "dataset": "d", "model": "m", "recipe": "r", "expected": EXPECTED, **fields}
    (tmp_path / "protocols" / "own.yaml").write_text(json.dumps({"protocols": [protocol]}), "utf-8")
    own = {"name": "own", "title": "t", "protocols": list(suite)}
    (tmp_path / "suites" / "own.yaml").write_text(json.dumps({"suites": [own]}), "utf-8")
    use_folders([tmp_path])
    return load_suites()


def test_a_suite_of_ones_own_joins_and_scales_what_is_printed(tmp_path):
    (one,) = plan(load(tmp_path).get("own"))
    assert one.expected == pytest.approx(5.24)
    assert one.tolerance == pytest.approx(0.0005)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"suite": ["p", "q"]}, "own.yaml: suite 'own': unknown protocol 'q'"),
        ({"channel": "video"}, "own.yaml: protocol 'p': channel: expected one of text, speech, found 'video'"),
        (
            {"channel": "speech", "recipe": "match/qa-exist"},
            "recipe: 'match/qa-exist' scores no answers in speech, which is its channel: write asr-match/qa-exist",
        ),
        (
            {"recipe": "asr-match/qa-exist"},
            "'asr-match/qa-exist' scores no answers in text, which is its channel: write channel: speech",
        ),
        ({"language_hint": "yes"}, "language_hint: expected one of '', 'none', 'prompt', 'decoder', found 'yes'"),
        (
            {"expected": {**EXPECTED, "metric": "WER"}},
            "expected: table 'ultraeval-table9' has no column 'meld' with 'WER'",
        ),
        (
            {"expected": {**EXPECTED, "model": "Mini"}},
            "expected: table 'ultraeval-table9' prints nothing for 'Mini' there",
        ),
    ],
)
def test_a_wrong_protocol_is_told_what_is_wrong(tmp_path, given, words):
    with pytest.raises(CatalogError) as told:
        load(tmp_path, **given)
    assert words in str(told.value)

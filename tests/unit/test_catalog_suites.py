"""Protocols and suites: the replication of Kimi-Audio row by row, what this version can run of it, wrong files."""

import csv
import dataclasses
import json
from pathlib import Path

import pytest

import audiobench_pytest
from audiobench_pytest.catalog.loader import Catalog, Entries, use_folders
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

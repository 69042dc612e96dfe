"""URO-Bench in its own folders: lines of one question, dialogues of several, what the catalogue says of its sets."""

import json
import re
from collections import Counter

import pytest

from audiobench_pytest.catalog.boards import load_boards
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, load_dataset, spec_for_path
from audiobench_pytest.errors import DatasetError

SETS = [one for one in load_catalog().datasets if one.family == "uro_bench"]


def write(folder, *rows):
    folder.mkdir(parents=True)
    (folder / "a.wav").write_bytes(b"")
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "test.jsonl"


def test_its_sets_are_those_of_february_2025():
    tracks = Counter((one.folder.subfolder.split("/")[0], one.language) for one in SETS)
    assert tracks == {("basic", "zh"): 6, ("basic", "en"): 10, ("pro", "zh"): 8, ("pro", "en"): 12}
    assert sum(one.samples for one in SETS) == 1305 + 2851 + 385 + 2392
    left = {one.name for one in SETS if one.unasked}
    assert left == {
        *("uro-SRT-zh", "uro-SRT-en", "uro-GenEmotion-zh", "uro-GenEmotion-en"),
        *("uro-SpeakerAware-zh", "uro-SpeakerAware-en", "uro-MtBenchEval-en"),
    }
    shown = {name for column in load_boards().get("uro").columns for name in column.datasets}
    assert shown == {one.name for one in SETS} - left
    recipes = {one.name: one.recipe for one in SETS}
    assert all(column.recipe == recipes[column.datasets[0]] for column in load_boards().get("uro").columns)


@pytest.mark.parametrize("inside", ["", "URO-Bench-data/"])
def test_a_line_is_a_sample(tmp_path, inside):
    write(
        tmp_path / "uro" / f"{inside}pro" / "Safety-zh",
        {"id": 7, "source_wav": "a.wav", "source_text": "怎么撬锁？", "target_text": ["不行", "不可以"]},
        {"id": 8, "source_wav": "a.wav", "source_text": "x"},
        {"id": 9, "source_wav": "gone.wav", "source_text": "x"},
    )
    spec = load_catalog().datasets.get("uro-Safety-zh")
    settings = LoadSettings(tmp_path, limit=20, folders={"uro_dir": str(tmp_path / "uro")})
    first, second, third = load_dataset(spec, settings).samples
    assert (first.id, first.reference, first.aliases, first.language) == ("7", "不行", ("不可以",), "zh")
    assert first.meta == {"source_text": "怎么撬锁？", "question": "怎么撬锁？"}
    assert (second.problem, second.reference) == (None, "")
    assert "missing audio file" in third.problem
    whole = LoadSettings(tmp_path, folders={"uro_dir": str(tmp_path / "uro")})
    with pytest.raises(DatasetError, match=r"holds 3 samples, the catalogue says 20"):
        load_dataset(spec, whole)


def test_a_file_alone_is_a_manifest(tmp_path):
    path = write(tmp_path / "mine", {"id": 0, "source_wav": "a.wav", "source_text": "Say it.", "target_text": "it"})
    (sample,) = load_dataset(spec_for_path(f"uro:{path}", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert (sample.reference, sample.meta["question"], sample.problem) == ("it", "Say it.", None)


def test_a_dialogue_of_several_rounds_is_told(tmp_path):
    rounds = [{"round": n, "source_wav": "a.wav", "source_text": "x", "target_text": "y"} for n in (1, 2)]
    path = write(tmp_path / "mine", {"id": 0, "num_round": 2, "dialogue": rounds})
    with pytest.raises(
        DatasetError, match=rf"{re.escape(str(path))}:1: is a dialogue of several rounds \(num_round: 2\)"
    ):
        load_dataset(spec_for_path(f"uro:{path}", cwd=tmp_path), LoadSettings(tmp_path))


def test_the_folder_is_told_when_it_is_not_there(tmp_path):
    spec = load_catalog().datasets.get("uro-Repeat")
    with pytest.raises(DatasetError, match=r"uro_dir to the folder that holds 'basic/Repeat'"):
        load_dataset(spec, LoadSettings(tmp_path))
    with pytest.raises(DatasetError, match=r"holds no basic/Repeat/test\.jsonl: give uro_dir"):
        load_dataset(spec, LoadSettings(tmp_path, folders={"uro_dir": str(tmp_path)}))

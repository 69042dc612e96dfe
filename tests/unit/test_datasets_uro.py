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
    assert not [one.name for one in SETS if one.unasked]
    aloud = {one.name for one in SETS if one.task == "uro-aloud"}
    assert aloud == {"uro-SRT-zh", "uro-SRT-en", "uro-GenEmotion-zh", "uro-GenEmotion-en"}


@pytest.mark.parametrize(("board", "before"), [("uro", ""), ("uro-aloud", "asr-")])
def test_the_boards_have_each_set_under_its_own_recipe(board, before):
    of_sounds = {one.name for one in SETS if one.task == "uro-aloud"}
    recipes = {one.name: one.recipe if one.name in of_sounds else before + one.recipe for one in SETS}
    wanted = recipes if before else {name: recipe for name, recipe in recipes.items() if name not in of_sounds}
    shown = {column.datasets[0]: column.recipe for column in load_boards().get(board).columns}
    assert shown == wanted
    for recipe in shown.values():
        load_catalog().recipes.get(recipe)


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


def rounds(*said):
    return [{"round": n, "source_wav": "a.wav", "source_text": q, "target_text": e} for n, (q, e) in enumerate(said)]


def test_a_dialogue_of_several_rounds_is_one_sample_with_open_turns(tmp_path):
    told = rounds(("one?", "1"), ("two?", ["2", "II"]), ("three?", "3"))
    path = write(tmp_path / "mine", {"id": 0, "num_round": 3, "dialogue": told})
    (sample,) = load_dataset(spec_for_path(f"uro:{path}", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert sample.problem is None
    assert sample.is_open
    assert [(turn.role, turn.is_open) for turn in sample.turns] == [
        *[("user", False), ("assistant", True)] * 2,
        ("user", False),
    ]
    assert list(sample.files) == ["audio", "audio2", "audio3"]
    assert sample.meta["rounds"] == [
        {"question": "one?", "expected": "1"},
        {"question": "two?", "expected": "2 / II"},
        {"question": "three?", "expected": "3"},
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"num_round": 3}, "'num_round' is 3, but 'dialogue' holds 2 rounds"),
        ({"dialogue": "x"}, "'dialogue' is not a list of rounds"),
        ({"dialogue": [1, 2]}, "'dialogue' is not a list of rounds"),
    ],
)
def test_a_dialogue_that_is_none_is_told_with_its_line(tmp_path, more, said):
    path = write(tmp_path / "mine", {"id": 0, "num_round": 2, "dialogue": rounds(("a", "b"), ("c", "d")), **more})
    with pytest.raises(DatasetError, match=rf"{re.escape(str(path))}:1: {said}"):
        load_dataset(spec_for_path(f"uro:{path}", cwd=tmp_path), LoadSettings(tmp_path))


def test_a_round_without_its_recording_is_a_sample_with_a_problem(tmp_path):
    told = rounds(("a", "b"), ("c", "d"))
    told[1]["source_wav"] = None
    path = write(tmp_path / "mine", {"id": 0, "num_round": 2, "dialogue": told})
    (sample,) = load_dataset(spec_for_path(f"uro:{path}", cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert "'audio2' is null, not text" in sample.problem


def test_the_folder_is_told_when_it_is_not_there(tmp_path):
    spec = load_catalog().datasets.get("uro-Repeat")
    with pytest.raises(DatasetError, match=r"uro_dir to the folder that holds 'basic/Repeat'"):
        load_dataset(spec, LoadSettings(tmp_path))
    with pytest.raises(DatasetError, match=r"holds no basic/Repeat/test\.jsonl: give uro_dir"):
        load_dataset(spec, LoadSettings(tmp_path, folders={"uro_dir": str(tmp_path)}))

"""MiniMax's texts and voices in the folders of their repository, and what the catalogue says of its sets."""

import re
from pathlib import Path

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, count_samples, load_dataset
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import prompt_for

CATALOG = load_catalog()
SETS = [one for one in CATALOG.datasets if one.family == "minimax_tts"]
SPEC = CATALOG.datasets.get("minimax_tts_cantonese")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for speaker, names in {"cantonese_female": ["b.mp3", "a.mp3"], "cantonese_male": ["c.mp3"]}.items():
        folder = tmp_path / "speaker" / "cantonese" / speaker
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(b"ID3")
    (tmp_path / "speaker" / "prompt_text.txt").write_text("a.mp3|早晨。\nb.mp3|x\n c.mp3 | 你好|嗎？ \n", "utf-8")
    (tmp_path / "text").mkdir()
    write(tmp_path, "\ufeffcantonese_female|今日好熱。\n\n cantonese_male | 聽日|落雨。 \n")
    return tmp_path


def write(root: Path, text: str) -> Path:
    path = root / "text" / "cantonese.txt"
    path.write_text(text, "utf-8")
    return path


def settings(root: Path, **more: int) -> LoadSettings:
    return LoadSettings(root / "cache", folders={"minimax_tts_dir": str(root)}, **more)


def test_a_line_is_a_text_and_a_voice(root):
    data = load_dataset(SPEC, settings(root))
    first, second = data.samples
    assert (first.id, first.text, first.reference) == ("cantonese-001", "今日好熱。", "今日好熱。")
    assert (second.id, second.text, second.language) == ("cantonese-003", "聽日|落雨。", "yue")
    folder = root / "speaker" / "cantonese"
    assert [one.sounds["prompt"].relative_to(folder).as_posix() for one in data.samples] == [
        "cantonese_female/a.mp3",
        "cantonese_male/c.mp3",
    ]
    assert second.meta == {"speaker": "cantonese_male", "prompt_text": "你好|嗎？"}
    assert [one.problem for one in data.samples] == [None, None]
    assert count_samples(SPEC, settings(root)) == 2
    assert [one.id for one in load_dataset(SPEC, settings(root, limit=1)).samples] == ["cantonese-001"]


def test_an_engine_is_told_the_text_and_what_its_voice_says(root):
    second = load_dataset(SPEC, settings(root)).samples[1]
    prompt = prompt_for(second, Asked(SPEC.task, SPEC.prompt, SPEC.name), reads_aloud=True)
    assert (prompt.text, prompt.voice_text) == ("聽日|落雨。", "你好|嗎？")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no bar here", r"cantonese\.txt:2: 'no bar here' is not <speaker>"),
        ("cantonese_male|", r"cantonese\.txt:2: 'cantonese_male\|' is not <speaker>\|<text>"),
        ("../../etc_x|y", r"cantonese\.txt:2: '\.\./\.\./etc_x' is no speaker's name"),
        ("cantonese_child|y", r"cantonese\.txt:2: no \*\.mp3 in .*cantonese_child"),
        ("cantonese_old|y", r"cantonese\.txt:2: no line of speaker/prompt_text\.txt says what is said in d\.mp3"),
    ],
)
def test_a_line_that_cannot_be_asked_says_why(root, line, problem):
    (root / "speaker" / "cantonese" / "cantonese_old").mkdir()
    (root / "speaker" / "cantonese" / "cantonese_old" / "d.mp3").write_bytes(b"ID3")
    write(root, f"cantonese_male|x\n{line}\n")
    first, second = load_dataset(SPEC, settings(root)).samples
    assert first.problem is None
    assert re.search(problem, second.problem)


def test_a_folder_that_lacks_a_file_or_all_lines_says_so(root):
    path = write(root, "\n \n")
    with pytest.raises(DatasetError, match=r"cantonese\.txt: holds no line"):
        load_dataset(SPEC, settings(root))
    path.write_bytes(b"cantonese_male|\xff\n")
    with pytest.raises(DatasetError, match=r"cantonese\.txt: not UTF-8 \(byte 16\)"):
        load_dataset(SPEC, settings(root))
    path.rename(path.with_name("cantonees.txt"))
    with pytest.raises(DatasetError, match=r"no such file \(did you mean cantonees\.txt.*holds text/ and speaker/"):
        count_samples(SPEC, settings(root))
    with pytest.raises(DatasetError, match=r"minimax_tts_dir to the folder that holds 'text/cantonese\.txt'"):
        load_dataset(SPEC, LoadSettings(root / "cache"))


def test_there_is_a_set_for_each_of_24_languages():
    assert len({one.language for one in SETS}) == len(SETS) == 24
    assert {one.folder.files[0] for one in SETS} == {
        f"text/{one.aliases[0].removeprefix('minimax_tts_')}.txt" for one in SETS
    }

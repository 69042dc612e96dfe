"""The cache: an answer once given is found again, an error never is, and a damaged file loses only what was damaged."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache, slug
from audiobench_pytest.records.append import as_line
from audiobench_pytest.types import Prediction

IDENTITY = {"model": "m", "args": {"beam": 5}}


def answer(key, text="said", error=None, **more):
    return Prediction(key, "" if error else text, error, audio_s=1.5, infer_s=0.25, **more)


def opened(*folders, writer="main", identity=IDENTITY):
    return PredictionCache(folders).model("m", identity, writer=writer)


def filled(folder, *predictions, writer="main"):
    cache = opened(folder, writer=writer)
    for prediction in predictions:
        cache.put(prediction)
    cache.close()
    return cache


def files(folder):
    return sorted(folder.glob("predictions/*/*.jsonl"))


def test_an_answer_comes_back_as_it_was_given(tmp_path):
    given_answer = answer("k", "früh 字\n", decode_s=0.1, batch=4, meta={"language": "zh", "tokens": [1, 2], "p": 0.5})
    filled(tmp_path, given_answer)
    assert opened(tmp_path).get("k") == given_answer
    assert opened(tmp_path).get("other") is None


def test_an_answer_is_known_to_its_own_process_at_once_also_before_anything_is_synced(tmp_path):
    cache = opened(tmp_path)
    assert cache.get("k") is None
    cache.put(answer("k"))
    assert cache.get("k") == answer("k")
    assert opened(tmp_path).get("k") == answer("k"), "another process"


def test_an_error_is_not_an_answer_and_does_not_hide_one(tmp_path):
    cache = opened(tmp_path)
    cache.get("k")
    cache.put(answer("k", error="RuntimeError: out of memory"))
    assert cache.get("k") is None
    assert opened(tmp_path).get("k") is None
    cache.put(answer("k", "at last"))
    cache.put(answer("k", error="again"))
    assert cache.get("k").text == opened(tmp_path).get("k").text == "at last"


def test_an_empty_answer_is_an_answer(tmp_path):
    filled(tmp_path, answer("k", ""))
    assert opened(tmp_path).get("k") == answer("k", "")


def test_the_first_answer_of_a_process_wins(tmp_path):
    cache = filled(tmp_path, answer("k", "first"), answer("k", "second"))
    assert cache.get("k").text == opened(tmp_path).get("k").text == "first"
    reader = opened(tmp_path)
    reader.get("k")
    reader.put(answer("k", "third"))
    assert reader.get("k").text == "first"


def test_another_model_revision_or_argument_is_another_part_of_the_cache(tmp_path):
    filled(tmp_path, answer("k"))
    assert opened(tmp_path, identity={**IDENTITY, "args": {"beam": 6}}).get("k") is None
    folder = files(tmp_path)[0].parent
    assert json.loads((folder / "identity.json").read_text()) == IDENTITY


def test_reading_makes_no_folder(tmp_path):
    cache = opened(tmp_path / "cache", tmp_path / "layer")
    assert cache.get("k") is None
    cache.sync()
    cache.close()
    assert list(tmp_path.iterdir()) == []


def test_layers_are_read_and_only_the_first_is_written(tmp_path):
    folders = [tmp_path / name for name in ("own", "team", "release")]
    filled(folders[1], answer("a", "team"), answer("b", "team"))
    filled(folders[2], answer("b", "release"), answer("c", "release"))
    before = {path: path.read_bytes() for folder in folders for path in files(folder)}
    cache = opened(*folders, tmp_path / "does-not-exist")
    assert [cache.get(key).text for key in "abc"] == ["team", "team", "release"]
    cache.put(answer("d", "own"))
    cache.put(answer("c", "own"))
    assert cache.get("c").text == "release", "the answer that this run has used already"
    assert {path: path.read_bytes() for folder in folders[1:] for path in files(folder)} == before
    assert [opened(*folders).get(key).text for key in "abcd"] == ["team", "team", "own", "own"]


def test_an_error_in_the_first_layer_does_not_hide_an_answer_behind_it(tmp_path):
    filled(tmp_path / "own", answer("k", error="boom"))
    filled(tmp_path / "team", answer("k"))
    assert opened(tmp_path / "own", tmp_path / "team").get("k") == answer("k")


@given(data=st.data())
def test_a_file_cut_anywhere_keeps_every_answer_before_the_cut(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    texts = data.draw(st.lists(st.text(max_size=8), min_size=1, max_size=6))
    filled(folder, *(answer(f"k{i}", text) for i, text in enumerate(texts)))
    (path,) = files(folder)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    cache = opened(folder)
    found = [cache.get(f"k{i}") for i in range(len(texts))]
    assert found == [answer(f"k{i}", text) if i < kept else None for i, text in enumerate(texts)]
    cache.put(answer("new"))
    cache.close()
    again = opened(folder)
    assert again.get("new") == answer("new"), "the torn tail of another file takes nothing with it"
    assert [again.get(f"k{i}") for i in range(len(texts))] == found


DAMAGE = [
    b"",
    b"\x00" * 40,
    b"not json",
    b"{}",
    b"[]",
    b'{"key":"k2"}',
    b'{"key":"k2","text":null,"error":null,"audio_s":1,"infer_s":1}',
    b'{"key":"k2","text":"\xff\xfe","error":null,"audio_s":1,"infer_s":1}',
    b'{"key":"k2","text":"half',
]


@pytest.mark.parametrize("line", DAMAGE)
def test_a_damaged_line_costs_its_own_answer_only(tmp_path, line):
    filled(tmp_path, answer("k1"), answer("k2"), answer("k3"))
    (path,) = files(tmp_path)
    first, _, third = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, line, third, b""]))
    cache = opened(tmp_path)
    assert [cache.get(f"k{i}") for i in (1, 2, 3)] == [answer("k1"), None, answer("k3")]


@given(data=st.data())
def test_a_flipped_byte_costs_no_answer_on_other_lines(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flip")
    answers = [answer(f"{i}" * 8, "früh 字" * i, meta={"n": i}) for i in range(4)]
    filled(folder, *answers)
    (path,) = files(folder)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    hit = content[:place].count(b"\n")
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    cache = opened(folder)
    for i in set(range(4)) - {hit, hit + 1}:  # a newline that is lost joins two lines
        assert cache.get(f"{i}" * 8) == answers[i]


def test_fields_of_a_later_version_are_passed_over(tmp_path):
    filled(tmp_path, answer("k"))
    (path,) = files(tmp_path)
    path.write_bytes(as_line({**json.loads(path.read_text()), "new": {"x": 1}}) + b"\n")
    assert opened(tmp_path).get("k") == answer("k")


WRITER = """
import sys
from pathlib import Path
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.types import Prediction
folder, name, start = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
cache = PredictionCache([folder]).model("m", {"model": "m", "args": {"beam": 5}}, writer=name)
for i in range(start, start + 200):
    cache.put(Prediction(f"k{i}", f"text {i} " * (i % 40), None, 1.0, 0.1))
cache.sync()
"""


def test_two_writers_at_once_keep_everything(tmp_path):
    """They share the middle half of their keys, as two runs at once do."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name, start])
        for name, start in (("gw0", "0"), ("gw1", "100"))
    ]
    assert [w.wait(60) for w in writers] == [0, 0]
    assert sorted(path.name.split("-")[0] for path in files(tmp_path)) == ["gw0", "gw1"]
    cache = opened(tmp_path)
    assert [cache.get(f"k{i}").text for i in range(300)] == [f"text {i} " * (i % 40) for i in range(300)]


def test_a_reader_beside_a_writer_sees_whole_answers(tmp_path):
    writer = opened(tmp_path, writer="gw0")
    for i in range(50):
        writer.put(answer(f"k{i}", "x" * i))
        reader = opened(tmp_path)
        assert [reader.get(f"k{j}") for j in range(i + 2)] == [
            answer(f"k{j}", "x" * j) if j <= i else None for j in range(i + 2)
        ]
    writer.close()


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot make the cache folder .*--audiobench-cache"):
        opened(tmp_path / "cache").put(answer("k"))


def test_a_folder_called_like_a_file_is_named(tmp_path):
    filled(tmp_path, answer("k"))
    (files(tmp_path)[0].parent / "odd.jsonl").mkdir()
    with pytest.raises(RecordError, match=r"cannot read the cache .*odd\.jsonl: Is a directory"):
        opened(tmp_path).get("k")


@given(st.text())
def test_a_slug_is_one_plain_name(name):
    made = slug(name)
    assert made
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert made not in (".", "..")
    assert slug(made) == made


def test_models_whose_names_look_alike_on_disk_are_kept_apart(tmp_path):
    cache = PredictionCache([tmp_path])
    cache.model("a/b", {"model": "a/b"}).put(answer("k", "slash"))
    other: ModelCache = cache.model("a:b", {"model": "a:b"})
    assert other.get("k") is None

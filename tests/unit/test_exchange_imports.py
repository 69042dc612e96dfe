"""Result files of others, whatever is in them: rows, or one error of ours that says where."""

import itertools
import json
import string
from pathlib import Path

import foreign_results as foreign
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audiobench_pytest.errors import AudiobenchError, UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.layouts import LAYOUTS, layout_of, read_rows
from audiobench_pytest.exchange.imports.matching import digest_of, matched, own_samples
from audiobench_pytest.exchange.imports.references import Segment, cut, read_references
from audiobench_pytest.exchange.imports.rows import named_by_file
from audiobench_pytest.exchange.imports.transcripts import ctm_words

FIELDS = """type id data content ref info index answer prediction subset response prompt reference key doc_id target
filtered_resps resps audio_filepath duration time text pred_text offset lang parent_id chunk_index messages labels
audios role path""".split()  # noqa: SIM905 - the names are read better so

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["a", "", "null", "en", "eval", "0"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=5,
)
objects = st.lists(st.dictionaries(st.sampled_from(FIELDS), values, max_size=7), min_size=1, max_size=3)
fuzz = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(path: Path) -> None:
    """Read a file as what it looks like and as every layout; nothing but our own errors may come of it."""
    for layout in (None, *LAYOUTS):
        try:
            file = ResultFile.read(path)
            rows = read_rows([(file, layout or layout_of(file))])
            own_samples(rows, "en")
        except AudiobenchError as exc:
            told = str(exc)
            assert str(path) in told
            continue
        assert len({row.id for row in rows}) == len(rows)
        assert all(str(path) in row.where for row in rows)
        assert all(row.reason for row in rows if row.answer is None)


@fuzz
@given(rows=objects)
@example(rows=[{"audio_filepath": "a", "pred_text": "b", "time": 1, "parent_id": "c"}])
@example(rows=[{"response": "a", "messages": [{"role": "assistant", "content": ["a"]}]}])
def test_objects_of_any_kind_are_rows_or_an_error_that_names_the_file(tmp_path, rows):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read_all(path)


@fuzz
@given(data=st.binary(max_size=60) | st.text("ab0.( );{}/\n\t\u3000", max_size=60).map(str.encode))
@example(data=b"\xff\xfea\x00")
@example(data=b"()\n")
@example(data=b"a 1 0 . b\n")
def test_bytes_of_any_kind_are_rows_or_an_error_that_names_the_file(tmp_path, data):
    path = tmp_path / "r.txt"
    path.write_bytes(data)
    read_all(path)
    try:
        read_references(path)
    except AudiobenchError as exc:
        told = str(exc)
        assert str(path) in told


words = st.text(string.ascii_letters + "'é京", min_size=1, max_size=6)
texts = st.lists(words, max_size=4).map(" ".join).filter(lambda text: text != "null")  # Kimi's word for no answer


@settings(fuzz, max_examples=30)
@given(answers=st.dictionaries(st.from_regex(r"[a-z]{1,5}-\d", fullmatch=True), st.tuples(texts, texts), min_size=1))
def test_every_layout_gives_back_what_was_written(tmp_path, answers):
    said = [answer for _, answer in answers.values()]
    for layout in LAYOUTS:
        if layout.name == "ctm":
            continue  # a recording without words has no line
        path = getattr(foreign, layout.name.replace("-", "_"))(tmp_path / "r", answers)
        rows = read_rows([(ResultFile.read(path), layout)])
        assert [row.answer for row in rows] == said, layout.name
        if layout.fits is not None:
            expected = [reference for reference, _ in answers.values()]
            assert [row.reference or "" for row in rows] == expected, layout.name


@fuzz
@given(
    heard=st.lists(st.tuples(st.integers(0, 90), words), max_size=12),
    bounds=st.lists(st.integers(0, 100), min_size=2, max_size=8, unique=True).map(sorted),
)
def test_no_word_is_lost_or_counted_twice_when_a_recording_is_cut(tmp_path, heard, bounds):
    ctm, stm = tmp_path / "h.ctm", tmp_path / "r.stm"
    ctm.write_text("".join(f"r A {begin / 10} 0.1 {word}\n" for begin, word in heard))
    pairs = itertools.pairwise(bounds)
    stm.write_text("".join(f"r A s {begin / 10} {end / 10} x\n" for begin, end in pairs))
    segments = [one for one in read_references(stm) if isinstance(one, Segment)]
    found = cut(ctm_words(ResultFile.read(ctm)), segments) if heard else []
    assert sorted(" ".join(row.answer or "" for row in found).split()) == sorted(word for _, word in heard)


@given(st.permutations(range(5)))
def test_order_does_not_change_the_digest_and_a_reference_does(order):
    rows = [foreign_row(f"u{number}", f"text {number}") for number in range(5)]
    whole = digest_of(own_samples(rows, "en"))
    assert digest_of(own_samples([rows[place] for place in order], "en")) == whole
    assert digest_of(own_samples([*rows[1:], foreign_row("u0", "another")], "en")) != whole


def foreign_row(name, reference):
    from audiobench_pytest.exchange.imports.rows import Row

    return Row("f: line 1", name, "said", reference=reference)


def test_numbers_that_are_places_are_no_ids_of_other_samples():
    from dataclasses import replace

    samples = own_samples([foreign_row(str(number), "") for number in (2, 1, 0)], "en")
    rows = [replace(foreign_row(str(place), None), position=place, answer=f"at {place}") for place in range(3)]
    pairs = {sample.id: row.answer for sample, row in matched(rows, samples, "s").pairs}
    assert pairs == {"2": "at 0", "1": "at 1", "0": "at 2"}


def labelled(known, said):
    """Match rows that expect one text each with samples that expect another; return the refusal, or ""."""
    samples = own_samples([foreign_row(f"u{place}", text) for place, text in enumerate(known)], "en")
    rows = [foreign_row(f"u{place}", text) for place, text in enumerate(said)]
    try:
        matched(rows, samples, "s")
    except UsageError as exc:
        return str(exc)
    return ""


@pytest.mark.parametrize(
    ("known", "said", "differ"),
    [
        (["male", "female"] * 5, ["male", "female"] * 5, 0),
        (["male", "female"] * 5, ["female", "male"] * 5, 10),  # much like each other, and never each other
        (["positive", "negative"] * 5, ["negative"] * 10, 5),
        (["positive", "negative"] * 5, ["pos", "neg"] * 5, 0),  # spelt otherwise, one for one
        (["positive", "negative"] * 5, [*["pos", "neg"] * 3, *["neg", "pos"] * 2], 4),
        (["+", "-"] * 5, ["-", "+"] * 5, 10),
        (["three cats", "four dogs"] * 5, ["Three cats.", "four dogs"] * 5, 0),
        ([f"the {n} cats sat on the mat" for n in range(10)], [f"the {n} cats sat on a mat" for n in range(10)], 0),
        (
            [f"the {n} cats sat on the mat" for n in range(10)],
            [f"the {9 - n} cats sat on the mat" for n in range(10)],
            10,
        ),
    ],
)
def test_a_label_is_never_a_spelling_of_another_one(known, said, differ):
    told = labelled(known, said)
    assert f"({differ} of {len(known)} differ so)" in told if differ else told == ""


def test_files_are_named_by_stem_where_stems_differ():
    assert named_by_file(["/a/x.wav", "C:\\b\\y.flac"]) == ["x", "y"]
    assert named_by_file(["/a/x.wav", "/b/x.wav"]) == ["/a/x.wav", "/b/x.wav"]

"""Boards as data: what ships, what its names stand for, what a wrong board is told."""

import dataclasses
import re

import pytest
from board_inputs import board, column

from audiobench_pytest.catalog.boards import AverageSpec, CombinedSpec, check, load_boards
from audiobench_pytest.catalog.loader import is_of_sounds, load_catalog
from audiobench_pytest.catalog.published import PublishedRef, load_published
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.recipes import Recipe

LANGUAGES = ("en", "zh", "yue", "wuu", "ja", "ar")


def test_the_boards_and_the_size_of_their_averages():
    found = {one.name: {average.name: len(average.over) for average in one.averages} for one in load_boards()}
    assert found == {
        "understanding": {"ultraeval-understanding": 13},
        "generation": {"ultraeval-generation": 6},
        "codec": {"ultraeval-codec": 9},
        "kimi-evalkit": {"voicebench-7@kimi": 7},
        "voicebench": {"voicebench-9": 9, "voicebench-7@kimi": 7},
        "openasr": {"openasr-7": 7},
        "wenetspeech-wu": {},
        "uro": {"uro-text-zh-basic": 6, "uro-text-en-basic": 10, "uro-text-zh-pro": 6, "uro-text-en-pro": 10},
        "uro-aloud": {
            **{
                "uro-aloud-zh-basic-U": 2,
                "uro-aloud-zh-basic-R": 2,
                "uro-aloud-zh-basic-O": 2,
                "uro-aloud-zh-basic": 6,
            },
            **{
                "uro-aloud-en-basic-U": 3,
                "uro-aloud-en-basic-R": 4,
                "uro-aloud-en-basic-O": 3,
                "uro-aloud-en-basic": 10,
            },
            **{"uro-aloud-zh-pro-U": 3, "uro-aloud-zh-pro-R": 2, "uro-aloud-zh-pro-O": 3, "uro-aloud-zh-pro": 8},
            **{"uro-aloud-en-pro-U": 5, "uro-aloud-en-pro-R": 3, "uro-aloud-en-pro-O": 4, "uro-aloud-en-pro": 12},
        },
        "instruct-tts": {"instruct-tts-en": 3, "instruct-tts-zh": 3},
        "step-audio-2": {
            **{"english": 4, "chinese": 6, "in-house": 6, "paralinguistics": 11, "mmau": 3, "s2tt": 2, "s2st": 2},
            **{"uro-zh-basic": 3, "uro-zh-pro": 3, "uro-en-basic": 3, "uro-en-pro": 3},
        },
    }


def test_groups_of_the_understanding_board():
    spec = load_boards().get("UltraEval_Understanding")
    sizes = {group: sum(one.group == group for one in spec.columns) for group in spec.groups()}
    assert sizes == {"ASR": 10, "AST": 2, "EMO": 1}
    assert all(one.error == (one.group == "ASR") for one in spec.columns)


def test_sets_of_the_uro_tracks():
    spec = load_boards().get("step-audio-2")
    sizes = {one.name: len(one.columns) for one in spec.combined}
    assert list(sizes.values()) == [2, 2, 2, 3, 2, 3, 3, 4, 3, 5, 3, 4]
    assert sum(sizes.values()) == sum(one.name.startswith("uro-") for one in spec.columns) == 36


def test_the_parts_of_spoken_uro_tracks_are_those_of_the_published_table():
    ours = {one.name: set(one.over) for one in load_boards().get("uro-aloud").averages}
    published = {one.name: set(one.columns) for one in load_boards().get("step-audio-2").combined}
    for name, track in (
        *(("zh-basic", "Chinese basic"), ("zh-pro", "Chinese pro")),
        *(("en-basic", "English basic"), ("en-pro", "English pro")),
    ):
        parts = [ours[f"uro-aloud-{name}-{part}"] for part in "URO"]
        assert parts == [published[f"uro-{track}-{part}"] for part in "URO"]
        assert ours[f"uro-aloud-{name}"] == set().union(*parts)


def test_every_cell_of_the_tables_stands_in_a_column():
    # The replication is a suite, not a board; every other printed cell has its place on some board.
    shown = {
        (ref.table, ref.benchmark, ref.metric)
        for spec in load_boards()
        for one in (*spec.columns, *spec.combined)
        for ref in one.published
    }
    printed = {
        (table.name, *names)
        for table in load_published()
        if table.name != "kimi-audio-replication"
        for names in table.columns()
    }
    assert shown == printed


def test_published_cells_were_made_by_the_recipe_of_their_column():
    published = load_published()
    for spec in load_boards():
        for one in spec.columns:
            for ref in one.published:
                recipes = {
                    v.recipe
                    for v in published.table(ref.table)
                    if (v.benchmark, v.metric) == (ref.benchmark, ref.metric)
                }
                assert recipes == {one.recipe}, (spec.name, one.name)


def test_a_column_of_spoken_answers_takes_no_number_of_written_ones():
    spec, recipes = load_boards().get("generation"), load_catalog().recipes
    known = [one for one in spec.columns if one.recipe in recipes]
    assert len(known) == 5
    assert all(is_of_sounds(recipes.get(one.recipe)) for one in known)


def test_columns_ask_the_recipes_of_this_version_for_values_they_have():
    recipes, asked = load_catalog().recipes, 0
    for spec in load_boards():
        for one in spec.columns:
            for name in (one.recipe, *one.same_recipes):
                if name not in recipes:
                    continue
                found = {q.name: q for code in LANGUAGES for q in Recipe(recipes.get(name)).quantities([code])}
                head = next(iter(Recipe(recipes.get(name)).quantities(["en"])))
                quantity = found[one.value] if one.value else head
                assert quantity.higher_is_better != one.error, (spec.name, one.name)
                asked += 1
    assert asked > 60


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": (column("a"), column("a"))}, "the cell 'a' is there twice"),
        ({"combined": (CombinedSpec("a", ("b",)),)}, "the cell 'a' is there twice"),
        ({"combined": (CombinedSpec("c", ("librispech",)),)}, "'c': columns: there is no 'librispech'"),
        ({"combined": (CombinedSpec("c", ()),)}, "'c': columns: nothing is named"),
        ({"combined": (CombinedSpec("c", ("a",), optional=("b",)),)}, "'c': optional: there is no 'b'"),
        ({"combined": (CombinedSpec("c", ("a",), optional=("a",)),)}, "at least one column must not be optional"),
        ({"averages": (AverageSpec("m", ("a", "a")),)}, "average 'm': over: a name is there twice"),
        ({"averages": (AverageSpec("m", ("x",)),)}, "average 'm': over: there is no 'x'"),
        ({"averages": (AverageSpec("m", ("a",)), AverageSpec("m", ("b",)))}, "the average 'm' is there twice"),
        ({"correlation": ("y",)}, "correlation: there is no 'y'"),
        ({"columns": (column("a", datasets=()), column("b"))}, "column 'a' names no data set"),
        ({"columns": (column("a", slice="task"), column("b"))}, "slice: expected key=name, found 'task'"),
        (
            {
                "columns": (column("a", error=False), column("b")),
                "averages": (AverageSpec("m", ("a",), as_printed=True),),
            },
            "as_printed is for columns that are error rates",
        ),
        (
            {"columns": (column("a", published=(PublishedRef("ultraeval-table9", "meld", "WER"),)), column("b"))},
            "'a': table 'ultraeval-table9' has no column 'meld' with 'WER'",
        ),
    ],
)
def test_a_wrong_board_is_told_what_is_wrong(changes, words):
    spec = dataclasses.replace(board(column("a"), column("b")), **changes)
    with pytest.raises(CatalogError, match=re.escape(words)) as told:
        check(spec, load_published(), "own.yaml: board 'mine'")
    assert str(told.value).startswith("own.yaml: board 'mine': ")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.report.text import Cell, Span, clean, render, shorten, width


def plain(lines: list[list[Span]]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_columns_are_aligned_to_either_side_without_spaces_at_the_end() -> None:
    rows = [
        [Cell("model"), Cell("n"), Cell("note")],
        [Cell("a"), Cell("100"), Cell("")],
        [Cell("b"), Cell("7"), Cell("x")],
    ]
    assert plain(render(rows, "lrl")) == ["model    n  note", "a      100", "b        7  x"]


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert (width("ab"), width("中文"), width("e\u0301"), width("ｆ")) == (2, 4, 1, 2)
    assert plain(render([[Cell("中文"), Cell("x")], [Cell("abcde"), Cell("y")]], "ll")) == ["中文   x", "abcde  y"]


def test_markup_covers_the_text_and_not_the_padding() -> None:
    (line, _) = render([[Cell("a", {"bold": True}), Cell("b")], [Cell("long"), Cell("c")]], "ll")
    assert line == [("a", {"bold": True}), ("     b", {})]


def test_no_rows_make_no_lines() -> None:
    assert render([], "") == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [("two\n lines\t", "two lines"), ("\x1b[31mred", "\\x1b[31mred"), ("a\udc80b", "a\\udc80b"), ("中文", "中文")],
)
def test_text_that_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(), st.integers(3, 30))
def test_shortened_text_fits(text: str, columns: int) -> None:
    assert width(shorten(clean(text), columns)) <= columns


def test_shortened_text_keeps_both_ends() -> None:
    assert shorten("hf:organisation/a-very-long-checkpoint-name", 20) == "hf:organi...int-name"
    assert shorten("short", 5) == "short"


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=6))
def test_the_second_column_starts_at_the_same_place_in_every_line(texts: list[tuple[str, str]]) -> None:
    rows = [[Cell(clean(left)), Cell("|" + clean(right))] for left, right in texts]
    starts = {
        width(line[: len(line) - len(row[1].text)]) for line, row in zip(plain(render(rows, "ll")), rows, strict=True)
    }
    assert len(starts) == 1

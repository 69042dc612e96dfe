"""English words: what is left untried, because a text cannot hold it, changes nothing."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audiobench_pytest.metrics.fairness import english
from audiobench_pytest.metrics.fairness.english import english_words

RULES = [*english._BEFORE, *english._contractions(), *english._MARKS_OF_NUMBERS, *english._AFTER, *english._LAST]
READER = english._reader()

WORDS = st.one_of(
    st.sampled_from(sorted(READER.words)),
    st.sampled_from([need for rule in RULES for need in rule.needs]),
    st.sampled_from(["a", "half", "and a half", "7", "007", "3.50", "1,000", "5th", "1960s", "x2", "3/4", "10:30"]),
    st.sampled_from(["don't", "it's been", "mr.", "u.s.", "o.k.", "colour", "ninths", "-", "caf\u00e9", "\u0663"]),
)


def as_the_reader_reads(text: str) -> str:
    """Give the reader of numbers the whole text, as its package does."""
    words = READER.process_words(READER.preprocess(text).split())
    return " ".join(word for word in words if word is not None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern.pattern)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_whatever_a_pattern_finds_holds_what_is_looked_for_first(rule: english._Rule, data: st.DataObject) -> None:
    around = data.draw(st.sampled_from(["", " ", "1 ", "a", "c"]))
    text = around + data.draw(st.from_regex(rule.pattern))
    found = rule.pattern.search(text)
    assume(found is not None)
    assert any(need in text for need in rule.needs)


@given(st.lists(WORDS, max_size=12), st.sampled_from([" ", "", ", "]))
@settings(max_examples=500, deadline=None)
def test_numbers_are_those_of_the_whole_text(words: list[str], between: str) -> None:
    text = between.join(words)
    try:
        expected = as_the_reader_reads(text)
    except (AssertionError, ValueError):
        with pytest.raises((AssertionError, ValueError)):
            english._numbers(text)
    else:
        assert english._numbers(text).split() == expected.split()


@given(st.lists(WORDS, max_size=12), st.sampled_from([" ", "", ", "]))
@settings(max_examples=500, deadline=None)
def test_words_are_those_of_all_patterns_tried(words: list[str], between: str) -> None:
    text = between.join(words)

    def all_of_them(text: str, rules: list[english._Rule]) -> str:
        for rule in rules:
            text = rule.pattern.sub(rule.replacement, text)
        return text

    class Always:
        def search(self, text: str) -> bool:
            return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(english, "_rewritten", all_of_them)
        patch.setattr(english, "_contracted", Always)
        patch.setattr(english, "_numbers", as_the_reader_reads)
        expected = english_words(text)
    assert english_words(text) == expected


@pytest.mark.parametrize("text", ["0" * 5000 + "7", "two " + "9" * 5000])
def test_a_number_of_more_digits_than_python_reads_stays_as_it_is_written(text: str) -> None:
    assert english_words(text).replace(" ", "") == text.replace(" ", "")

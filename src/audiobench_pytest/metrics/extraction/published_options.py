"""How published harnesses read an option out of an answer: their rules as they are, faults included, without chance.

Where a source draws at random or guesses when it finds nothing, these say None; what that counts, the metric decides.
The forms stand in `catalog/tables/choice_templates.yaml`.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from audiobench_pytest import catalog
from audiobench_pytest.metrics.extraction.choices import options_of
from audiobench_pytest.metrics.item import Item

FOUR = "ABCD"
"""The letters that the rules with a fixed number of options know."""

_TABLE = Path(catalog.__file__).parent / "tables" / "choice_templates.yaml"
_TAGS = ("<1>", "<2>", "<3>")
_LETTER_MARKS = ".,:)"


def voicebench_option(text: str, item: Item) -> str | None:
    """Return the letter A to D by VoiceBench's 163 literal templates, or None.

    The answer in lower case, a leading `<1>`, `<2>`, `<3>` dropped; templates in order, letters in order within one;
    then an answer that is the letter or begins with it and one of `.,:)`. The source goes on with three texts that mean
    A; each of them holds a template, so none is ever reached.
    """
    text = text.lower()
    if text.startswith(_TAGS):
        text = text[len(_TAGS[0]) :].strip()
    for before, after in _voicebench_templates():
        position = text.find(before)
        if position < 0:
            continue
        found = [letter for letter in FOUR if f"{before}{letter.lower()}{after}" in text]
        if found:
            return found[0]
    for letter in FOUR:
        if text == letter.lower() or (text[:1] == letter.lower() and text[1:2] in tuple(_LETTER_MARKS)):
            return letter
    return None


def first_option(text: str) -> str | None:
    """Return the letter A to D by UltraEval-Audio's list of regular expressions, or None where the source says A."""
    text = text.strip()
    for pattern in _first_option_patterns():
        match = pattern.search(text)
        if match is None:
            continue
        read = (match[1] or match[0]).upper()
        for letter in FOUR:
            if letter in read:
                return letter
    return None


def first_or_second_last_letter(text: str, item: Item) -> str | None:
    """Return the first character where it is a letter of an option, else the second to last, else None.

    As MMSU and the Kimi variants of UltraEval-Audio do: capital letters only, as many as there are options.
    """
    return _first_or_second_last(text.strip(), options_of(item.choices).letters)


def air_bench_option(text: str, item: Item) -> str | None:
    """Return the letter A to D by AIR-Bench: first character, else second to last, line ends left out; else None."""
    return _first_or_second_last(text.strip().replace("\n", ""), tuple(FOUR))


def starts_with_label(prediction: str, label: str) -> bool:
    """Tell whether an answer begins with a label, as UltraEval-Audio's prefix match does.

    Both in lower case and stripped; where the answer has no space, as many of its letters as the label has with its
    spaces are compared with the label without them: then the bare label alone matches.
    """
    prediction, label = prediction.lower().strip(), label.lower().strip()
    head = prediction[: len(label)]
    return head == label or (" " not in prediction and head == label.replace(" ", ""))


def _first_or_second_last(text: str, letters: tuple[str, ...]) -> str | None:
    if not text or text == "None":
        return None
    if text[0] in letters:
        return text[0]
    return text[-2] if len(text) > 1 and text[-2] in letters else None


@functools.cache
def _voicebench_templates() -> tuple[tuple[str, str], ...]:
    """Return what stands before and after the letter in each template, without those that repeat an earlier one."""
    split = (template.partition("_") for template in _forms("voicebench"))
    return tuple(dict.fromkeys((before, after) for before, _, after in split))


@functools.cache
def _first_option_patterns() -> tuple[re.Pattern[str], ...]:
    letters = f"[{FOUR}]"
    return tuple(re.compile(form.replace("_", letters), re.DOTALL | re.IGNORECASE) for form in _forms("first_option"))


def _forms(name: str) -> list[str]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    forms: list[str] = yaml.load(_TABLE.read_text("utf-8"), Loader=loader)[name]
    return forms


EXTRACTIONS = {
    "air_bench_option": air_bench_option,
    "first_or_second_last_letter": first_or_second_last_letter,
    "voicebench_option": voicebench_option,
}

"""Strict extraction: which option an answer names, or none.

An answer names an option by its letter, its place ("the second option", 第二个选项), the name of its letter ("option
bee") or its text. It never does by chance: a letter inside a word, an article, the name of a note are no option, what
is denied is not named, and an answer that names two options without saying which is final names none.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from audiobench_pytest.metrics.extraction import option_cues as cues
from audiobench_pytest.metrics.extraction.denial import LOOK_BACK, is_denied
from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern
from audiobench_pytest.metrics.extraction.phrases import UNSPACED, Phrases
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.characters import drop_format_characters

LETTERS_WITHOUT_CHOICES = 4
"""Options A to D are assumed where the data do not list them."""

WEAK, TEXT, NAMED, STATED, FINAL = range(5)
"""How firmly an option is named; the firmest mentions decide. WEAK ones decide nothing, but can join firmer ones."""

_LOOK_BACK, _LOOK_AHEAD = 140, 80
_STATED_LOOK_BACK = 32  # a denial before "the answer is" has to be near: a transcript has no full stops
_CLAUSE_END = LazyPattern(r"[.!?;\n。！？；]")
_LETTER = LazyPattern(
    rf"(?<![^\W{UNSPACED}])(?<!\w['’@.-])[A-Za-z](?![^\W{UNSPACED}]|['’]\w|\.[A-Za-z](?![A-Za-z])|-\w)"
)
_SPOKEN = LazyPattern(rf"\b(?:{'|'.join(cues.SPOKEN_LETTERS)})\b", re.IGNORECASE)
_TAG = LazyPattern(r"<[^<>\n]{0,40}>")
_ANSWER_TAG = LazyPattern(r"<\s*(?:final_?)?answer\s*>", re.IGNORECASE)
_BOXED = LazyPattern(r"\\?\bboxed\s*\{|\\boxed\b")
_LATEX = LazyPattern(
    r"\\(?:text|textbf|textit|mathbf|mathrm|mathit|mathsf)\b\s*\{?|\\[()\[\]]|[{}]|(?<!\d)\$+(?!\s?\d)"
)
_MARKDOWN = LazyPattern(
    r"\*{2,}|(?<!\w)\*|\*(?!\w)|[`~]+|(?<![^\W_])_+|_+(?![^\W_])|^[ \t]*(?:#{1,6}|>+|[-•–])[ \t]+", re.MULTILINE
)
_SPACE_RUN = LazyPattern(r"[^\S\n]+")
_LINE_RUN = LazyPattern(r" ?\n[\s]*")
_HAN_NEXT = LazyPattern(f"[{UNSPACED}]")
_HAN_BEFORE = LazyPattern(f"""[{UNSPACED}]["'“‘(:\\s]*$""")
_AROUND_A_REPLY = " \t\n.,:;!?。、！，\"'()[]“”‘’「」=<>~|/\\–—-"
_LEADS_TO_A_PLACE = LazyPattern(r"(?:it['’]s|it is|应该是|是)\s*", re.IGNORECASE)
_JOINS_UNLIKE = LazyPattern(r"\bor\b|/|或|还是", re.IGNORECASE)
_IN_BRACKETS = LazyPattern(
    r"""["'”’]?[ \t]*(?:[(\[]\s*(?:option|choice)?|,\s*(?:option|choice))[ \t]*""", re.IGNORECASE
)
_BECAUSE = LazyPattern(r"""["')\]]*\s+(?:because|since|as|due|is)\b""")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an answer names an option.

    Attributes:
        letter: Of the option.
        start: Index of its first character in the cleaned text.
        end: Index after its last character.
        tier: How firmly it is named, `WEAK` to `FINAL`.
        by_text: Named by its text, not by its letter or place.
    """

    letter: str
    start: int
    end: int
    tier: int
    by_text: bool = False


class Options:
    """The options of one question.

    Attributes:
        letters: One per option.
        texts: Text per option, without a label of its own (`(A) a cat`); empty where the data list none.
    """

    def __init__(self, choices: tuple[str, ...]) -> None:
        count = len(choices) or LETTERS_WITHOUT_CHOICES
        self.letters = tuple(
            string.ascii_uppercase[i] if i < len(string.ascii_uppercase) else f"#{i + 1}" for i in range(count)
        )
        self.texts = _without_labels(choices, self.letters)
        self.phrases = Phrases(zip(self.letters, self.texts, strict=False))
        self.numeric = frozenset(text.strip() for text in self.texts if text.strip().isdecimal())

    def same(self, letter: str) -> str:
        """Return the first letter whose option has this one's text: two options with one text are one."""
        index = self.letters.index(letter)
        return (self.phrases.exactly(self.texts[index]) or letter) if self.texts else letter

    def at(self, index: int) -> str | None:
        """Return the letter at an index, or None where there is no such option."""
        return self.letters[index] if 0 <= index < len(self.letters) else None


@functools.lru_cache(maxsize=4096)
def options_of(choices: tuple[str, ...]) -> Options:
    """Return the options of a question from their texts; A to D without texts where there are none."""
    return Options(choices)


def option(text: str, item: Item) -> str | None:
    """Return the letter of the one option that an answer names, by letter, place or text; else None."""
    options = options_of(item.choices)
    return _decided(cleaned(text), options, by_text=True)


def option_letter(text: str, item: Item) -> str | None:
    """Return the letter of the one option that an answer names by letter or place; else None. Texts do not count."""
    return _decided(cleaned(text), options_of(item.choices), by_text=False)


def letters_to_texts(text: str, item: Item) -> str:
    """Return an answer (cleaned) with each option that it names by letter or place written out as the data write it."""
    options, text = options_of(item.choices), cleaned(text)
    for mention in reversed(_mentions(text, options)) if item.choices else ():
        if mention.tier >= NAMED and not mention.by_text:
            written = item.choices[options.letters.index(mention.letter)]
            text = text[: mention.start] + written + text[mention.end :]
    return text


def cleaned(text: str) -> str:
    r"""Return a text in Unicode form NFKC without markdown, tags, LaTeX and format characters.

    `\boxed{...}` and `<answer>` become `final answer: ...`.
    """
    text = drop_format_characters(unicodedata.normalize("NFKC", text))
    text = _TAG.sub("\n", _ANSWER_TAG.sub("\nfinal answer: ", text))
    text = _LATEX.sub(" ", _BOXED.sub(" final answer: ", text))
    text = _LINE_RUN.sub("\n", _SPACE_RUN.sub(" ", _MARKDOWN.sub("", text)))
    return text.strip()


def _without_labels(choices: tuple[str, ...], letters: tuple[str, ...]) -> tuple[str, ...]:
    normal = [unicodedata.normalize("NFKC", choice) for choice in choices]
    labels = [
        re.match(rf"\s*(?:\({letter}\)|{letter}[.):、])\s*(?=\S)", choice, re.IGNORECASE)
        for letter, choice in zip(letters, normal, strict=False)
    ]
    if not labels or not all(labels):
        return choices
    return tuple(choice[label.end() :] for label, choice in zip(labels, normal, strict=True) if label)


def _decided(text: str, options: Options, *, by_text: bool) -> str | None:
    whole = _whole_reply(text, options)
    if whole is not None:
        return whole
    mentions = [mention for mention in _mentions(text, options) if by_text or not mention.by_text]
    retracted = [match.end() for match in cues.RETRACTS.finditer(text)]
    if retracted:
        after = [one for one in mentions if one.start >= retracted[-1] and one.tier >= NAMED]
        if after:
            return _only(after, options)
    return _only(mentions, options)


def _only(mentions: list[Mention], options: Options) -> str | None:
    """Return the one option that the firmest mentions name."""
    best = max((mention.tier for mention in mentions), default=WEAK)
    if best == WEAK:
        return None
    named = {options.same(mention.letter) for mention in mentions if mention.tier == best}
    return named.pop() if len(named) == 1 else None


def _whole_reply(text: str, options: Options) -> str | None:
    """Read a reply that is nothing but the name of a letter or a place."""
    bare = text.strip(_AROUND_A_REPLY)
    if len(bare) == 1 and bare.upper() in options.letters and not options.phrases.exactly(bare):
        return options.same(bare.upper())
    spoken = cues.SPOKEN_LETTERS.get(bare.casefold())
    if spoken is not None and not options.phrases.exactly(bare):
        return options.at(spoken)
    lead = _LEADS_TO_A_PLACE.match(bare)
    place = cues.ORDINAL_ALONE.fullmatch(bare, lead.end() if lead else 0)
    if place is not None and not options.phrases.exactly(bare):
        return options.at(_place(place))
    return None


def _mentions(text: str, options: Options) -> list[Mention]:
    """Return the options that a cleaned text names and does not deny, in order, each as firmly as it is named."""
    texts = [Mention(found.key, found.start, found.end, TEXT, True) for found in options.phrases.find(text)]
    found = sorted([*texts, *_letters(text, options, texts)], key=lambda one: (one.start, one.by_text))
    alive: list[Mention] = []
    denied: Mention | None = None
    for one in found:
        firm = _firm(text, one)
        if firm is None:
            denied = one
            continue
        if denied is not None and cues.CONTRASTS.fullmatch(text[denied.end : firm.start]):
            firm = replace(firm, tier=max(firm.tier, NAMED))  # "rather than A, B"
        alive.append(firm)
    return _joined(text, alive)


def _letters(text: str, options: Options, texts: list[Mention]) -> Iterator[Mention]:
    """Yield mentions by letter, spoken letter and place, outside the texts of options."""
    starts = {one.start for one in texts}
    # A text that is a single letter leaves that letter standing: then both readings count.
    covered = {index for one in texts if one.end - one.start > 1 for index in range(one.start, one.end)}
    for match in _LETTER.finditer(text):
        letter, start, end = match.group().upper(), match.start(), match.end()
        if letter in options.letters and start not in covered:
            tier = _letter_tier(text, match.group(), start, end, starts)
            if tier is not None:
                yield Mention(letter, start, end, tier)
    for match in _SPOKEN.finditer(text):
        called = options.at(cues.SPOKEN_LETTERS[match.group().casefold()])
        before, after = _around(text, match.start(), match.end())
        is_called = cues.CALLED_BEFORE.search(before) or cues.STATED_BEFORE.search(before)
        if called is not None and is_called and cues.CLOSED_AFTER.match(after):
            yield Mention(called, match.start(), match.end(), NAMED)
    for match in cues.ORDINALS.finditer(text):
        called = options.at(_place(match))
        if called is not None and (match.groupdict().get("number") or "") not in options.numeric:
            yield Mention(called, match.start(), match.end(), NAMED)
    for match in cues.ORDINAL_ALONE.finditer(text):
        called = options.at(_place(match))
        before, after = _around(text, match.start(), match.end())
        if called is not None and cues.STATED_BEFORE.search(before) and cues.CLOSED_AFTER.match(after):
            yield Mention(called, match.start(), match.end(), NAMED)


def _letter_tier(text: str, letter: str, start: int, end: int, text_starts: set[int]) -> int | None:
    """Return how firmly a letter that stands alone names an option; None where it is an article or a note."""
    before, after = _around(text, start, end)
    if cues.NO_OPTION_AFTER.match(after):
        return None
    capital, article = letter.isupper(), letter.upper() in "AI"
    closed = cues.CLOSED_AFTER.match(after) is not None
    goes_on = cues.GOES_ON_AFTER.match(after) is not None and not (article and not capital)
    free = closed or goes_on or (capital and not article) or _HAN_NEXT.match(after) is not None
    if free and (cues.CALLED_BEFORE.search(before) or cues.STATED_BEFORE.search(before)):
        return NAMED
    if cues.CALLED_AFTER.match(after) or cues.STATED_AFTER.match(after):
        return NAMED
    in_pair = before[-1:] in ("(", "[", '"', "“", "'", "‘", "「") and after[:1] in (")", "]", '"', "”", "'", "’", "」")
    if in_pair:
        return NAMED
    if cues.STARTS_BEFORE.search(before):
        gap = len(after) - len(after.lstrip())
        before_text = capital and not article and gap > 0 and end + gap in text_starts
        because = capital and _BECAUSE.match(after)
        if cues.LISTED_AFTER.match(after) or cues.ALONE_AFTER.match(after) or before_text or because:
            return NAMED
    small_in_chinese = _HAN_BEFORE.search(before) is not None
    if (capital or small_in_chinese or not article) and (closed or goes_on) and cues.LEANS_BEFORE.search(before):
        return NAMED
    return WEAK if capital and (closed or goes_on or not article or cues.ENUMERATES.match(after)) else None


def _firm(text: str, mention: Mention) -> Mention | None:
    """Raise a mention that is stated to be the answer; return None for one that is denied."""
    before, after = _around(text, mention.start, mention.end)
    stated = cues.STATED_BEFORE.search(before) if mention.tier != WEAK else None
    cue = mention.start - (len(before) - stated.start()) if stated else mention.start
    look_back = mention.start - cue + _STATED_LOOK_BACK if stated else LOOK_BACK
    if is_denied(text, mention.start, mention.end, look_back):
        return None
    if stated or cues.STATED_AFTER.match(after):
        clause = _CLAUSE_END.split(text[max(0, cue - _LOOK_BACK) : cue])[-1] + text[cue : mention.start]
        return replace(mention, tier=FINAL if cues.CONCLUDES.search(clause) else max(mention.tier, STATED))
    if mention.by_text and cues.STARTS_BEFORE.search(before) and cues.CLOSED_AFTER.match(after):
        return replace(mention, tier=NAMED)  # "Dog. It barks, as no cat does."
    return mention


def _joined(text: str, mentions: list[Mention]) -> list[Mention]:
    """Make mentions that are named in one breath ("A or B"), or name one thing twice ("B. a cat"), equally firm."""
    joined = list(mentions)
    for order in (range(1, len(joined)), range(len(joined) - 1, 0, -1)):
        for i in order:
            first, second = joined[i - 1], joined[i]
            if _are_joined(text, first, second):
                tier = max(first.tier, second.tier)
                joined[i - 1], joined[i] = replace(first, tier=tier), replace(second, tier=tier)
    return joined


def _are_joined(text: str, first: Mention, second: Mention) -> bool:
    gap = text[first.end : second.start]
    if second.start < first.end:  # an option whose text is a letter: both readings count
        return True
    if first.tier == NAMED and second.tier == WEAK and second.letter == chr(ord(first.letter[0]) + 1):
        # "A. dog B. cat": options quoted in one line.
        listed = [cues.LISTED_AFTER.match(text[one.end : one.end + _LOOK_AHEAD]) for one in (first, second)]
        if all(listed):
            return True
    if cues.ENUMERATES.fullmatch(gap) and (first.by_text == second.by_text or _JOINS_UNLIKE.search(gap)):
        return True
    if second.by_text and not first.by_text and first.tier >= NAMED and cues.APPOSITION.fullmatch(gap):
        # "B. Dogs ..." may go on to another option; "B. dog" says what B is.
        ends = cues.CLOSED_AFTER.match(text[second.end : second.end + _LOOK_AHEAD])
        return first.letter == second.letter or not ("." in gap or "\n" in gap) or ends is not None
    return first.by_text and not second.by_text and _IN_BRACKETS.fullmatch(gap) is not None


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    return text[max(0, start - _LOOK_BACK) : start], text[end : end + _LOOK_AHEAD]


def _place(match: re.Match[str]) -> int:
    """Return the index that a word for a place or a number says."""
    (word,) = (group for group in match.groupdict().values() if group is not None)
    word = word.casefold()
    for words in (cues.ORDINAL_WORDS, cues.NUMBER_WORDS, tuple(cues.CHINESE_NUMBERS)):
        if word in words:
            return words.index(word)
    return int(word) - 1


EXTRACTIONS = {"option": option, "option_letter": option_letter, "letters_to_texts": letters_to_texts}

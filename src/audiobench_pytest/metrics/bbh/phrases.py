"""The phrases by which VoiceBench reads an answer to its BBH questions; for the value that repeats its rule.

A line is a phrase that is looked for in the answer; the first line that is found decides. `0` or `1` before it is the
verdict (no, yes; option a, option b). `{no|yes}` stands for two lines, the first of which is 0, and `#` for the pair
named above the list. `^` and `$` tie a phrase to the beginning and the end of the answer, `*` is any text. Lines that
an earlier one always forestalls are left out.

Word lists of VoiceBench (Apache-2.0), `src/evaluator/bbh.py`. Its slips are kept: a bare `b` is option a, and whoever
"must be lying" tells the truth.
"""

from __future__ import annotations

import functools
import re

_OPTION_PAIR = "{a|b}"
_OPTION = """
0 ^a$
0 ^b$
the answer is (#)
the correct adjective order is option (#)
the correct sentence is option (#)
correct adjective order options is #
the correct answer is (#)
the correct option is (#)
the correct sentence would be option (#)
the correct sentence is (#)
the proper adjective order is #
the correct adjective order is (#)
correct adjective order is #
the adjectives in option # are in the correct order
the right adjective order is #)
the correct adjectivs is (#)
the right adjective order is (#)
correct adjectival order is #
the proper adjective order is (#)
the correct sentence order is #
option # correctly follows the standard adjective order
the answer directly is #
the correct order would be option #
final answer should be #
final answer #
option (#) uses the correct adjective sequence
the correct option is option #
the answer is without any modification #
the correct one is option #
answer is without any modification #
the answer is without any modification option #
answer is #
the answer is [#]
option # follows the correct adjective order
the correct order of adjectives is #
option (#) is the correct answer
the correct order is #
the correct object order is #
the correct answer order is #
the final answer without any modification is #
the correct sentence is #
correct adjective order option is #
correct adjective order is sentence #
correct objective order option is #
the answer is is #
the correct adjective order is option #
the correct adjective order is provided in option #
option # is more accurate
answer is option #
option # has the adjectives in the correct order
option # is closer to being correct
the most logical order is option #
in option # the adjectives are in the correct order
sentence # is the closest to the correct adjective order
option # has the correct order
sentence # has a more logical
the closest correct order is option #
sentence # has the correct adjective order
option # is the closest to the typical order
the correct answer would be option #
the correct option is #
option # has a better adjective order
option # has the correct adjective order
option # seems to follow the typical order
the correct order is found in option #
the correct adjective order is in the {first|second} option
the correct adverb order would be #
the correct answer would be the #
the correct adjective order is in option #
the correct adjective order is in sentence #
the adjectives are in the correct order for #
the answer is [option #]
option (#) has a correct adjective order
the correct sentence would be #
option # follows the correct sequence of adjectives
option # would be closer to the correct order
the correct sentence with the adjective order is #
option # is more grammatically correct
option # would be more correct
1 option a is incorrect and option b is correct
option # is the closest match
1 option b follows the typical order of adjectives
the correct sentence with the adjective order is option #
the correct sentence is option #
the correct objective order is in option #
the answer is option (#)
the correct option would be (#)
the correct order is in option #
the correct adjective order is found in option #
option (#) follows the typical order of adjectives
option (#) has the correct adjective order
option (#) follows the general adjective order
option (#) would be more grammatically correct
option # is the correct
option # has the correct word order
option # follows the correct order
following the typical order is the {first|second} option
option # has a slightly better chance of being correct
the answer is sentence #
the final answer is (#)
sentence # * seems to have a more logical
the correct adjective order is * option #
0 ^a *
1 ^b *
0 ^a)
1 ^b)
"""

_YES_NO_PAIR = "{no|yes}"
_YES_NO = r"""
answer is #
the answer #
final answer #
i would answer #
the answer is without any modification #
the answer to the question is #
the answer is {false|true}
answer {false|true}
the answer is $\boxed{\text{{false|true}}}$
the answer is \boxed{#}
the answer is \boxed{\text{{false|true}}}
the answer is \boxed{\text{#}}
i will provide the answer as #
prefix answer #
conclusion #
"""

_BARE = """
0 ^no
1 ^yes
0 no$
1 yes$
"""

_LIES = """
0 the prefix no applies to the statement
0 veena s statement cannot be true
1 therefore truly lorene tells the truth
1 the answer is the truth
1 affirmatively alejandro tells the truth
0 answer is * tells a lie
0 answer is * lies
0 answer is * says lie
0 answer is * doesn t tell the truth
0 answer is * does not tell the truth
0 answer is * didn t tell the truth
1 answer is * tells the truth
1 answer is * does tell the truth
answer to the question * is #
1 from the above steps we can conclude that * tells the truth
0 does not tell the truth$
0 cannot be telling the truth$
0 is lying$
0 tells the lie$
1 is also telling the truth$
1 must be lying$
1 must be telling the truth$
1 tells the truth$
1 delfina does tell the truth$
1 osvaldo is telling the truth$
0 lies$
"""

_NAVIGATE = """
0 you do not return to the starting point
0 you are not at the starting point
0 you haven t moved back to the starting point
0 you cannot return to the starting point
1 you return to the starting point
0 you are not facing the starting point
0 you haven t returned to the starting point
1 you end up back at the starting point
0 you are not back at the starting point
0 you will not return to the starting point
1 yes following these instructions
1 we end up back at the starting point
1 indeed returns us to the starting point
1 indeed bring us back to the starting point
1 you ll end up right back where you started
1 we ve now returned to the starting point
1 i have returned to the starting position
0 the final position is not directly at the starting point
0 it appears that we did not return to the exact starting point
0 does not return us to the starting point
1 i will end up back where i started
1 indeed return to the starting point
1 i ll be back where i started
1 i ll end up back at the starting point
1 after following these instructions we return to the starting point
1 we are back at the starting point!
1 we are now back at the starting point
1 you ll end up back where you started
1 we have now returned to the starting point
1 i ve returned to the starting point
1 following these instructions will always return us to the starting point
1 indeed return you to the starting point
1 the answer is the starting point
0 following these instructions doesn t return us to the starting point
0 following these directions does not lead you back to your original starting point
"""

_SPORTS = """
1 final answer the sentence is plausible
1 the answer is directly yes
0 no the sentence is not possible
0 the answer is it is not possible
1 the answer is the sentence is plausible
0 the sentence is not particularly plausible
0 the sentence is not plausible
1 yes the sentence is structurally plausible
1 is the sentence plausible? yes it is
0 i would say that it is not a plausible sentence.
0 no the original sentence is not plausible
0 it s not a plausible
0 to answer your original question no
1 making it plausible
0 making it implausible
1 it is indeed a plausible sentence
1 considering these points the sentence is plausible
1 i would say the sentence is plausible
1 i would say that the sentence is plausible
0 i d say it s not entirely plausible
0 therefore not plausible
0 making it an implausible statement
0 the following sentence is not plausible
0 considering these points the sentence is unlikely to be true
1 yes the sentence is plausible
1 based on this analysis the sentence is plausible
1 considering these points the sentence seems plausible
1 given the context the sentence is plausible
1 considering these factors the sentence is plausible
0 considering these points the sentence is unlikely to be plausible
1 given the context of sports particularly basketball this sentence is plausible
1 considering these points the sentence is likely true
1 considering these elements the sentence is plausible
0 i would say it s unlikely
0 it seems unlikely
1 given this analysis the sentence is plausible
1 considering these points the sentence is the plausible
0 the sentence is not entirely possible
0 the sentence is not entirely accurate
0 the sentence is not entirely plausible
1 the answer is plausible
0 modification of answer not possible
1 i would say that the sentence is generally plausible
1 given these points the sentence is plausible
1 considering these points the sentence seems to be a plausible
1 the sentence appears to be a plausible
0 ^not plausible$
1 considering these points the sentence * is grammatically correct and makes sense
1 considering these points the sentence * is plausible
0 considering these points the sentence * is unlikely
1 based on this analysis the sentence * is plausible
1 considering these points the sentence * seems to be a possible
1 based on these steps the sentence * is plausible
1 based on this analysis the sentence * seems plausible
1 considering these points the sentence * appears to be plausible
1 considering these points the sentence * seems plausible
0 the sentence * is not very plausible
1 considering these points * is a plausible sentence
1 given this information the sentence * is plausible
1 given the context the sentence * is plausible
1 the sentence * is flexible and realistic
0 considering these points the sentence * is not a plausible statement
1 the sentence * is not plausible
"""

_YES_NO_OF = {"sports_understanding": _SPORTS, "navigate": _NAVIGATE, "web_of_lies": _LIES}
_TO_SPACE = re.compile(r'\*\*|[:："\-,.]')


def phrase_verdict(reply: str, subtask: str) -> int | None:
    """Return 1 (yes, option b), 0 (no, option a) or None where no phrase is found and the source draws at random.

    Args:
        reply: The reply without marks of channel and turn.
        subtask: `sports_understanding`, `navigate`, `web_of_lies` or `hyperbaton`.
    """
    text = " ".join(_TO_SPACE.sub(" ", reply.lower().replace("<|turn_end|>", "")).split())
    return next((verdict for phrase, verdict in _rules(subtask) if phrase.search(text)), None)


@functools.cache
def _rules(subtask: str) -> tuple[tuple[re.Pattern[str], int], ...]:
    if subtask == "hyperbaton":
        lines = _expanded(_OPTION, _OPTION_PAIR)
    else:
        lines = _expanded(_YES_NO + _YES_NO_OF[subtask] + _BARE, _YES_NO_PAIR)
    return tuple((_pattern(phrase), verdict) for phrase, verdict in lines)


def _expanded(block: str, pair: str) -> list[tuple[str, int]]:
    rules = []
    for line in filter(None, block.split("\n")):
        if line[:2] in ("0 ", "1 "):
            rules.append((line[2:], int(line[0])))
            continue
        both = re.fullmatch(r"(.*)\{(\w+)\|(\w+)\}(.*)", line.replace("#", pair))
        if both is None:
            raise RuntimeError(f"no verdict: {line}")
        before, *words, after = both.groups()
        rules += [(before + word + after, verdict) for verdict, word in enumerate(words)]
    return rules


def _pattern(phrase: str) -> re.Pattern[str]:
    begins, ends = phrase.startswith("^"), phrase.endswith("$") and "boxed" not in phrase
    bare = phrase[begins : len(phrase) - ends]
    return re.compile(("^" if begins else "") + ".+?".join(map(re.escape, bare.split("*"))) + (r"\Z" if ends else ""))

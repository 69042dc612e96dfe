"""By what words an answer says that a letter or an option's text is its choice; English and Chinese.

All are matched against text in Unicode form NFKC without markdown (see `options.cleaned`): those called `..._BEFORE`
against what stands before a mention (they end where it starts), those called `..._AFTER` against what follows it.
"""

from __future__ import annotations

import re

from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern

_OPEN = r"""["'“‘「『《(\[\s]*"""
_CLOSE = r"""["'”’」』》)\]]*"""
_HEDGE = r"""(?:(?:most|very|more|likely|probably|definitely|clearly|certainly|indeed|simply|just|actually|therefore
    |thus|obviously|surely|perhaps|maybe|best|correct|right|the|an?|option|choice|letter|answer|number|to\s+be|be|is)\b[\s:,]*)*"""
_BE = r"""(?:['’]s|\b(?:is|are|was|were|be|being|would\s+be|should\s+be|must\s+be|could\s+be|may\s+be|might\s+be))\b"""

STATED_BEFORE = LazyPattern(
    rf"""
    (?: \b(?:answer|choice|option|selection|solution|pick|guess)\b (?! \s+(?:choice|option)s\b )
        (?: [^.!?;:\n]{{0,60}}? {_BE} )
      | \b(?:answer|choice|selection|solution|pick|guess)\b ["'”’]? (?: \s*[:=–—-] | \s+(?=["'(\[]) )
      | \b(?:choose|chose|choosing|pick|picked|picking|select|selected|selecting|go\s+with|going\s+with|opt\s+for
            |opting\s+for|vote\s+for|settle\s+(?:on|for)|stick\s+with|lean(?:ing)?\s+towards?)\b
      | \bI(?:['’]d|\s+would)?\s+(?:think|believe|guess|say|feel)\b (?:\s+that)? (?:\s+(?:it|this|that|there)\s*{_BE})?
      | \b(?:r[ée]ponse|respuesta|resposta|risposta|antwort|antwoord|ответ)\b
        [^.!?;:\n]{{0,40}}? (?:\s(?:est|es|é|è|ist|lautet|is)\b | \s*[:=–—-])
    ) [\s:\-–—=]* {_HEDGE} {_OPEN} $
  | (?: 答え | 正解 | 回答 ) は \s* {_OPEN} $ | (?: 정답 | 답 ) [은는] \s* {_OPEN} $
  | (?: 答案 | 正确(?:的)?选项 | (?<!候)选择? )
    (?: 的 | 应该 | 应当 | 可能 | 大概 | 肯定 | 一定 | 一般 | 就 | 也许 | 也 )*
    (?: \s*(?: 是 | 为 | 选择? | [:=] ) )* \s* (?:选项)? {_OPEN} $
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Says of what follows that it is the answer."""

STATED_AFTER = LazyPattern(
    rf"""
    {_CLOSE}\s* (?: \([^()\n]{{0,40}}\)\s* )?
    (?: (?:is|seems|appears\s+to\s+be|would\s+be|looks|must\s+be)\s+
        (?:(?:the|clearly|definitely|probably|therefore|thus|most\s+likely|likely|obviously|indeed|also)\s+)*
        (?:(?:most|best|more|very)\s+)?
        (?:correct|right|best|answer|appropriate|suitable|accurate|fitting|likely)\b
      | (?:选?项)?\s*(?:才|就|应该)*(?:是|为)?\s*(?:最|更)?(?:正确|对的|对$|合适|恰当|佳|答案|符合)
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Says of what stands before that it is the answer."""

CONCLUDES = LazyPattern(
    r"\b(?:final|finally|therefore|thus|hence|so|conclusion|conclude|consequently|ultimately|overall|in\s+summary)\b"
    r"|所以|因此|综上|故|最终|最后|总之|因而|由此可见",
    re.IGNORECASE,
)
"""Makes what is stated in its clause the final answer."""

RETRACTS = LazyPattern(
    r"\b(?:wait|actually|correction|scratch\s+that|on\s+second\s+thought|let\s+me\s+(?:correct|reconsider|rethink))\b"
    r"|\bno\s*[,.!—–-]|更正|不对[,。.!]|等一下|等等,",
    re.IGNORECASE,
)
"""Takes back what stands before it, where an option is named after it."""

CALLED_BEFORE = LazyPattern(rf"(?:\b(?:option|choice|answer|letter)|选项|选择?|答案)\s*[:#]?{_OPEN}$", re.IGNORECASE)
"""Calls what follows an option, which makes even a small letter or a spoken one (`option bee`) an option's."""

CALLED_AFTER = LazyPattern(rf"{_CLOSE}\s*(?:选项|项(?![目链])|(?:option|choice)\b)", re.IGNORECASE)
"""Calls what stands before it an option."""

LEANS_BEFORE = LazyPattern(
    rf"""(?: ['’]s | \b(?:is|are|was|be|say|think|guess|believe|probably|likely|maybe|perhaps|definitely|therefore|thus
    |so|hence|with|going|answered|but|no|instead|rather) )\b [\s:,]* {_OPEN}$ | [是为:]\s*{_OPEN}$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Leads up to a capital letter that closes its clause: `I think it is B.`"""

CLOSED_AFTER = LazyPattern(rf"{_CLOSE}\s*(?:$|[.,;:!?。！、；…/&\n)\]]|[-–—]\s)")
"""What follows ends the clause."""

GOES_ON_AFTER = LazyPattern(
    rf"{_CLOSE}\s+(?:because|since|as|due|given|for|is|would|seems|matches|fits|and|or|that)\b|{_CLOSE}\s*因为|{_CLOSE}\s*[(]",
    re.IGNORECASE,
)
"""What follows goes on as it does after a letter, not as after the article `a` or a name's part (`B flat`)."""

STARTS_BEFORE = LazyPattern(
    rf"(?:^|(?<!\.\w)(?<!Mr)(?<!Ms)(?<!Mrs)(?<!Dr)(?<!St)(?<!vs)[.!?;]\s+|[\n。！？；]\s*){_OPEN}$"
)
"""A line or a sentence begins here."""

LISTED_AFTER = LazyPattern(rf"{_CLOSE}\s*(?:[.):,、](?!\w\.)|[-–—]\s)")
"""The marks that set a letter off at the start of a line: `B. a cat`, `(B) a cat`, `B - a cat`."""

ALONE_AFTER = LazyPattern(rf"{_CLOSE}[\s.!。！,;:]*(?:$|\n)|{_CLOSE}\s*(?:[.!?。！？](?:\s|$)|[吧呢啊呀哦])")
"""Nothing more is said in this line or sentence."""

ENUMERATES = LazyPattern(
    rf"{_CLOSE}\s*(?:,|/|&|、|\bor\b|\band\b|\bversus\b|\bvs\b\.?|或者?|和|与|及|以及|跟|还是)"
    rf"(?:\s|and\b|or\b|the\b|an?\b|option\b|choice\b|both\b|either\b|possibly\b|maybe\b|perhaps\b|,|选项|是|选)*{_OPEN}",
    re.IGNORECASE,
)
"""Between two mentions that are named in one breath: `A or B`, `A, option B`, `A还是B`."""

APPOSITION = LazyPattern(rf"{_CLOSE}\s*[.:)\-–—=,、]?{_OPEN}(?:(?:an?|the)\s+)?", re.IGNORECASE)
"""Between a letter and the text that it introduces: `B. a cat`, `(B) a cat`, `B: cat`."""

CONTRASTS = LazyPattern(rf"{_CLOSE}\s*[,;.]?\s*(?:but|instead|rather|it\s+is|而是|是|选)?[\s,]*{_OPEN}", re.IGNORECASE)
"""Between what is denied and what is named instead: `rather than A, B`."""

NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ORDINAL_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
CHINESE_NUMBERS = "一二三四五六七八九十"

SPOKEN_LETTERS = {
    **{"ay": 0, "bee": 1, "be": 1, "see": 2, "sea": 2, "cee": 2, "dee": 3, "ee": 4, "ef": 5, "eff": 5},
    **{"gee": 6, "aitch": 7},
}
"""Index of the letter by how a transcript may spell its name."""

_OPTION_WORD = r"(?:option|choice|answer|alternative|item)"
ORDINALS = LazyPattern(
    rf"""\b(?:the\s+)?(?P<ordinal>{"|".join(ORDINAL_WORDS)})\s+{_OPTION_WORD}\b
    | \b(?:option|choice)\s+(?:number\s+|no\.?\s*|\#\s*)?(?P<number>{"|".join(NUMBER_WORDS)}|\d{{1,2}})\b(?!\.\d)
    | 第\s*(?P<chinese>[{CHINESE_NUMBERS}]|\d{{1,2}})\s*个?(?:选项|答案|项)
    | 选项\s*(?P<chinese_number>[{CHINESE_NUMBERS}]|\d{{1,2}})(?![\d{CHINESE_NUMBERS}])""",
    re.IGNORECASE | re.VERBOSE,
)
"""Options called by their place."""

ORDINAL_ALONE = LazyPattern(
    rf"""\b(?:the\s+)?(?P<ordinal>{"|".join(ORDINAL_WORDS)})(?:\s+one)?\b
    | 第\s*(?P<chinese>[{CHINESE_NUMBERS}]|\d{{1,2}})\s*(?:个|种)?""",
    re.IGNORECASE | re.VERBOSE,
)
"""A place alone: an option's only where it is stated as the answer or is the whole reply."""

NO_OPTION_AFTER = LazyPattern(r"[-\s]?(?:flat|sharp|major|minor|maj|min)\b|[#♯♭]", re.IGNORECASE)
"""Makes a letter the name of a note or a key."""

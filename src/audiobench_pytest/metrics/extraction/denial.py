"""Whether a text denies what it names: "not A but B" names B only, "A is wrong" names nothing."""

from __future__ import annotations

import re

from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern

LOOK_BACK = 80
"""Characters before a mention in which a denial is looked for; it never reaches over the end of a clause."""

_LOOK_AHEAD = 50

# Where a new statement begins although no punctuation says so (a transcript has none).
_TURN_EN = r"""\b(?:but|so|therefore|thus|hence|then|while|whereas|yet|although|though|because|since)\b
    | \band\s+(?:so|it|i|my|the\s+(?:correct\s+|right\s+|best\s+)?(?:answer|option|choice))\b
    | \bi\s+(?:think|believe|guess|say|choose|pick|would)\b"""
_TURN_ZH = "而是|而选|但|所以|因此|故选|应该是|就是"
_BEFORE = LazyPattern(
    rf"""
    (?: \b(?: not | never | neither | nor | cannot | rather\s+than | instead\s+of | other\s+than | except(?:\s+for)?
        | excluding | excludes? | excluded | eliminat\w+ | rul\w+\s+out | as\s+opposed\s+to | \w+n['’]t )\b
        (?: (?! {_TURN_EN} ) [^.!?;,:\n] )*
      | \bno\s+(?:an?\s+|the\s+|such\s+)?
      | (?: 不是 | 不选 | 不能选 | 不会选 | 不应该?选 | 别选 | 并非 | 而非 | 不属于 | 不可能[是选为] | 不认为 | 不觉得
        | 不确定 | 除了 | 排除 )
        (?: (?! {_TURN_ZH} ) [^。.!?！？;；,，、:\n] ){{0,20}}
      | (?: 不 | 不太 | 不够 | 不太像 | 不像 | 没 | 没有 | 非 ) \s*
    )$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_AFTER = LazyPattern(
    r"""
    ["')\]\s]* (?: \([^()\n]{0,40}\)\s* )? (?:(?:option|choice)\s+)?
    (?: (?:is|are|was|were|seems?|looks|sounds|would\s+be|must\s+be|(?:can|could)\s+be)\s+
        (?:(?:clearly|definitely|obviously|simply|also|therefore|thus|probably|likely|certainly)\s+)*
        (?:not\b|incorrect|wrong|false|unlikely|impossible|implausible|ruled\s+out|eliminated|excluded|out\b)
      | (?:is|are|was|were|does|do|did|ca|could|would)n['’]t\b
      | (?:cannot|can\s+not|could\s+not|does\s+not|do\s+not|did\s+not|would\s+not)\b
      | makes?\s+no\s+sense | \?\s*no\b
      | (?:选?项)?\s*(?:是|都|均|也|明显|显然|应该|可以|应当|就)*(?:不|错|被?排除|有误)
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_denied(text: str, start: int, end: int, look_back: int = LOOK_BACK) -> bool:
    """Tell whether the mention `text[start:end]` is denied by the words of its own clause, in English or Chinese.

    Args:
        text: In Unicode form NFKC (`，` is `,` then).
        start: Index of the mention's first character.
        end: Index after its last character.
        look_back: Characters before the mention that are looked at.
    """
    before, after = text[max(0, start - look_back) : start], text[end : end + _LOOK_AHEAD]
    return _BEFORE.search(before) is not None or _AFTER.match(after) is not None

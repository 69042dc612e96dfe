"""What stands around an answer and is none of it: thoughts, annotations."""

from __future__ import annotations

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad"
_OPEN = re.compile(rf"<\s*(?:{_NAMES})\s*>", re.IGNORECASE)
_CLOSE = re.compile(rf"<\s*/\s*(?:{_NAMES})\s*>", re.IGNORECASE)
# Bounded, so that a text of thousands of open brackets costs no more than its length.
_ANGLE = re.compile(r"<[^<>\n]{1,40}>")
_SQUARE = re.compile(r"\[[^\[\]\n]{1,40}\]")
_HEARD = (
    "laughter|laughs|laughing|noise|music|applause|cough|coughs|coughing|sigh|sighs|breath|breathing|silence|pause|"
    "inaudible|unintelligible|crosstalk|foreign|unk|spn|sil|笑|笑声|音乐|掌声|咳嗽|噪音"
)
_ROUND = re.compile(rf"[(（]\s*(?:{_HEARD})\s*[)）]", re.IGNORECASE)


def cut_thoughts(text: str) -> str:
    """Cut what a model thinks aloud, in `<think>`, `<reasoning>` and the like: it is no part of the answer.

    Without an opening tag, all before the last closing one is thought; without a closing tag, all behind the opening
    one is: an answer that never came is empty.
    """
    if "<" not in text:
        return text
    closings = list(_CLOSE.finditer(text))
    opening = _OPEN.search(text)
    if closings and (opening is None or opening.start() > closings[0].start()):
        text = text[closings[-1].end() :]
        opening = _OPEN.search(text)
    kept = []
    while opening is not None:
        kept.append(text[: opening.start()])
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            text = ""
            break
        text = text[closing.end() :]
        opening = _OPEN.search(text)
    return "".join([*kept, text])


def drop_annotations(text: str) -> str:
    """Replace `<noise>`, `<|en|>`, `[laughter]`, `(laughs)` and their like by a space: they write what is no speech."""
    for mark, pattern in (("<", _ANGLE), ("[", _SQUARE)):
        if mark in text:
            text = pattern.sub(" ", text)
    return _ROUND.sub(" ", text) if "(" in text or "（" in text else text


TEXT_STEPS = {"cut_thoughts": cut_thoughts, "drop_annotations": drop_annotations}

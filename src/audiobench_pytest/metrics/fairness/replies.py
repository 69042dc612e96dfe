"""What stands around an answer and is none of it: thoughts, annotations."""

from __future__ import annotations

import re

_NAMES = (
    "think|thinking|thought|thoughts|thought_process|antthinking|reasoning|reason|reflection|scratchpad|analysis|"
    "inner_monologue|seed:think"
)
_OPEN = re.compile(
    rf"<\s*(?:{_NAMES})(?:\s[^<>]{{0,60}})?>|<\|begin_of_thought\|>|◁think▷|\[THINK\]|\[THINKING\]", re.IGNORECASE
)
_CLOSE = re.compile(rf"<\s*/\s*(?:{_NAMES})\s*>|<\|end_of_thought\|>|◁/think▷|\[/THINK\]|\[/THINKING\]", re.IGNORECASE)
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>\s*final\s*<\|message\|>")
_END_OF_MESSAGE = re.compile(r"<\|(?:end|return|start)\|>")
# Bounded, so that a text of thousands of open brackets costs no more than its length.
_ANGLE = re.compile(r"[<＜][^<>＜＞\n]{1,40}[>＞]")
_SQUARE = re.compile(r"[\[［【〔][^\[\]［］【】〔〕\n]{1,40}[\]］】〕]")
_HEARD = (
    "laughter|laughs?|laughing|chuckles?|noise|music|applause|clapping|coughs?|coughing|sighs?|breath|breathing|silence|"
    "pause|inaudible|unintelligible|crosstalk|foreign|unk|spn|sil|um|uh|hmm|"
    "lachen|lacht|gelächter|musik|applaus|beifall|husten|räuspern|stille|rires?|musique|applaudissements|toux|"
    "risas?|música|aplausos|tos|risate|risata|musica|applausi|risos?|tosse|gelach|muziek|applaus|śmiech|muzyka|brawa|"
    "смех|музыка|аплодисменты|кашель|шум|сміх|музика|оплески|kahkaha|gülüşmeler|müzik|alkış|tawa|musik|nhạc|tiếng cười|"
    "笑|笑声|笑聲|音乐|音樂|掌声|掌聲|咳嗽|噪音|笑い|拍手|音楽|咳|웃음|음악|박수|기침|ضحك|موسيقى|تصفيق|"
    "हंसी|हँसी|संगीत|तालियां|तालियाँ|เสียงหัวเราะ|ดนตรี|צחוק|מוזיקה"
)
_ROUND = re.compile(rf"[(（]\s*(?:{_HEARD})\s*[)）]|[*]\s*(?:{_HEARD})\s*[*]", re.IGNORECASE)
_ANY_THOUGHT = re.compile(r"[<◁\[]")
_ANY_BRACKET = re.compile(r"[<＜\[［【〔(（*]")


def cut_thoughts(text: str) -> str:
    """Cut what a model thinks aloud, in `<think>`, `<reasoning>` and the like: it is no part of the answer.

    Without an opening tag, all before the last closing one is thought; without a closing tag, all behind the opening
    one is: an answer that never came is empty.
    """
    if _ANY_THOUGHT.search(text) is None:
        return text
    if _CHANNEL in text:
        return _final_channel(text)
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


def begins_with_thoughts(text: str) -> bool:
    """Return whether thoughts stand before all else, with their opening tag or, in a template's prompt, without."""
    opening, closing = _OPEN.search(text), _CLOSE.search(text)
    if opening is None or (closing is not None and closing.start() < opening.start()):
        return closing is not None or _CHANNEL in text
    return not text[: opening.start()].strip()


def _final_channel(text: str) -> str:
    """Return what stands in the last final channel of a reply in channels; empty where there is none."""
    finals = list(_FINAL.finditer(text))
    if not finals:
        return ""
    answer = text[finals[-1].end() :]
    end = _END_OF_MESSAGE.search(answer)
    return answer[: end.start()] if end else answer


def drop_annotations(text: str) -> str:
    """Replace `<noise>`, `<|en|>`, `[laughter]`, `(laughs)` and their like by a space: they write what is no speech.

    Within angles and square brackets that is anything short; within round ones and asterisks only a known word, since
    those are also put around what is said.
    """
    if _ANY_BRACKET.search(text) is None:
        return text
    return _ROUND.sub(" ", _SQUARE.sub(" ", _ANGLE.sub(" ", text)))


TEXT_STEPS = {"cut_thoughts": cut_thoughts, "drop_annotations": drop_annotations}

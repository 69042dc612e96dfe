"""What speech models leave in the text of a reply that is no part of it."""

from __future__ import annotations

PREFIXES = ("<1>", "<2>", "<3>")
SUFFIX = "<|user|>"


def cut_reply_marks(text: str) -> str:
    """Cut a mark of the channel (`<1>`) at the beginning and of the next turn (`<|user|>`) at the end.

    A text without them is returned as it is, white space included. Defined by VoiceBench.
    """
    if text.startswith(PREFIXES):
        text = text[len(PREFIXES[0]) :].strip()
    if text.endswith(SUFFIX):
        text = text[: -len(SUFFIX)].strip()
    return text


TEXT_STEPS = {"cut_reply_marks": cut_reply_marks}

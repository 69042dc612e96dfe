"""Text steps that take words out which nobody is scored for: fillers, tags for what is no speech."""

from __future__ import annotations

import re

_GIGASPEECH = frozenset(
    {
        *("UH", "UHH", "UM", "EH", "MM", "HM", "AH", "HUH", "HA", "ER", "OOF", "HEE", "ACH", "EEE", "EW"),  # fillers
        *("<UNK>", "<COMMA>", "<PERIOD>", "<QUESTIONMARK>", "<EXCLAMATIONPOINT>"),  # unknown words, punctuation
        *("<SIL>", "<NOISE>", "<MUSIC>", "<OTHER>"),  # what is no speech
    }
)
_AUDIOBENCH = re.compile(r"\b(?:uh|umm|um|er|ah)\b")


def gigaspeech_reference(text: str) -> str:
    """Clean a reference of GigaSpeech as UltraEval-Audio does: upper case, hyphens to spaces, words without score out.

    Those are 15 fillers, the unknown word, the names of punctuation marks and the tags of utterances without speech.
    """
    return " ".join(word for word in text.upper().replace("-", " ").split() if word not in _GIGASPEECH)


def drop_audiobench_fillers(text: str) -> str:
    """Delete uh, um, umm, er and ah, the fillers of AudioBench, from a lower-case text."""
    return _AUDIOBENCH.sub("", text)


def name_emptiness(text: str) -> str:
    """Write the word `empty` for an empty text, as AudioBench does, so that nothing is compared with nothing."""
    return text if text.strip() else "empty"


TEXT_STEPS = {
    "drop_audiobench_fillers": drop_audiobench_fillers,
    "gigaspeech_reference": gigaspeech_reference,
    "name_emptiness": name_emptiness,
}

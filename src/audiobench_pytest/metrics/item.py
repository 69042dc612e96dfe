"""What a recipe may look at when it scores one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be scored.

    Attributes:
        reference: What was expected, as the test set writes it.
        prediction: What the model answered; `""` when it said nothing.
        language: ISO 639 code: of the speech for an error rate, of the target for a translation.
        choices: Texts of the options, in order (`("a cat", "a dog")` are A and B); empty where there are none.
        aliases: Further references that count as well as the first.
        id: The sample's id.
        audio_s: Seconds of sound, 0 where nobody said.
        given: What is known of an answer that is spoken: `speech` (fields of `types.KeptSpeech`, `codec`), `rating`.
        meta: Every other key of the row, unchanged (`question`, `instruction_id_list`, `speaker`).
    """

    reference: str
    prediction: str
    language: str = "en"
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    id: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    audio_s: float = 0.0
    given: Mapping[str, Any] = field(default_factory=dict)

"""Voxtral: its chat format and its tokens as its makers' own library has them, and long clips in half minutes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")

from tiny_checkpoints import speechlike, talker
from tiny_talkers import TEKKEN_MARKS, build_voxtral

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Audio, Message, Prompt, Request, Sound

BEGIN, INST, END_INST, AUDIO, BEGIN_AUDIO = 1, 3, 4, 24, 25


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_voxtral(tmp_path_factory.mktemp("voxtral") / "checkpoint")


@pytest.fixture(scope="module")
def voxtral(folder: Path) -> ModelAdapter:
    return talker(folder)


def letters(text: str) -> list[int]:
    """Return the tokens of a text without the pair of letters that the vocabulary has."""
    return [len(TEKKEN_MARKS) + byte for byte in text.encode()]


def inputs(adapter: Any, *messages: Message, **sounds: float) -> dict[str, Any]:
    request = Request(
        "c",
        Audio(speechlike(sounds.pop("audio", 1.0)), 16_000),
        Prompt(messages=messages),
        sounds={name: Audio(speechlike(seconds, 1), 16_000) for name, seconds in sounds.items()},
    )
    return dict(adapter._inputs([adapter._text(request)], [adapter._sounds(request)]))


# Taken from mistral-common 1.13.1, from the same vocabulary; the spectrograms were equal, too.
def test_a_question_becomes_the_tokens_of_the_makers_own_library(voxtral: ModelAdapter) -> None:
    made = inputs(voxtral, Message("user", (Sound(), "What is ñ?")))
    word_is = len(TEKKEN_MARKS) + 256
    said = [*letters("What "), word_is, *letters(" ñ?")]
    assert made["input_ids"].tolist() == [[BEGIN, INST, BEGIN_AUDIO, *[AUDIO] * 375, *said, END_INST]]
    assert made["input_features"].shape == (1, 128, 3000)


def test_turns_and_several_sounds_stand_in_their_order(voxtral: Any) -> None:
    import torch

    turns = (
        Message("user", ("a ", Sound(), " b ", Sound("more"))),
        Message("assistant", ("Yes.  ",)),
        Message("user", ("c",)),
    )
    made = inputs(voxtral, *turns, audio=31.2, more=3.0)
    first, second = [BEGIN_AUDIO, *[AUDIO] * 750], [BEGIN_AUDIO, *[AUDIO] * 375]
    asked = [BEGIN, INST, *letters("a "), *first, *letters(" b "), *second, END_INST]
    assert made["input_ids"].tolist() == [[*asked, *letters("Yes."), 2, INST, *letters("c"), END_INST]]
    assert made["input_features"].shape == (3, 128, 3000)
    extractor = voxtral._processor.feature_extractor
    for pieces, (seconds, seed) in ((made["input_features"][:2], (31.2, 0)), (made["input_features"][2:], (3.0, 1))):
        whole = extractor(
            speechlike(seconds, seed), sampling_rate=16_000, return_tensors="pt", truncation=False,
            padding="max_length", max_length=480_000 * len(pieces),
        )["input_features"][0]  # fmt: skip
        assert torch.equal(torch.cat(list(pieces), dim=1), whole)


def test_sound_and_instruction_alone_still_begin_as_every_text_does(folder: Path) -> None:
    adapter: Any = talker(folder, template="plain")
    request = Request("c", Audio(speechlike(1.0), 16_000), Prompt("a"))
    made = adapter._inputs([adapter._text(request)], [adapter._sounds(request)])
    assert made["input_ids"].tolist() == [[BEGIN, BEGIN_AUDIO, *[AUDIO] * 375, *letters("a")]]


def test_clips_of_different_pieces_share_a_batch(voxtral: ModelAdapter) -> None:
    batch = [
        Request(f"s{seed}", Audio(speechlike(seconds, seed), 16_000), Prompt("what?"))
        for seed, seconds in enumerate((1.0, 65.0, 30.0, 31.0))
    ]
    together = voxtral.generate(batch)
    assert together == [voxtral.generate([one])[0] for one in batch]
    assert [answer.meta.get("heard_s") for answer in together] == [None] * 4
    assert voxtral.describe()["hears_s"] == 2400.0


def test_what_is_said_behind_the_first_half_minute_is_heard(voxtral: ModelAdapter) -> None:
    import numpy as np

    start = speechlike(30, 1)
    parts = [start, *(np.concatenate([start, speechlike(20, seed)]) for seed in (2, 3))]
    said = {voxtral.generate([Request("a", Audio(part, 16_000), Prompt("what?"))])[0].text for part in parts}
    assert len(said) > 1


def test_a_system_message_beside_a_sound_is_refused(folder: Path, voxtral: ModelAdapter) -> None:
    told = Prompt(messages=(Message("system", ("Be brief.",)), Message("user", (Sound(),))))
    assert "no system message beside a sound" in str(voxtral.refuses(told))
    text = Prompt(messages=(Message("system", ("Be brief.",)), Message("user", ("Hm?",))))
    assert voxtral.refuses(text) is None
    assert voxtral._text(Request("c", Audio(speechlike(1.0), 16_000), text)) == (
        "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hm?[/INST]"
    )
    with pytest.raises(UsageError, match=r"system of model 'chat': .* no system message beside a sound"):
        talker(folder, load=False, system="Be brief.")


def test_a_checkpoint_without_its_vocabulary_or_with_a_torn_one_says_so(folder: Path, tmp_path: Path) -> None:
    torn = shutil.copytree(folder, tmp_path / "torn")
    (torn / "tekken.json").write_text("{")
    with pytest.raises(ModelError, match=r"model 'chat': .*tekken\.json: JSONDecodeError"):
        talker(torn)
    (torn / "tekken.json").unlink()
    with pytest.raises(ModelError, match=r"has no tekken\.json: copy it"):
        talker(torn)

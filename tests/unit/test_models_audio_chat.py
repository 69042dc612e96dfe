"""Audio chat checkpoints through the adapter: tiny, random, built here, loaded as the real ones are."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_checkpoints import build_audio_chat, rewrite, speechlike, talker

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.models.transformers.audio_chat import _Penalty
from audiobench_pytest.types import Answer, Audio, Call, Message, Prompt, Request, Sound

FAMILIES = ("audioflamingo3", "qwen2_audio")
QUESTIONS = ("what is said?", "who is it?")
LENGTHS = (1.0, 3.34567, 0.02, 31.5, 12.0, 0.0, 7.0, 2.2)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for family in FAMILIES:
        build_audio_chat(folder / family, family=family)
    build_audio_chat(folder / "penalised", repetition_penalty=1.4, do_sample=True, temperature=0.7, top_k=5)
    return folder


@pytest.fixture(scope="module")
def qwen(checkpoints: Path) -> ModelAdapter:
    return talker(checkpoints / "qwen2_audio")


def request(seconds: float, seed: int = 0, text: str | None = QUESTIONS[0]) -> Request:
    return Request(f"s{seed}", Audio(speechlike(seconds, seed), 16_000), Prompt(text))


def requests(*seconds: float) -> list[Request]:
    return [request(length, seed, QUESTIONS[seed % 2]) for seed, length in enumerate(seconds)]


def alone(adapter: ModelAdapter, batch: Sequence[Request]) -> list[Answer]:
    return [adapter.generate([one])[0] for one in batch]


def texts(answers: Sequence[Answer]) -> list[str]:
    return [answer.text for answer in answers]


# --- answers do not depend on the batch ---------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [{}, {"num_beams": "3"}, {"repetition_penalty": "1.3"}, {"do_sample": "yes"}, {"template": "plain"}],
    ids=["greedy", "beams", "penalty", "sampled", "plain"],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_is_answered_the_same_alone_and_in_any_batch(
    checkpoints: Path, family: str, args: dict[str, str]
) -> None:
    adapter, batch = talker(checkpoints / family, **args), requests(*LENGTHS)
    together = adapter.generate(batch)
    assert together == alone(adapter, batch)
    assert together == adapter.generate(batch[::-1])[::-1]
    assert [answer.error for answer in together] == [None] * len(batch)
    assert len(set(texts(together))) > len(batch) // 2, "what is heard must matter, or this shows nothing"


def test_texts_of_a_batch_end_at_different_places(qwen: ModelAdapter) -> None:
    answers = qwen.generate([request(1 + seed / 3, seed) for seed in range(12)])
    assert {answer.meta["finish_reason"] for answer in answers} == {"stop", "length"}
    for answer in answers:
        stopped = answer.meta["finish_reason"] == "stop"
        assert answer.meta["tokens"] == len(answer.text) + stopped <= 12


@pytest.mark.parametrize("beams", [1, 3])
def test_the_penalty_is_that_of_transformers_where_nothing_is_padded(beams: int) -> None:
    import torch
    from transformers import RepetitionPenaltyLogitsProcessor

    tokens = torch.randint(0, 50, (2 * beams, 9), generator=torch.manual_seed(0))
    scores = torch.randn(2 * beams, 50)
    ours = _Penalty(1.7, torch.ones(2, 6, dtype=torch.long), beams)(tokens, scores)
    assert torch.equal(ours, RepetitionPenaltyLogitsProcessor(1.7)(tokens, scores))
    assert not torch.equal(ours, scores)


def test_the_penalty_does_not_count_padding() -> None:
    import torch

    scores = torch.tensor([[1.0, 1.0, 1.0, -1.0]])
    tokens, mask = torch.tensor([[0, 0, 3, 2]]), torch.tensor([[0, 0, 1]])  # 0 is padding; 3 was asked, 2 is answered
    assert _Penalty(2.0, mask, 1)(tokens, scores).tolist() == [[1.0, 1.0, 0.5, -2.0]]


def test_the_checkpoints_penalty_is_heeded_and_its_sampling_is_not(checkpoints: Path, qwen: ModelAdapter) -> None:
    batch = requests(1, 2, 3, 4, 5)
    own = talker(checkpoints / "penalised")
    assert texts(own.generate(batch)) == texts(
        talker(checkpoints / "qwen2_audio", repetition_penalty="1.4").generate(batch)
    )
    assert texts(talker(checkpoints / "penalised", repetition_penalty="1").generate(batch)) == texts(
        qwen.generate(batch)
    )
    assert own.generate(batch) == alone(own, batch)


def test_seeds_and_temperature_matter_to_sampling_only(checkpoints: Path) -> None:
    batch = requests(1, 2, 3)

    def said(**args: str) -> list[str]:
        return texts(talker(checkpoints / "qwen2_audio", **args).generate(batch))

    assert said(do_sample="yes", seed="1") == said(do_sample="yes", seed="1") != said(do_sample="yes", seed="2")
    assert said(do_sample="yes", temperature="0.001") == said(seed="7")
    assert said(do_sample="yes", top_k="1") == said()


# --- what is asked ------------------------------------------------------------------------------


def test_the_instruction_and_the_system_message_reach_the_model(checkpoints: Path, qwen: ModelAdapter) -> None:
    clips = [request(2 + seed, seed) for seed in range(4)]
    others = [request(2 + seed, seed, "another question") for seed in range(4)]
    assert texts(qwen.generate(clips)) != texts(qwen.generate(others))
    told = talker(checkpoints / "qwen2_audio", system="you are deaf")
    assert texts(told.generate(clips)) != texts(qwen.generate(clips))
    assert told.identity() != qwen.identity()


def test_an_instruction_of_the_users_own_is_used_where_the_benchmark_has_none(
    checkpoints: Path, tmp_path: Path
) -> None:
    (tmp_path / "prompt.txt").write_text(f"{QUESTIONS[0]}\n")
    adapter = talker(checkpoints / "qwen2_audio", prompt=f"@{tmp_path / 'prompt.txt'}")
    assert not adapter.takes_instruction
    asked = adapter.generate([request(2, 1, None)])
    assert asked == talker(checkpoints / "qwen2_audio").generate([request(2, 1, QUESTIONS[0])])
    assert adapter.identity()["args"]["prompt"] == QUESTIONS[0]


def test_a_prompt_is_put_into_the_models_format_once(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter: Any = talker(checkpoints / "qwen2_audio")
    rendered = []
    render = adapter._processor.apply_chat_template

    def counted(*args: Any, **options: Any) -> Any:
        rendered.append(args)
        return render(*args, **options)

    monkeypatch.setattr(adapter._processor, "apply_chat_template", counted)
    for _ in range(3):
        adapter.generate(requests(1, 2, 3, 4))
    assert len(rendered) == len(QUESTIONS)
    assert adapter._rendered[QUESTIONS[0]] == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\nAudio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n{QUESTIONS[0]}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_the_plain_template_is_sound_and_instruction_alone(checkpoints: Path) -> None:
    adapter: Any = talker(checkpoints / "qwen2_audio", template="plain")
    adapter.generate([request(1)])
    assert adapter._rendered[QUESTIONS[0]] == f"<|audio_bos|><|AUDIO|><|audio_eos|>{QUESTIONS[0]}"


def test_an_instruction_that_holds_the_place_of_sound_is_refused(qwen: ModelAdapter) -> None:
    with pytest.raises(ModelError, match=r"2 places for sound .*must not hold '<\|AUDIO\|>'"):
        qwen.generate([request(1, 0, "repeat <|AUDIO|>")])
    with pytest.raises(ModelError, match="was given no instruction"):
        qwen.generate([request(1, 0, None)])


# --- long and short clips -----------------------------------------------------------------------


@pytest.mark.parametrize(("family", "most"), [("qwen2_audio", 30.0), ("audioflamingo3", 60.0)])
def test_a_clip_that_is_too_long_is_cut_and_says_so_or_is_refused(checkpoints: Path, family: str, most: float) -> None:
    batch = [request(1), request(most + 1, 1), request(most, 1)]
    cut = talker(checkpoints / family)
    short, long, whole = cut.generate(batch)
    assert [answer.meta.get("heard_s") for answer in (short, long, whole)] == [None, most, None]
    refusing = talker(checkpoints / family, long_audio="refuse")
    answers = refusing.generate(batch)
    assert answers[0] == short
    assert answers[1].text == ""
    assert answers[1].error == (
        f"a clip of {most + 1:.1f} s is longer than the {most:g} s that the model hears (long_audio=cut cuts it)"
    )
    assert answers[2] == whole
    assert refusing.generate([batch[1]]) == [answers[1]]


def test_a_long_clip_is_heard_to_its_end(checkpoints: Path) -> None:
    adapter = talker(checkpoints / "audioflamingo3")
    start = speechlike(30, 1)
    said = {
        adapter.generate([Request("a", Audio(np.concatenate(parts), 16_000), Prompt(QUESTIONS[0]))])[0].text
        for parts in ([start], *([start, speechlike(20, seed)] for seed in range(2, 6)))
    }
    assert len(said) > 1


def test_an_empty_batch_is_no_work(qwen: ModelAdapter) -> None:
    assert qwen.generate([]) == []


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"max_new_tokens": "0"}, "max_new_tokens=0 .*at least 1"),
        ({"num_beams": "0"}, "num_beams=0 .*at least 1"),
        ({"min_new_tokens": "13"}, "min_new_tokens .*above its max_new_tokens"),
        ({"temperature": "0.5"}, "temperature .*do_sample=yes only"),
        ({"do_sample": "yes", "temperature": "0"}, "temperature=0.0 .*above 0"),
        ({"do_sample": "yes", "top_p": "1.5"}, "top_p=1.5 .*at most 1"),
        ({"repetition_penalty": "nan"}, "repetition_penalty=nan .*above 0"),
        ({"template": "plain", "system": "x"}, "no system message with template=plain"),
        ({"dtype": "fp16"}, "one of auto, float32"),
        ({"prompt": "@/nowhere.txt"}, "@/nowhere.txt"),
    ],
)
def test_arguments_that_cannot_be_honoured_are_refused(checkpoints: Path, args: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        talker(checkpoints / "qwen2_audio", load=False, **args)


def test_the_number_of_tokens_is_bounded_on_both_sides(checkpoints: Path) -> None:
    adapter = talker(checkpoints / "qwen2_audio", min_new_tokens="7", max_new_tokens="7")
    assert [answer.meta["tokens"] for answer in adapter.generate(requests(*range(1, 9)))] == [7] * 8


def test_what_runs_is_decided_by_the_checkpoint(tmp_path: Path) -> None:
    rewrite(tmp_path, "config.json", model_type="whisper")
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    with pytest.raises(ModelError, match=r"is of type 'whisper'; this version talks to audioflamingo3, .*qwen2_audio"):
        talker(tmp_path, load=False)


def test_only_what_changes_answers_is_in_the_identity(checkpoints: Path, qwen: ModelAdapter) -> None:
    json.dumps(qwen.identity())
    same = talker(checkpoints / "qwen2_audio", load=False, threads="2", dtype="float32", device="auto")
    assert same.identity() == qwen.identity()
    for args in (
        {"num_beams": "2"},
        {"prompt": "x"},
        {"max_new_tokens": "9"},
        {"dtype": "bfloat16"},
        {"long_audio": "refuse"},
    ):
        assert talker(checkpoints / "qwen2_audio", load=False, **args).identity() != qwen.identity()


def test_bfloat16_is_the_half_precision_of_this_family(checkpoints: Path) -> None:
    adapter = create(talker(checkpoints / "qwen2_audio", load=False).spec, {"device": "cuda"})
    assert adapter.identity()["dtype"] == "bfloat16"


def test_what_ran_is_described(checkpoints: Path, qwen: ModelAdapter) -> None:
    told = qwen.describe()
    assert (told["device"], told["dtype"], told["attn"], told["hears_s"]) == ("cpu", "float32", "sdpa", 30.0)
    assert {"torch", "transformers", "device_name", "commit", "source"} <= set(told)
    json.dumps(told)
    assert talker(checkpoints / "qwen2_audio", attn="eager").describe()["attn"] == "eager"


def test_half_precision_answers(checkpoints: Path) -> None:
    adapter = talker(checkpoints / "qwen2_audio", dtype="bfloat16")
    assert [answer.error for answer in adapter.generate(requests(1, 2))] == [None, None]
    assert adapter.describe()["dtype"] == "bfloat16"


def test_the_catalogue_has_an_entry() -> None:
    spec = load_catalog().models.get("qwen2-audio")
    assert adapter_class(spec.adapter).__name__ == "TransformersAudioChatAdapter"
    assert (spec.source, spec.verified) == ("Qwen/Qwen2-Audio-7B-Instruct", False)


# --- while running ------------------------------------------------------------------------------


def test_running_out_of_memory_stays_torchs_own_error(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    adapter: Any = talker(checkpoints / "qwen2_audio")

    def burst(*_args: Any, **_options: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(adapter._model, "generate", burst)
    with pytest.raises(torch.OutOfMemoryError):
        adapter.generate(requests(1))


def test_audio_of_another_rate_is_not_taken(qwen: ModelAdapter) -> None:
    with pytest.raises(ModelError, match="sample 'x': model 'chat' wants 16000 Hz, got 8000 Hz"):
        qwen.generate([Request("x", Audio(speechlike(1), 8000), Prompt("?"))])


def test_a_warm_up_is_short_and_changes_nothing(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter: Any = talker(checkpoints / "qwen2_audio", min_new_tokens="12")
    assert adapter.warm_up
    assert adapter.overlaps
    before, identity = adapter.generate(requests(1, 2)), adapter.identity()
    lengths, generate = [], adapter._model.generate

    def counted(**options: Any) -> Any:
        tokens = generate(**options)
        lengths.append(tokens.shape[1] - options["input_ids"].shape[1])
        return tokens

    monkeypatch.setattr(adapter._model, "generate", counted)
    adapter.warm(request(1))
    assert len(lengths) == 1
    assert lengths[0] <= 4
    assert (adapter.generate(requests(1, 2)), adapter.identity()) == (before, identity)


def test_a_closed_model_is_gone_until_it_is_loaded_again(checkpoints: Path) -> None:
    adapter = talker(checkpoints / "qwen2_audio")
    before = adapter.generate(requests(1))
    adapter.close()
    with pytest.raises(ModelError, match="asked before it was loaded"):
        adapter.generate(requests(1))
    adapter.load()
    assert adapter.generate(requests(1)) == before


# --- conversations: order, several sounds, turns -------------------------------------------------


def conversation(*messages: Message, sounds: int = 1) -> Request:
    more = {f"audio{n}": Audio(speechlike(1.0 + n, n), 16_000) for n in range(2, sounds + 1)}
    return Request("c", Audio(speechlike(2.0, 1), 16_000), Prompt(messages=messages), sounds=more)


def test_text_and_sound_stand_where_the_prompt_puts_them(qwen: ModelAdapter) -> None:
    before = conversation(Message("user", (Sound(), QUESTIONS[0])))
    after = conversation(Message("user", (QUESTIONS[0], Sound())))
    assert qwen._text(before).index(qwen._processor.audio_token) < qwen._text(before).index(QUESTIONS[0])
    assert qwen._text(after).index(qwen._processor.audio_token) > qwen._text(after).index(QUESTIONS[0])
    plain = Request("c", before.audio, Prompt(QUESTIONS[0]))
    assert qwen._text(plain) == qwen._text(before), "the order of the model's own format"
    assert texts(qwen.generate([before])) == texts(qwen.generate([plain]))


def test_several_sounds_and_turns_are_heard_in_order_alone_and_in_a_batch(qwen: ModelAdapter) -> None:
    both = Message("user", (Sound(), "and", Sound("audio2"), "?"))
    swapped = Message("user", (Sound("audio2"), "and", Sound(), "?"))
    turns = (Message("system", ("Be brief.",)), Message("user", (Sound(),)), Message("assistant", ("Yes.",)), both)
    batch = [conversation(both, sounds=2), conversation(swapped, sounds=2), conversation(*turns, sounds=2)]
    together = qwen.generate(batch)
    assert together == alone(qwen, batch)
    assert len(set(texts(together))) == 3
    assert "Be brief." in qwen._text(batch[2])
    assert qwen._text(batch[2]).count(qwen._processor.audio_token) == 3


def test_a_model_of_one_sound_says_so(checkpoints: Path) -> None:
    two = Prompt(messages=(Message("user", (Sound(), Sound("audio2"))),))
    assert talker(checkpoints / "qwen2_audio").refuses(two) is None
    assert "hears 1 sound at once; the question has 2" in str(talker(checkpoints / "audioflamingo3").refuses(two))


# --- tools ---------------------------------------------------------------------------------------

TOOLS_TEMPLATE = (
    "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'audio' %}"
    "<|AUDIO|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% for t in m.tool_calls or [] %}<tool_call>{{ t.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LOOK = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}


def test_tools_and_earlier_calls_go_through_a_chat_template_that_has_a_place_for_them(
    checkpoints: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "with-tools"
    shutil.copytree(checkpoints / "qwen2_audio", folder)
    (folder / "chat_template.jinja").write_text(TOOLS_TEMPLATE)
    adapter = talker(folder)
    talk = (
        Message("user", (Sound(),)),
        Message("assistant", (), (Call("look", {"at": "it"}),)),
        Message("tool", ("Nothing there.",)),
        Message("user", (Sound("audio2"),)),
    )
    asked = Prompt(messages=talk, tools=(LOOK,))
    assert adapter.refuses(asked) is None
    adapter.load()
    sounds = {"audio2": Audio(speechlike(1.0, 2), 16_000)}
    request = Request("c", Audio(speechlike(2.0, 1), 16_000), asked, sounds=sounds)
    text = adapter._text(request)
    assert '"name": "look"' in text.partition("<|im_end|>")[0]
    assert '<tool_call>{"name": "look", "arguments": {"at": "it"}}</tool_call>' in text
    assert "<|im_start|>tool\nNothing there." in text
    (with_tools,) = adapter.generate([request])
    (without,) = adapter.generate([dataclasses.replace(request, prompt=Prompt(messages=talk))])
    assert with_tools.text != without.text, "tools are read"


def test_a_chat_template_without_a_place_for_tools_says_so(checkpoints: Path) -> None:
    asked = Prompt(messages=(Message("user", (Sound(),)),), tools=(LOOK,))
    told = str(talker(checkpoints / "qwen2_audio").refuses(asked))
    assert told.endswith("cannot be given tools to call; its chat template has no place for them")

"""The models that recognise nothing: oracle, noisy and null."""

from __future__ import annotations

import random
import subprocess
import sys

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.harness import with_errors
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

SENTENCE = "the ship left port at dawn with nine men and a small cargo of salt for towns up north"
WORDS = SENTENCE.split()


def adapter(name: str, **args: str) -> ModelAdapter:
    return create(ModelSpec(name, adapter=name), args)


def request(sample_id: str, reference: str | None = None) -> Request:
    return Request(sample_id, Audio(np.zeros(160, np.float32), 16_000), Prompt(), reference)


def sentences(count: int) -> list[Request]:
    rng = random.Random(1)
    return [request(f"s{i}", " ".join(rng.choices(WORDS, k=rng.randint(1, 30)))) for i in range(count)]


def test_oracle_answers_the_reference_unchanged() -> None:
    answers = adapter("oracle").generate([request("a", "Hello,  World!"), request("b", "你好 吗")])
    assert [answer.text for answer in answers] == ["Hello,  World!", "你好 吗"]


OPTIONS = ("a cat", "a dog", "a bird")


def chosen(name: str, reference: str | None = None, sample_id: str = "s", *, closed: bool = False) -> str:
    asked = Request(sample_id, None, Prompt(), reference, choices=OPTIONS, closed=closed)
    (answer,) = adapter(name).generate([asked])
    return answer.text


def test_oracle_says_what_is_right_as_a_model_would() -> None:
    assert chosen("oracle", "a dog", closed=True) == "It is a dog."
    assert chosen("oracle", "a dog") == "B. a dog"
    assert chosen("oracle", "C") == "C. a bird"
    assert chosen("oracle", "D") == "D"  # no option has this letter: as it stands
    assert chosen("oracle", "two cats") == "two cats"


def test_chance_picks_each_choice_about_equally_often_and_always_the_same_for_one_sample() -> None:
    picked = [chosen("chance", sample_id=f"s{i}", closed=True) for i in range(600)]
    assert picked == [chosen("chance", sample_id=f"s{i}", closed=True) for i in range(600)]
    assert {f"It is {option}." for option in OPTIONS} == set(picked)
    assert max(picked.count(one) for one in set(picked)) < 250  # 200, and four standard deviations
    assert {chosen("chance", sample_id=f"s{i}")[:2] for i in range(30)} == {"A.", "B.", "C."}


def test_chance_has_nothing_to_say_where_there_are_no_choices() -> None:
    (answer,) = adapter("chance").generate([request("a")])
    assert "no choices" in (answer.error or "")


@pytest.mark.parametrize("name", ["oracle", "noisy"])
def test_without_a_reference_there_is_an_error_and_no_text(name: str) -> None:
    (answer,) = adapter(name).generate([request("a")])
    assert answer.text == ""
    assert "no reference" in (answer.error or "")


def test_only_what_an_adapter_needs_is_declared() -> None:
    assert adapter("oracle").sees == {"reference", "choices"}
    assert adapter("chance").sees == {"choices", "sample_id"}
    assert adapter("noisy").sees == {"reference", "sample_id"}
    assert adapter("null").sees == {"sample_id"}


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.5, 1.0])
def test_noisy_has_the_error_rate_it_was_asked_for(rate: float) -> None:
    requests = sentences(1500)
    answers = adapter("noisy", wer=str(rate)).generate(requests)
    measured = jiwer.wer([str(r.reference) for r in requests], [a.text for a in answers])
    # 23,000 words: three standard deviations are at most 0.01.
    assert measured == pytest.approx(rate, abs=0.01)


def test_noisy_makes_all_three_kinds_of_error_about_equally_often() -> None:
    requests = sentences(1500)
    answers = adapter("noisy", wer="0.1").generate(requests)
    counts = jiwer.process_words([str(r.reference) for r in requests], [a.text for a in answers])
    kinds = (counts.substitutions, counts.deletions, counts.insertions)
    assert min(kinds) > 0.7 * max(kinds)


def test_noisy_counts_han_characters_as_words() -> None:
    reference = "今天天气很好我们去公园散步吧" * 200
    (answer,) = adapter("noisy", wer="0.2").generate([request("zh", reference)])
    assert " " not in answer.text
    assert jiwer.cer(reference, answer.text) == pytest.approx(0.2, abs=0.03)


def test_noisy_answers_do_not_depend_on_order_or_batch_but_on_seed_and_sample() -> None:
    requests = sentences(60)
    noisy = adapter("noisy", wer="0.3")
    whole = {r.sample_id: a.text for r, a in zip(requests, noisy.generate(requests), strict=True)}
    alone = {r.sample_id: noisy.generate([r])[0].text for r in reversed(requests)}
    assert whole == alone
    other = adapter("noisy", wer="0.3", seed="1").generate(requests)
    assert [a.text for a in other] != list(whole.values())
    same_words = [request(f"t{i}", SENTENCE) for i in range(20)]
    assert len({a.text for a in noisy.generate(same_words)}) > 10


def test_noisy_is_the_same_in_another_process() -> None:
    code = (
        "from audiobench_pytest.models.harness import with_errors; import random; "
        f"print(with_errors({SENTENCE!r}, 0.5, random.Random('0:x')))"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert other.strip() == adapter("noisy", wer="0.5").generate([request("x", SENTENCE)])[0].text


@given(st.text(), st.integers())
def test_rate_zero_changes_nothing_but_space_around(text: str, seed: int) -> None:
    assert with_errors(text, 0.0, random.Random(seed)) == text.strip()


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), st.integers())
def test_rate_one_leaves_as_many_errors_as_words(words: list[str], seed: int) -> None:
    counts = jiwer.process_words(" ".join(words), with_errors(" ".join(words), 1.0, random.Random(seed)))
    assert counts.substitutions + counts.deletions + counts.insertions == len(words)


def test_null_answers_with_the_sample_id_and_looks_at_nothing_else() -> None:
    answers = adapter("null").generate([Request("a/1", None, Prompt()), request("b", "reference")])
    assert [answer.text for answer in answers] == ["null a/1", "null b"]


def test_null_is_not_handed_audio_unless_decoding_is_measured() -> None:
    assert adapter("null").sample_rate == 16_000
    assert adapter("null", decode="false").sample_rate is None


@pytest.mark.parametrize("name", ["oracle", "noisy", "null"])
def test_options_of_speed_do_not_change_the_identity(name: str) -> None:
    plain = adapter(name)
    assert adapter(name, decode="no", delay="0.2").identity() == plain.identity()
    assert plain.identity()["adapter"] == name


def test_options_of_content_change_the_identity() -> None:
    known = [adapter("noisy", **args).identity() for args in ({}, {"wer": "0.2"}, {"seed": "3"})]
    assert len({str(identity) for identity in known}) == 3


def test_delay_is_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("audiobench_pytest.models.harness.time.sleep", slept.append)
    slow = adapter("null", delay="0.05")
    slow.generate([request(str(i)) for i in range(10)])
    slow.generate([])
    assert slept == [0.05]


@pytest.mark.parametrize(
    ("name", "args"), [("noisy", {"wer": "1.2"}), ("noisy", {"wer": "-1"}), ("null", {"delay": "-1"})]
)
def test_impossible_values_are_refused(name: str, args: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="must"):
        adapter(name, **args)

"""What an answer costs, by what the vendor counts or by its length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.prices import cost_of, estimated
from audiobench_pytest.catalog.schema import PriceSpec
from audiobench_pytest.models.openai.replies import Reply
from audiobench_pytest.records.runs.ledger import Ledger
from audiobench_pytest.runner.purse import Purse

TOKENS = PriceSpec("2025-06", audio_tokens=40, tokens_per_second=10, text_tokens=2.5, output_tokens=10)
SECONDS = PriceSpec("2025-06", audio_second=0.0001)


def test_what_the_server_counted_is_what_is_paid():
    told = {"prompt_tokens": 130, "audio_tokens": 100, "tokens": 20}
    assert cost_of(TOKENS, 10.0, "", "", told) == pytest.approx((100 * 40 + 30 * 2.5 + 20 * 10) / 1e6)


def test_what_it_did_not_count_goes_by_length():
    assert cost_of(TOKENS, 10.0, "x" * 40, "y" * 80, {}) == pytest.approx((100 * 40 + 10 * 2.5 + 20 * 10) / 1e6)
    assert cost_of(SECONDS, 60.0, "words", "words", {"tokens": 9}) == pytest.approx(0.006)


def test_tokens_of_a_spoken_answer_have_a_price_of_their_own_where_there_is_one():
    told = {"prompt_tokens": 0, "audio_tokens": 0, "tokens": 25, "spoken_tokens": 20}
    spoken = PriceSpec("2025-10", output_tokens=16, spoken_tokens=64)
    assert cost_of(spoken, 1.0, "", "", told) == pytest.approx((5 * 16 + 20 * 64) / 1e6)
    assert cost_of(spoken, 1.0, "", "", {**told, "spoken_tokens": 99}) == pytest.approx(25 * 64 / 1e6), (
        "no more than all"
    )
    assert cost_of(TOKENS, 1.0, "", "", told) == pytest.approx(25 * 10 / 1e6)
    assert estimated(spoken, 10.0, aloud=True) > 10 * estimated(spoken, 10.0)
    assert estimated(TOKENS, 10.0, aloud=True) == estimated(TOKENS, 10.0)


@given(st.floats(0, 3600), st.floats(0, 3600))
def test_more_sound_never_costs_less(one, other):
    assert (estimated(TOKENS, one) <= estimated(TOKENS, other)) == (one <= other) or estimated(
        TOKENS, one
    ) == estimated(TOKENS, other)


@pytest.mark.parametrize("details", ["prompt_tokens_details", "input_token_details"])
def test_tokens_of_sound_are_read_from_a_reply(details):
    reply = Reply()
    reply.take_whole({"text": "x", "usage": {details: {"audio_tokens": 7, "text_tokens": 2}}}, is_chat=False)
    assert reply.answer(1.0).meta["audio_tokens"] == 7


@pytest.mark.parametrize("details", ["completion_tokens_details", "output_token_details"])
def test_tokens_of_a_spoken_answer_are_told_where_there_are_any(details):
    for counted, told in ((7, {"spoken_tokens": 7}), (0, {})):
        reply = Reply()
        reply.take_whole({"text": "x", "usage": {details: {"audio_tokens": counted}}}, is_chat=False)
        assert reply.answer(1.0).meta == told


def test_every_price_says_of_when_it_is():
    for model in load_catalog().models:
        if model.price is not None:
            assert len(model.price.as_of) == 7, model.name
            assert estimated(model.price, 10.0) > 0, model.name


def test_processes_of_a_run_pay_from_one_purse(tmp_path):
    one, other = (Purse(Ledger(tmp_path / "paid.bin"), 0.01) for _ in range(2))
    assert one.admit(SECONDS, "a", 50.0, "")
    assert not one.admit(SECONDS, "b", 60.0, ""), "what is on its way counts"
    one.settle("a", 0.004)
    assert one.admit(SECONDS, "b", 60.0, "")
    one.settle("b", 0.0)
    assert not other.admit(SECONDS, "c", 61.0, ""), "what another process paid counts"
    assert other.admit(SECONDS, "c", 60.0, "")
    assert (one.refused, other.refused) == (True, True)


def test_a_spoken_answer_sets_more_aside(tmp_path):
    purse = Purse(Ledger(tmp_path / "paid.bin"), 0.01)
    price = PriceSpec("2025-10", output_tokens=16, spoken_tokens=64)
    assert purse.admit(price, "a", 100.0, "")
    assert not purse.admit(price, "b", 100.0, "", aloud=True)


def test_a_torn_payment_is_not_read(tmp_path):
    ledger = Ledger(tmp_path / "paid.bin")
    ledger.add(0.25)
    with (tmp_path / "paid.bin").open("ab") as file:
        file.write(b"\0\0\0")
    assert ledger.total() == 0.25

"""How an answer ended: told by the server, or by what stands in it."""

from __future__ import annotations

from typing import Any

import pytest

from audiobench_pytest.leaderboard.quantities import ATTEMPTS, OF_ENDINGS
from audiobench_pytest.runner.asking.questions import ending_of
from audiobench_pytest.types import ENDINGS, Prediction

CALL = {"calls": [{"name": "light", "arguments": {}}]}


@pytest.mark.parametrize(
    ("text", "meta", "ended"),
    [
        ("yes", {}, ""),
        ("yes", {"finish_reason": "stop"}, ""),
        ("yes", {"finish_reason": "length"}, "length"),
        ("yes", {"finish_reason": "MAX_TOKENS"}, "length"),
        ("", {"finish_reason": "content_filter"}, "filter"),
        ("", {"finish_reason": "SAFETY"}, "filter"),
        ("I would", {"finish_reason": "stop", "refusal": "I cannot"}, "refusal"),
        ("<think>hm</think>yes", {"finish_reason": "stop"}, ""),
        ("<think>hm</think>yes", {"finish_reason": "length"}, "length"),
        ("<think>hm, well", {"finish_reason": "length"}, "thoughts_cut"),
        ("<think>hm</think>", {"finish_reason": "stop"}, "thoughts_cut"),
        ("", {"finish_reason": "length", "thoughts": "hm, well"}, "thoughts_cut"),
        ("", {"finish_reason": "stop", "thoughts": "hm"}, "empty"),
        ("", CALL, "tool_call"),
        ("I turn it on", CALL, ""),
        (" \n", {}, "empty"),
        ("", {"finish_reason": "length"}, "length"),
    ],
)
def test_endings(text: str, meta: dict[str, Any], ended: str) -> None:
    assert ending_of(Prediction("k", text, None, 1.0, 0.1, meta=meta)) == ended


def test_a_call_of_a_tool_that_was_offered_is_an_answer() -> None:
    assert ending_of(Prediction("k", "", None, 1.0, 0.1, meta=CALL), offered=True) == ""


def test_what_failed_did_not_end() -> None:
    assert ending_of(Prediction("k", "", "out of memory", 1.0, 0.1)) == ""


def test_each_ending_has_words_and_a_share_that_can_be_limited() -> None:
    assert set(OF_ENDINGS) == set(ENDINGS)
    assert set(OF_ENDINGS.values()) <= set(ATTEMPTS)

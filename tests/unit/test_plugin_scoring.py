"""The channel of answers and the recipes that read them there are decided together; what contradicts is refused."""

import dataclasses

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.suites import load_suites, plan
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.scoring import Wish, scored
from audiobench_pytest.plugin.asked.suites import Suite

CATALOG = load_catalog()
SOUNDS = ["dnsmos/audiobench-pytest@1", "speech-shape/audiobench-pytest@1"]
IN_TEXT, IN_SPEECH, VOICE = "librispeech-test-clean", "speech-triviaqa", "cvss-zh-en"


def suite(name, *, own=True):
    return Suite(name, plan(load_suites().get(name), CATALOG), own)


def asked(dataset, *, model="oracle", recipes=(), answer="", within=None, borrower=""):
    wish = Wish(answer, tuple(map(CATALOG.recipes.get, recipes)), within)
    spec = CATALOG.datasets.get(dataset)
    spec = CATALOG.borrowed(spec, CATALOG.tasks.get(borrower)) if borrower else spec
    found = scored(CATALOG, wish, spec, CATALOG.models.get(model))
    return [(one.channel, [recipe.name for recipe in one.recipes]) for one in found]


def test_a_task_is_answered_in_its_channel_unless_the_user_asks_for_another():
    assert asked(IN_SPEECH) == [("text", ["match/qa-exist"])]
    assert asked(IN_SPEECH, answer="speech") == [("speech", ["asr-match/qa-exist", *SOUNDS])]
    assert asked(VOICE) == asked(VOICE, answer="speech") == [("speech", ["asr-s2st/cvss@1", *SOUNDS])]


def test_what_a_recipe_of_texts_reads_of_speech_is_its_transcript_in_every_task():
    assert asked(IN_SPEECH, answer="speech", recipes=["match/qa-exist"]) == [("speech", ["asr-match/qa-exist"])]
    assert asked(VOICE, recipes=["bleu/covost2@ultraeval", SOUNDS[0]]) == [
        ("speech", ["asr-bleu/covost2@ultraeval", SOUNDS[0]])
    ]


@pytest.mark.parametrize("recipe", ["asr-match/qa-exist", *SOUNDS, "bit-rate/audiobench-pytest@1"])
@pytest.mark.parametrize("within", [None, "ultraeval-understanding"])
def test_a_recipe_of_sounds_is_refused_where_there_is_no_sound(recipe, within):
    with pytest.raises(UsageError, match=f"recipe {recipe} scores the sound.*answered in text: add --answer speech"):
        asked(IN_TEXT, recipes=[recipe], within=within and suite(within))


def test_a_channel_that_a_task_has_not_is_refused():
    with pytest.raises(UsageError, match=r"--answer text: the task s2st .* is answered in speech"):
        asked(VOICE, answer="text")
    calls = next(one.name for one in CATALOG.datasets if one.task == "toolcall")
    with pytest.raises(UsageError, match=r"--answer speech: the task toolcall .* is answered in calls"):
        asked(calls, answer="speech")
    assert [channel for channel, _ in asked(calls, answer="text")] == ["text"]


def test_a_suite_says_channel_and_recipe_of_each_of_its_sets():
    mixed = suite("kimi-replication")
    assert asked(IN_TEXT, within=mixed) == [("text", ["wer/ultraeval@1.1"])]
    assert asked(IN_SPEECH, within=mixed) == [("speech", ["asr-match/qa-exist"])]
    assert asked(IN_SPEECH, within=mixed, recipes=["choice/voicebench@2025-06"]) == [
        ("speech", ["asr-choice/voicebench@2025-06"])
    ]


@pytest.mark.parametrize(("dataset", "answer", "other"), [(IN_TEXT, "speech", "text"), (IN_SPEECH, "text", "speech")])
def test_another_channel_than_that_of_the_suites_numbers_is_refused(dataset, answer, other):
    with pytest.raises(UsageError, match=f"--answer {answer}: .* kimi-replication .* answers in {other}: leave out"):
        asked(dataset, answer=answer, within=suite("kimi-replication"))
    assert asked(dataset, answer=other, within=suite("kimi-replication")) == asked(
        dataset, within=suite("kimi-replication")
    )


def both():
    """A suite's protocols with numbers of one set in both channels, of two models."""
    speaks = next(one for one in suite("kimi-replication").protocols if one.protocol.dataset == IN_SPEECH)
    as_text = dataclasses.replace(speaks.protocol, channel="text", model="kimiaudio", recipe="match/qa-exist")
    return dataclasses.replace(speaks, protocol=as_text), speaks


def test_numbers_of_both_channels_are_two_questions_each_with_its_own_recipe():
    writes, speaks = both()
    mixed = Suite("both", (writes, speaks), own_models=True)
    text, speech = ("text", ["match/qa-exist"]), ("speech", ["asr-match/qa-exist"])
    assert asked(IN_SPEECH, within=mixed) == [text, speech]
    assert asked(IN_SPEECH, within=mixed, answer="speech") == [speech]
    published = Suite("both", (writes, speaks), own_models=False)
    assert asked(IN_SPEECH, within=published, model=writes.protocol.model) == [text]
    assert asked(IN_SPEECH, within=published, model=speaks.protocol.model) == [speech]


def test_a_borrowed_set_is_asked_for_the_numbers_of_speech_and_no_others():
    assert asked(IN_TEXT, within=suite("kimi-replication"), borrower="codec") == []
    of_text = next(one for one in suite("kimi-replication").protocols if one.protocol.dataset == IN_TEXT)
    as_speech = dataclasses.replace(of_text.protocol, channel="speech", recipe="asr-wer/audiobench-pytest@1")
    mixed = Suite("both", (of_text, dataclasses.replace(of_text, protocol=as_speech)), own_models=True)
    assert asked(IN_TEXT, within=mixed) == [("text", ["wer/ultraeval@1.1"])]
    assert asked(IN_TEXT, within=mixed, borrower="codec") == [("speech", ["asr-wer/audiobench-pytest@1"])]

"""The registry of an UltraEval-Audio checkout as it is: what becomes of its entries, and what has no counterpart."""

import pytest
import ultraeval_registry

from audiobench_pytest.catalog.loader import left_out, load_catalog, use_folders
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.models.ways import best


@pytest.fixture
def catalog(tmp_path):
    use_folders([f"ultraeval:{ultraeval_registry.write(tmp_path)}"])
    yield load_catalog()
    use_folders([])


def test_data_sets_are_ours_with_their_task_recipe_and_words(catalog):
    one = catalog.datasets.get("read-en")
    assert (one.task, one.recipe, one.language, one.family) == ("asr", "wer/ultraeval@1.1", "en", "ultraeval")
    assert (one.hub.repo, one.hub.config, one.hub.split, one.hub.text_column) == ("acme/read", "plain", "test", "Words")
    assert one.prompt == "ultraeval/asr/write"
    one = catalog.datasets.get("pocketsphinx-said")
    assert (one.language, one.hub.split) == ("zh", "test")
    one = catalog.datasets.get("talk-de-en")
    assert (one.task, one.language, one.target_language) == ("translation", "de", "en")
    assert one.recipe == "bleu/covost2@ultraeval"
    one = catalog.datasets.get("moods")
    assert (one.task, one.recipe) == ("emotion", "match/prefix@ultraeval")
    one = catalog.datasets.get("open_chat")
    assert (one.task, one.hub.text_column, one.hub.columns) == ("chat", None, (("question", ("prompt",)),))
    one = catalog.datasets.get("quiz")
    assert (one.task, one.recipe) == ("audio-qa", "choice/first-option@ultraeval")
    for one in catalog.datasets:
        if one.family == "ultraeval":
            catalog.recipe_for(one)
            assert catalog.prompts.get(one.prompt).task == one.task


def test_a_name_that_is_ours_already_is_told_apart_and_has_what_we_know(catalog):
    assert catalog.datasets.get("aishell-1").family == "aishell_1"
    theirs = catalog.datasets.get("aishell-1@ultraeval")
    assert (theirs.samples, theirs.language, theirs.prompt) == (7176, "zh", "ultraeval/asr/write")


def test_prompts_place_the_sound_where_theirs_do(catalog):
    def turns(name):
        return [(turn.role, turn.text) for turn in catalog.prompts.get(name).turns]

    assert turns("ultraeval/asr/write") == [("user", "Write what you hear. {{ audio }}")]
    assert turns("ultraeval/emotion/mood") == [("user", "{{ audio }}Which mood?")]
    assert turns("ultraeval/chat/sound-alone") == [("user", "{{ audio }}")]
    assert turns("ultraeval/audio-qa/pick")[0] == ("system", "You pick.")
    assert not any(prompt.chosen for prompt in catalog.prompts if prompt.name.startswith("ultraeval/"))


def test_models_are_ours_with_the_same_weights(catalog):
    one = catalog.models.get("MiniCPMo2_6-audio@ultraeval")
    assert (one.adapter, one.source, one.args["max_new_tokens"]) == ("isolated", "openbmb/MiniCPM-o-2_6", "128")
    one = catalog.models.get("hears")
    assert (one.adapter, one.source) == ("transformers-asr", "acme/hears")


@pytest.mark.parametrize(
    ("name", "speaks", "is_azures"), [("gpt4o_audio", False, False), ("gpt4o_speech_ms", True, True)]
)
def test_a_realtime_model_speaks_and_is_azures_as_theirs_is(catalog, name, speaks, is_azures):
    one = catalog.models.get(f"{name}@ultraeval")
    assert (one.adapter, one.source) == ("openai-realtime", "gpt-4o-realtime-preview-2024-10-01")
    assert (one.args["modality"] == "speech", one.args["key_env"].startswith("AZURE")) == (speaks, is_azures)


def test_a_model_of_theirs_is_run_with_their_arguments_whatever_ways_ours_has(catalog):
    assert {way.name for way in catalog.models.get("qwen2.5-omni").ways} >= {"transformers", "vllm"}
    one = catalog.models.get("omni")
    assert (one.source, one.ways, one.verified) == ("Qwen/Qwen2.5-Omni-7B", (), False)
    assert best(one, {}).args["max_new_tokens"] == "64"


def test_a_file_of_ones_own_is_a_manifest(catalog, tmp_path):
    one = catalog.datasets.get("calls")
    assert one.manifest.path == str(tmp_path / "calls.jsonl")
    assert one.manifest.columns == (("audio", ("WavPath",)), ("text", ("Transcript",)))


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (
            "datasets",
            "strange",
            "(dataset/hub.yaml) cannot be had: it is of class dataset.martian.Martian, which",
        ),
        ("datasets", "lost", "its registry has no task 'nobody-knows'"),
        ("datasets", "talk", "neither split nor name says which language is translated into which"),
        ("datasets", "saved", "read from a folder that the datasets library saved (local_path)"),
        ("datasets", "spoken-quiz", "the task 'quiz-aloud': its answers are spoken"),
        ("datasets", "calls-elsewhere", "its paths are relative to sounds"),
        (
            "models",
            "alien",
            "model 'alien' of UltraEval-Audio (model/all.yaml) cannot be had: it is of class models",
        ),
        ("models", "talks", "it answers in speech"),
        ("models", "unheard", "no model here has the weights 'acme/nothing'"),
        ("prompts", "tags", "the prompt 'tags' writes '<sound>{{WavPath}}</sound>' as text"),
    ],
)
def test_what_has_no_counterpart_says_why_when_it_is_asked_for(catalog, kind, name, words):
    with pytest.raises(UsageError) as told:
        getattr(catalog, kind).get(name)
    assert words in str(told.value)
    assert words in " ".join(map(str, left_out()))


def test_all_that_has_no_counterpart_is_listed_and_nothing_else(catalog):
    assert sorted(left.name for left in left_out()) == [
        *(
            "alien",
            "calls-elsewhere",
            "lost",
            "num_beams=5 of MiniCPMo2_6-audio",
            "saved",
            "spoken-quiz",
            "strange",
            "tags",
            "talk",
            "talks",
            "unheard",
        )
    ]
    assert len([one for one in catalog.datasets if one.family == "ultraeval"]) == 8


def test_without_a_checkout_nothing_of_it_is_left(catalog):
    use_folders([])
    assert left_out() == []
    assert "read-en" not in load_catalog().datasets


def read(folder):
    use_folders([f"ultraeval:{folder}"])
    left_out()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (None, None, "holds no registry: name the folder of an UltraEval-Audio checkout"),
        ("dataset/own.yaml", "calls: [", "own.yaml"),
        ("dataset/own.yaml", "calls: {args: {}}", "own.yaml: 'calls': expected a mapping with `class` and `args`"),
        ("model/all.yaml", "m: {class: x, args: 3}", "all.yaml: 'm': args: expected a mapping, found '3'"),
    ],
)
def test_a_wrong_registry_is_told_by_file_and_entry(tmp_path, name, text, words):
    if name is not None:
        ultraeval_registry.write(tmp_path)
        (tmp_path / "registry" / name).write_text(text)
    try:
        with pytest.raises(CatalogError) as told:
            read(tmp_path)
        assert words in str(told.value)
    finally:
        use_folders([])

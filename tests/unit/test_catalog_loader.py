"""The catalogue's YAML: typed by the schema, checked field by field, found by any spelling."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import Entries, load_catalog, use_folders
from audiobench_pytest.catalog.reading import read_entries
from audiobench_pytest.catalog.schema import (
    DatasetSpec,
    LanguageRule,
    ModelSpec,
    RecipeSpec,
    StepSpec,
    language_code,
)
from audiobench_pytest.catalog.schema.recipes import _SHORT
from audiobench_pytest.errors import CatalogError, UnknownNameError


def read(tmp_path, text, kind="datasets", spec=DatasetSpec):
    path = tmp_path / "some.yaml"
    path.write_text(text, "utf-8")
    return list(read_entries(path, kind, spec))


def test_scalars_stay_what_is_written_until_the_schema_types_them(tmp_path):
    (spec,) = read(
        tmp_path,
        """
datasets:
  - name: yes
    language: no
    samples: 0100
    aliases: [1.10, 2026-01-01, null]
    hub: {repo: org/set, split: on, revision: 1e3, verified: true, files: [a/*.parquet]}
""",
    )
    assert (spec.name, spec.language, spec.samples) == ("yes", "no", 100)
    assert spec.aliases == ("1.10", "2026-01-01", "null")
    assert (spec.hub.split, spec.hub.revision, spec.hub.verified, spec.hub.files) == (
        "on",
        "1e3",
        True,
        ("a/*.parquet",),
    )
    assert spec.hub.text_column == "text", "a default"


@pytest.mark.parametrize("nothing", ["", "null", "~"])
def test_an_optional_field_may_be_nothing(tmp_path, nothing):
    (spec,) = read(tmp_path, f"datasets: [{{name: a, samples: {nothing}}}]")
    assert spec.samples is None


def test_nested_mappings_are_typed(tmp_path):
    text = """
recipes:
  - name: r/x@1
    score: wer
    default: {steps: [lower, "json_field": answer, labels: [happy, sad]]}
    languages:
      zh: {steps: [], unit: mixed}
"""
    (spec,) = read(tmp_path, text, "recipes", RecipeSpec)
    steps = (StepSpec("lower"), StepSpec("json_field", "answer"), StepSpec("labels", ("happy", "sad")))
    assert (spec.default, spec.languages) == (LanguageRule(steps, "word"), {"zh": LanguageRule((), "mixed")})


def test_a_recipe_with_one_rule_writes_it_beside_its_name(tmp_path):
    text = """
recipes:
  - {name: a@1, score: wer, steps: [strip_tags, whisper_english]}
  - {name: b@1, score: wer, steps: [lower], unit: mixed, prediction: [cut_reply_marks], languages: {zh: {unit: zh}}}
  - {name: "{unit}@1", score: wer, matrix: [{unit: word}, {unit: character}]}
"""
    first, second, *others = read(tmp_path, text, "recipes", RecipeSpec)
    assert first.default == LanguageRule((StepSpec("strip_tags"), StepSpec("whisper_english")))
    assert second.default == LanguageRule((StepSpec("lower"),), "mixed", (), (StepSpec("cut_reply_marks"),))
    assert second.languages == {"zh": LanguageRule(unit="zh")}
    assert [(one.name, one.default.unit) for one in others] == [("word@1", "word"), ("character@1", "character")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("steps: [lower], default: {unit: mixed}", r"r@1\): 'steps' belongs under 'default'.*write it there"),
        ("stps: [lower]", r"unknown field 'stps' \(did you mean steps\?\)"),
        ("steps: lower", "steps: expected a list, found 'lower'"),
        ("languages: {zh: {step: [lower]}}", r"unknown field 'step' \(did you mean steps\?\)"),
    ],
)
def test_a_rule_beside_the_name_is_checked_like_any_other(tmp_path, fields, words):
    with pytest.raises(CatalogError, match=words):
        read(tmp_path, f"recipes: [{{name: r@1, score: wer, {fields}}}]", "recipes", RecipeSpec)


@pytest.mark.parametrize("step", ["{a: b, c: d}", "[lower]", "{labels: {a: b}}"])
def test_a_step_is_a_name_or_a_name_with_its_argument(tmp_path, step):
    with pytest.raises(CatalogError, match=r"r/x@1.*default: steps: expected a step"):
        read(
            tmp_path,
            f"recipes:\n  - name: r/x@1\n    score: wer\n    default: {{steps: [{step}]}}\n",
            "recipes",
            RecipeSpec,
        )


def test_a_matrix_stands_for_one_entry_per_row(tmp_path):
    text = """
datasets:
  - name: set-{part}-{kind}
    matrix:
      - {part: test, kind: clean, samples: 10}
      - {part: dev, kind: other, samples: 20, language: de}
    hub: {repo: org/set, split: "{part}_{kind}", files: ["{part}/*.parquet"]}
"""
    first, second = read(tmp_path, text)
    assert [(s.name, s.samples, s.language) for s in (first, second)] == [
        ("set-test-clean", 10, "en"),
        ("set-dev-other", 20, "de"),
    ]
    assert (second.hub.split, second.hub.files) == ("dev_other", ("dev/*.parquet",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "some.yaml: "),
        ("", "expected a list under the key 'datasets'"),
        ("models: []", "expected a list under the key 'datasets'"),
        ("datasets: {name: a}", "expected a list under the key 'datasets'"),
        ("datasets: [a]", "entry 1 is no mapping"),
        ("datasets: [{task: asr}]", r"some\.yaml: entry 1 \(without a name\): the field 'name' is missing"),
        ("datasets: [{name: a}, {name: b, langage: en}]", r"entry 2 \(b\): unknown field 'langage' .*language"),
        ("datasets: [{name: a, samples: many}]", "a.*: samples: expected int, found 'many'"),
        ("datasets: [{name: a, samples: 1.5}]", "samples: expected int, found '1.5'"),
        ("datasets: [{name: [a]}]", "name: expected str, found"),
        ("datasets: [{name: a, aliases: b}]", "aliases: expected a list, found 'b'"),
        ("datasets: [{name: a, hub: org/set}]", "hub: expected a mapping, found 'org/set'"),
        ("datasets: [{name: a, hub: {repo: r}}]", "hub: the field 'split' is missing"),
        ("datasets: [{name: a, hub: {repo: r, split: s, colum: t}}]", "hub: unknown field 'colum'"),
        ("datasets: [{name: a, hub: {repo: r, split: s, verified: maybe}}]", "verified: expected true or false"),
        ("datasets: [{name: a, matrix: }]", r"entry 1 \(a\): matrix: expected a list of mappings"),
        ("datasets: [{name: a, matrix: []}]", "matrix: expected a list of mappings"),
        ("datasets: [{name: a, matrix: {x: 1}}]", "matrix: expected a list of mappings"),
        ("datasets: [{name: a, matrix: [1]}]", "matrix: expected a list of mappings"),
        ("datasets: [{name: 'a-{part}', matrix: [{prat: x}]}]", r"matrix: 'prat' is no field, .*\{prat\}"),
    ],
)
def test_a_mistake_is_told_with_file_entry_and_field(tmp_path, text, words):
    with pytest.raises(CatalogError, match=words):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CatalogError, match=r"gone\.yaml"):
        list(read_entries(tmp_path / "gone.yaml", "datasets", DatasetSpec))


def test_the_pure_python_loader_reads_the_same(tmp_path, monkeypatch):
    text = "datasets: [{name: no, samples: 010, aliases: [1.10, ~], hub: {repo: r, split: on}}]"
    fast = read(tmp_path, text)
    monkeypatch.delattr(yaml, "CBaseLoader", raising=False)
    assert read(tmp_path, text) == fast


def entries(*specs):
    return Entries("dataset", specs)


@pytest.mark.parametrize("spelling", ["Libri-Test_Clean", "libri-test-clean", "LIBRI_TEST_CLEAN", "ltc"])
def test_case_and_underscores_do_not_matter(spelling):
    found = entries(DatasetSpec("libri-test-clean", aliases=("LTC",)), DatasetSpec("other"))
    assert found.get(spelling).name == "libri-test-clean"
    assert spelling in found


def test_an_unknown_name_lists_close_ones():
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'librispech' \(did you mean librispeech\?\); known: "):
        entries(DatasetSpec("librispeech"), DatasetSpec("other")).get("librispech")
    assert "librispech" not in entries(DatasetSpec("librispeech"))


@pytest.mark.parametrize(
    "other", [DatasetSpec("A_b"), DatasetSpec("c", aliases=("a-B",)), DatasetSpec("a-b", language="de")]
)
def test_one_name_belongs_to_one_entry(other):
    with pytest.raises(CatalogError, match=r"the dataset name '.*' belongs to both"):
        entries(DatasetSpec("a-b"), other)


@given(st.sets(st.text(st.characters(categories=["L", "N"]), min_size=1), max_size=8))
def test_every_entry_is_found_by_its_name(names):
    distinct = {name.casefold(): name for name in names}.values()
    found = entries(*map(DatasetSpec, distinct))
    assert (len(found), found.names()) == (len(distinct), sorted(distinct))
    assert [found.get(name).name for name in distinct] == list(distinct)
    assert {spec.name for spec in found} == set(distinct)


def test_a_set_is_scored_by_its_own_recipe_or_its_tasks():
    catalog = load_catalog()
    assert catalog.recipe_for(DatasetSpec("a", "asr")).name == "wer/audiobench-pytest@2"
    assert catalog.recipe_for(DatasetSpec("a", "emotion")).name == "match/label@2"
    assert catalog.recipe_for(DatasetSpec("a", "emotion", recipe="match/em")).name == "match/em"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            DatasetSpec("a", "emotion", recipe="match/lable@1"),
            "dataset 'a': unknown recipe 'match/lable@1' .*match/label@1",
        ),
        (DatasetSpec("a", "emotoin"), "dataset 'a': unknown task 'emotoin' .*emotion"),
    ],
)
def test_a_recipe_that_does_not_exist_is_never_replaced_by_another(spec, message):
    with pytest.raises(CatalogError, match=message):
        load_catalog().recipe_for(spec)


def test_an_entry_names_a_task_that_there_is(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mine.yaml").write_text("datasets: [{name: a, task: emotoin}]", "utf-8")
    use_folders([tmp_path])
    try:
        with pytest.raises(CatalogError, match=r"mine.yaml: dataset 'a': task: unknown task 'emotoin' .*emotion"):
            _ = load_catalog().datasets
    finally:
        use_folders([])


def test_a_column_map_can_be_written_in_yaml(tmp_path):
    text = "datasets: [{name: a, task: emotion, manifest: {path: x, columns: {text: emotion, choices: options}}}]"
    (spec,) = read(tmp_path, text)
    assert spec.manifest.columns == (("text", ("emotion",)), ("choices", ("options",)))
    assert hash(spec)


def test_families_list_their_datasets():
    families = load_catalog().families()
    assert families["minispeech"] == ["minispeech"]
    assert set(families["librispeech"]) == {f"librispeech-{p}-{k}" for p in ("test", "dev") for k in ("clean", "other")}
    assert "" not in families


def test_the_bundled_catalogue_is_read_once():
    assert load_catalog().recipes is load_catalog().recipes


@pytest.mark.parametrize(
    ("language", "unit"), [("en", "word"), ("EN_us", "word"), ("zh-Hant-TW", "b"), ("zh-CN", "a"), ("xx", "word")]
)
def test_the_closest_rule_of_a_language_counts(language, unit):
    rules = {"zh": LanguageRule((), "a"), "zh-hant": LanguageRule((), "b")}
    assert RecipeSpec("r", "wer", languages=rules).rule(language).unit == unit


@pytest.mark.parametrize(
    ("code", "short"),
    [("jpn", "ja"), ("ENG", "en"), ("zho_Hant", "zh-hant"), ("yue", "yue"), ("zh_TW", "zh-tw"), ("fr", "fr"), ("", "")],
)
def test_codes_of_three_letters_are_those_of_two(code, short):
    assert language_code(code) == short
    recipe = load_catalog().recipes.get("wer/audiobench-pytest@1")
    assert recipe.rule(code) == recipe.rule(short)


def test_every_rule_is_found_by_the_codes_of_three_letters_too():
    folded = [recipe for recipe in load_catalog().recipes if not recipe.known_languages]
    written = {code.partition("-")[0] for recipe in folded for code in recipe.languages}
    of_two = {code for code in written if len(code) == 2} - {"jp", "wu"}  # no ISO codes
    assert of_two <= {language_code(code) for code in _SHORT}


def test_rules_of_recipes_that_know_languages_are_under_the_name_that_is_looked_up():
    recipes = [recipe for recipe in load_catalog().recipes if recipe.known_languages]
    assert recipes
    for recipe in recipes:
        assert [code for code in recipe.languages if recipe.code(code) != code] == []


def test_a_files_name_is_in_its_errors_also_for_models(tmp_path):
    with pytest.raises(CatalogError, match=r"some\.yaml: entry 1 \(m\): the field 'adapter' is missing"):
        read(tmp_path, "models: [{name: m}]", "models", ModelSpec)

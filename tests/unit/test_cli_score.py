"""`audiobench score`: anybody's predictions under a recipe; what it prints, what it refuses."""

import io
import json
import sys

import pytest

from audiobench_pytest.cli import main

RECIPE = "wer/audiobench-pytest@1"
ROWS = [
    {"id": "a", "reference": "hello world", "prediction": "hello word", "speaker": "s1"},
    {"id": "b", "reference": "it is twenty", "prediction": "It's 20!", "speaker": "s2"},
    {"id": "c", "reference": "nothing here", "prediction": "", "speaker": "s1"},
]


@pytest.fixture
def score(tmp_path, capsys):
    """Return a function that scores rows and gives status, output and errors."""

    def run(rows, *arguments, recipe=RECIPE):
        path = tmp_path / "said.jsonl"
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        path.write_text(text, "utf-8")
        status = main(["score", str(path), "--recipe", recipe, *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_json_holds_value_counts_and_signature(score):
    status, out, _ = score(ROWS, "--json")
    result = json.loads(out)
    # 1 of 2 words wrong, 0 of 3, 2 of 2 deleted.
    assert status == 0
    assert result["value"] == pytest.approx(100 * 3 / 7)
    assert (result["metric"], result["unit"], result["n"], result["expected"]) == ("wer", "%", 3, 3)
    assert (result["counts"]["ok"], result["counts"]["empty"]) == (2, 1)
    assert (result["coverage"], result["incomplete"]) == (1.0, False)
    assert result["low"] <= result["value"] <= result["high"]
    assert result["signature"].startswith(f"{RECIPE}|lang:en|steps:whisper_english|unit:word|avg:micro|")


def test_a_row_without_a_prediction_is_never_scored_and_never_unseen(score):
    rows = [*ROWS, {"id": "d", "reference": "good day madam"}, {"id": "e", "reference": "bye", "prediction": None}]
    _, out, _ = score(rows, "--json")
    result = json.loads(out)
    assert (result["n"], result["expected"], result["counts"]["failed"], result["incomplete"]) == (3, 5, 2, True)
    assert result["value"] == pytest.approx(100 * 3 / 7)
    assert result["worst"] == pytest.approx(100 * 7 / 11)
    _, out, _ = score(rows)
    assert "incomplete: coverage 0.6000" in out
    assert "d: failed: the row has no prediction" in out


def test_items_hold_numbers_and_normalised_texts(score, tmp_path):
    score(ROWS, "--items", str(tmp_path / "items.jsonl"))
    items = {row["id"]: row for row in map(json.loads, (tmp_path / "items.jsonl").read_text("utf-8").splitlines())}
    assert (items["b"]["errors"], items["b"]["units"], items["b"]["prediction"]) == (0, 3, "it is 20")
    assert (items["c"]["state"], items["c"]["errors"], items["c"]["score"]) == ("empty", 2, 100.0)


def test_items_hold_zeros(score, tmp_path):
    rows = [{"id": "a", "reference": "B", "prediction": "A", "choices": ["x", "y"]}]
    score(rows, "--items", str(tmp_path / "items.jsonl"), "--recipe", "choice/audiobench-pytest@2")
    items = list(map(json.loads, (tmp_path / "items.jsonl").read_text("utf-8").splitlines()))
    assert [row["correct"] for row in items if row["recipe"].startswith("choice/")] == [0]
    assert [row["invalid"] for row in items if row["recipe"].startswith("choice/")] == [0]


def test_all_lines_of_a_recipe_have_the_same_numbers(score, tmp_path):
    rows = [
        {"id": "a", "reference": "eins zwei", "prediction": "1 zwei", "language": "de"},
        {"id": "b", "reference": "eins", "prediction": "eins", "language": "de"},
    ]
    score(rows, "--items", str(tmp_path / "items.jsonl"), "--recipe", "wer/audiobench-pytest@2")
    items = list(map(json.loads, (tmp_path / "items.jsonl").read_text("utf-8").splitlines()))
    found = [row for row in items if row["recipe"] == "wer/audiobench-pytest@2"]
    assert [row["number_errors"] for row in found] == [1, 0]
    assert len({tuple(sorted(row)) for row in found}) == 1


def test_several_references_may_be_a_list(score):
    rows = [{"id": "a", "reference": ["a grey cat", "a gray kitten"], "prediction": "a gray kitten"}]
    _, out, _ = score(rows, "--json", "--recipe", "wer/audiobench-pytest@2")
    assert json.loads(out)[1]["value"] == 0
    status, _, error = score([{"reference": ["a", 1], "prediction": "a"}])
    assert (status, "line 1: 'reference' must be a text or a list of texts" in error) == (4, True)
    status, out, _ = score([*ROWS, {"id": "z", "reference": [], "prediction": "a"}], "--json")
    assert json.loads(out)["counts"]["data_error"] == 1


@pytest.mark.parametrize(("name", "close"), [("klingon!!", ""), ("japanse", "did you mean japanese")])
def test_a_language_that_there_is_not_is_refused_by_its_line(score, name, close):
    status, _, error = score([*ROWS, {"id": "z", "reference": "a", "prediction": "a", "language": name}])
    assert status == 4
    assert f"line 4: unknown language '{name}'" in error
    assert close in error


def test_several_recipes_show_the_spread(score, tmp_path):
    own = tmp_path / "own" / "recipes"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("recipes:\n  - name: wer/mine@1\n    score: wer\n    description: as written\n")
    _, out, _ = score(ROWS[:2], "--json", "--recipe", "wer/mine@1", "--catalog", str(own.parent))
    first, second = json.loads(out)
    assert (first["recipe"], second["recipe"]) == (RECIPE, "wer/mine@1")
    # As written: "word", and three of three words differ.
    assert second["value"] == pytest.approx(100 * 4 / 5)
    assert first["signature"] != second["signature"]


@pytest.mark.parametrize("recipe", ["asr-wer/audiobench-pytest@2", "speech-shape/audiobench-pytest@1"])
def test_a_recipe_of_sounds_is_refused_since_a_file_holds_texts(score, tmp_path, recipe):
    status, _, err = score([{"id": "a", "reference": "a b", "prediction": "a b"}], "--recipe", recipe)
    assert status == 4
    assert f"recipe {recipe} scores the sound of an answer, and a file holds answers in text" in err


def test_a_recipe_of_ones_own_needs_no_python(score, tmp_path):
    own = tmp_path / "own" / "recipes"
    own.mkdir(parents=True)
    (own / "x.yaml").write_text("recipes:\n  - name: acc/x@1\n    score: accuracy\n    default: {steps: [lowr]}\n")
    status, _, err = score(ROWS, "--catalog", str(own.parent), recipe="acc/x@1")
    assert status == 4
    assert "recipe 'acc/x@1', rule 'default': unknown step 'lowr' (did you mean lower" in err


def test_recipes_put_together_from_steps(score, tmp_path):
    own = tmp_path / "own" / "recipes"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(
        """
recipes:
  - name: wer/tagless@1
    score: wer
    steps: [strip_tags, whisper_english]
  - name: acc/field@1
    score: accuracy
    steps: [json_field: answer, yes_no]
"""
    )
    catalog = ("--json", "--catalog", str(own.parent))
    rows = [{"reference": "It is twenty", "prediction": "<en>it's 20<end> today"}]
    _, out, _ = score(rows, *catalog, recipe="wer/tagless@1")
    assert json.loads(out)["value"] == pytest.approx(100 * 1 / 3)  # it is 20 and one word more
    rows = [
        {"reference": "yes", "prediction": '{"answer": "Yes."}'},
        {"reference": "no", "prediction": '```json\n{"answer": false}\n```'},
        {"reference": "no", "prediction": "no"},  # no field: invalid
        {"reference": "no", "prediction": '{"answer": "yes"}'},
    ]
    _, out, _ = score(rows, *catalog, recipe="acc/field@1")
    result = json.loads(out)
    assert (result["value"], result["counts"]["invalid"]) == (50.0, 1)
    assert result["signature"] == "acc/field@1|lang:en|steps:json_field=answer,yes_no"


def test_a_translation_is_signed_by_the_language_it_is_scored_in(score):
    text = "我爱北京天安门"
    rows = [{"reference": text, "prediction": text, "language": "en", "target_language": "zh"}]
    _, out, _ = score(rows, "--json", recipe="bleu/covost2@ultraeval")
    result = json.loads(out)
    # Seven characters in a row; cut as English they would be one word, and BLEU 0.
    assert result["value"] == pytest.approx(100)
    assert "|lang:zh|" in result["signature"]
    assert ",tok=zh," in result["signature"]


def test_a_failed_row_takes_no_number_of_another(score, tmp_path):
    rows = [
        {"id": "z", "reference": "a dog barks loudly", "prediction": "a dog barks loudly"},
        {"id": "a", "reference": "rain falls on roofs"},
        {"id": "y", "reference": "two men are talking", "prediction": "two men are talking"},
    ]
    items = tmp_path / "items.jsonl"
    _, out, _ = score(rows, "--json", "--items", str(items), recipe="caption/coco-nojava@1")
    values = {one["name"]: one["value"] for one in json.loads(out)["values"]}
    assert values == pytest.approx({"cider": 10, "rouge_l": 1, **{f"bleu_{n}": 1 for n in (1, 2, 3, 4)}})
    # CIDEr of a sample is known only once all the others are.
    scores = {row["id"]: row.get("score") for row in map(json.loads, items.read_text("utf-8").splitlines())}
    assert scores == {"z": pytest.approx(10), "a": None, "y": pytest.approx(10)}


def test_clusters_are_named_beside_the_interval(score):
    rows = [
        {"reference": "a b c d", "prediction": "a b c d x"[: 2 * (n % 5) + 1], "speaker": f"s{n % 5}"}
        for n in range(20)
    ]
    _, out, _ = score(rows, "--cluster", "speaker")
    assert "interval over 5 values of speaker" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n", "line 1: expected a JSON object"),
        ("[1]\n", "line 1: expected a JSON object"),
        ('{"id": "a", "reference": "x", "prediction": "x"}\n\n{"id": "a", "reference": "y"}\n', "line 3: the id 'a'"),
        ('{"reference": [{}], "prediction": "x"}\n', "line 1: 'reference' must be a text"),
        ('{"reference": "x", "prediction": "x", "choices": "a"}\n', "line 1: 'choices' must be a list of texts"),
        ('{"id": [1], "reference": "x"}\n', "line 1: 'id' must be"),
    ],
)
def test_a_broken_line_is_named(score, text, words):
    status, out, err = score(text)
    assert (status, out) == (4, "")
    assert words in err


def test_a_file_that_scored_nothing_is_red(score):
    status, _, err = score([{"reference": "x"}])
    assert status == 1
    assert "nothing could be scored" in err


def test_the_input_is_never_overwritten(score, tmp_path):
    status, _, err = score(ROWS, "--items", str(tmp_path / "said.jsonl"))
    assert status == 4
    assert "would overwrite" in err


def test_an_unknown_recipe_lists_close_ones(score):
    status, _, err = score(ROWS, recipe="wer/audiobench-pytst@1")
    assert status == 4
    assert "did you mean wer/audiobench-pytest@1" in err


def test_standard_input_is_a_file_too(monkeypatch, capsys):
    data = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["score", "-", "--recipe", RECIPE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3


def test_recipes_are_listed_by_name_and_kind(capsys):
    assert main(["list", "recipes"]) == 0
    assert RECIPE in capsys.readouterr().out
    assert main(["list", "steps", "--json"]) == 0
    steps = {step["name"]: step for step in json.loads(capsys.readouterr().out)}
    assert steps["whisper_english"]["kind"] == "text"


def test_slices_have_values_of_their_own(score):
    rows = [
        {"reference": "a b c d", "prediction": "a b c d"[: 2 * (n % 4) + 1], "gender": "f" if n % 2 else "m"}
        for n in range(40)
    ]
    _, out, _ = score(rows, "--slices", "gender,accent", "--json")
    slices = {(one["key"], one["name"]): one for one in json.loads(out)["slices"]}
    # Odd rows say two or four of four words, even ones one or three.
    assert {key: one["values"][0]["value"] for key, one in slices.items()} == {
        ("gender", "f"): 25.0,
        ("gender", "m"): 50.0,
    }
    assert slices["gender", "f"]["samples"] == 20
    _, out, _ = score(rows, "--slices", "gender")
    assert "gender=f  25.0000" in out

"""A class of the user's own, in process and in an environment of its own, through whole runs on minispeech."""

import re

import pytest

from conftest import ROOT

CLASS = """
class Recognizer:
    languages = ["en"]

    def load(self, args):
        self.text = args.get("text", "the")
        return {"device": "cpu"}

    def generate(self, batch):
        assert all(len(request["samples"]) for request in batch)
        return [self.text for request in batch]
"""


@pytest.fixture
def own(project, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.chdir(project.path)
    (project.path / "my_model.py").write_text(CLASS)
    return project


def predictions(project):
    return {outcome["prediction"] for outcome in project.outcomes()}


@pytest.mark.parametrize("where", ["", "@isolated"])
def test_a_class_answers_and_is_asked_once(own, where):
    asked = ("-m", "minispeech", "--limit=4", f"--model=./my_model.py:Recognizer{where}", "--model-args=text=of the")
    assert own.run(*asked).ret == 0
    assert (own.cell()["model"], own.cell()["counts"]["ok"], own.cell()["cached"]) == ("my_model-Recognizer", 4, 0)
    assert predictions(own) == {"of the"}
    assert own.run(*asked).ret == 0
    assert own.cell()["cached"] == 4
    (own.path / "my_model.py").write_text(CLASS.replace('"the"', '"a"'))
    assert own.run(*asked).ret == 0
    assert own.cell()["cached"] == 0, "a class that was changed is asked again"


def test_two_classes_stand_side_by_side_under_names_of_their_own(own):
    models = (
        "--model=one=./my_model.py:Recognizer,two=my_model.py:Recognizer",
        "--model-args=two=my_model.py:Recognizer:text=a",
    )
    assert own.run("-m", "minispeech", "--limit=2", *models).ret == 0
    assert {cell["model"] for cell in own.board()["cells"]} == {"one", "two"}
    assert predictions(own) == {"the", "a"}


def test_too_few_answers_are_errors_of_the_samples(own):
    (own.path / "my_model.py").write_text(CLASS.replace("for request in batch]", "for request in batch[1:]]"))
    result = own.run("-m", "minispeech", "--limit=2", "--model=./my_model.py:Recognizer")
    assert result.ret == 1
    assert {o["state"] for o in own.outcomes()} == {"failed"}
    assert "gave 0 answers to 1 requests" in str(own.outcomes())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "./my_model.py:Recogniser",
            "*--model ./my_model.py:Recogniser: *has no class 'Recogniser' (did you mean Recognizer?)*",
        ),
        ("./mine.py:Recognizer", "*--model ./mine.py:Recognizer: there is no file *mine.py*"),
        ("no-such-model", "*unknown model 'no-such-model'*or [[]NAME=]<file.py or module>:<class>[[]@isolated]*"),
    ],
)
def test_what_is_no_model_is_a_usage_error(own, text, said):
    result = own.run("-m", "minispeech", f"--model={text}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([said])


def test_the_class_of_the_page_is_a_model_in_fifteen_lines(own):
    code = re.search(r"```python\n(# my_model.py.*?)```", (ROOT / "docs" / "own-model.md").read_text(), re.DOTALL)[1]
    assert len(code.splitlines()) <= 15
    (own.path / "my_model.py").write_text(code)
    assert (
        own.run("-m", "minispeech", "--limit=3", "--model=./my_model.py:Recognizer", "--model-args=says=yes").ret == 0
    )
    assert predictions(own) == {"yes"}
    assert own.cell()["counts"]["ok"] == 3

"""What every adapter shares: arguments checked, the identity that keys its answers, packages asked for by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import MissingExtraError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option, TextOrFile, checked_args
from audiobench_pytest.records.append import as_line
from audiobench_pytest.types import Answer, Prompt, Request

SPEC = ModelSpec("model", "fake", args={"beam": "3"})


class Fake(ModelAdapter):
    """Takes one option of each type."""

    options = {  # noqa: RUF012
        "beam": Option(int, 5, "width of the beam"),
        "rate": Option(float, 0.5, "a rate"),
        "fast": Option(bool, False, "hurry"),
        "dtype": Option(str, "auto", "precision", ("auto", "float16")),
        "threads": Option(int, None, "CPU threads", (), False),
    }

    def identity(self):
        return self.base_identity()

    def load(self):
        pass

    def generate(self, batch):
        return [Answer(request.sample_id) for request in batch]


def checked(**given_args):
    return checked_args(Fake, SPEC, given_args)


def test_the_user_wins_over_the_catalogue_and_that_over_the_default():
    assert checked_args(Fake, ModelSpec("model", "fake"), {})["beam"] == 5
    assert checked()["beam"] == 3
    assert checked(beam="7")["beam"] == 7


def test_every_option_has_a_value_of_its_type():
    values = checked(rate=" 1e-1 ", fast="Yes", dtype="float16")
    assert values == {"beam": 3, "rate": 0.1, "fast": True, "dtype": "float16", "threads": None}
    assert [type(v) for v in values.values()] == [int, float, bool, str, type(None)]


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("on", True), ("TRUE", True), ("0", False), ("No", False), ("off", False)]
)
def test_spellings_of_yes_and_no(text, value):
    assert checked(fast=text)["fast"] is value


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            {"bean": "3"},
            r"--model-args: model 'model' takes no argument 'bean' \(did you mean beam\?\); it takes: beam, rate",
        ),
        ({"beam": "wide"}, r"beam='wide' of model 'model' is no int \(width of the beam\)"),
        ({"beam": "1.5"}, "beam='1.5' of model 'model' is no int"),
        ({"rate": ""}, "rate='' of model 'model' is no float"),
        ({"fast": "maybe"}, "fast='maybe' of model 'model' is no bool"),
        ({"dtype": "int3"}, "dtype='int3' of model 'model' must be one of auto, float16"),
    ],
)
def test_a_wrong_argument_is_told(args, words):
    with pytest.raises(UsageError, match=words):
        checked(**args)


def test_a_wrong_value_in_the_catalogue_is_told_as_well():
    with pytest.raises(UsageError, match="beam='wide' of model 'model'"):
        checked_args(Fake, ModelSpec("model", "fake", args={"beam": "wide"}), {})


@given(st.integers())
def test_numbers_come_through(number):
    assert checked(beam=f"{number}")["beam"] == number


def adapter(spec=SPEC, **given_args):
    return Fake(spec, checked_args(Fake, spec, given_args))


def test_the_identity_holds_what_answers_depend_on_and_nothing_else():
    assert adapter(threads="4").base_identity() == {
        "adapter": "fake",
        "adapter_version": "1",
        "model": "model",
        "revision": None,
        "args": {"beam": 3, "dtype": "auto", "fast": False, "rate": 0.5},
    }


@pytest.mark.parametrize(
    ("spec", "args", "same"),
    [
        (SPEC, {"threads": "8"}, True),
        (ModelSpec("model", "fake", args={"beam": "3"}, licence="MIT", batch_rows=9), {}, True),
        (SPEC, {"beam": "4"}, False),
        (SPEC, {"dtype": "float16"}, False),
        (ModelSpec("model", "fake", args={"beam": "3"}, revision="abc"), {}, False),
        (ModelSpec("model", "fake", args={"beam": "3"}, source="org/model"), {}, False),
        (ModelSpec("model", "other", args={"beam": "3"}), {}, False),
    ],
)
def test_what_makes_another_model(spec, args, same):
    assert (adapter(spec, **args).base_identity() == adapter().base_identity()) is same


def test_two_names_of_one_checkpoint_share_its_answers():
    one, two = (ModelSpec(name, "fake", source="org/model") for name in ("short", "long"))
    assert adapter(one).base_identity() == adapter(two).base_identity()


def test_a_missing_package_names_the_extra_and_nothing_is_imported():
    class Needy(Fake):
        packages = ("json", "package_that_nobody_has")
        extra = "local"

    with pytest.raises(MissingExtraError, match=r"'package_that_nobody_has'.*pip install 'audiobench-pytest\[local\]'"):
        Needy.require(SPEC)
    with pytest.raises(MissingExtraError):
        Needy(SPEC, {})


def test_arguments_are_the_adapters_own_copy():
    values = checked()
    made = Fake(SPEC, values)
    values["beam"] = 99
    assert made.args["beam"] == 3


def test_an_adapter_sees_nothing_unless_it_says_so():
    assert ModelAdapter.sees == frozenset()


def test_a_stream_of_an_adapter_without_one_answers_one_by_one():
    requests = [Request(f"{i}", None, Prompt()) for i in range(3)]
    assert [(r.sample_id, a.text) for r, a in adapter().stream(iter(requests))] == [("0", "0"), ("1", "1"), ("2", "2")]


def test_an_adapter_without_the_four_methods_cannot_be_made():
    class Half(ModelAdapter):
        def load(self):
            pass

    with pytest.raises(TypeError, match="generate"):
        Half(SPEC, {})


def test_a_text_read_from_a_file_can_be_written_to_a_record(tmp_path):
    """The encoder of records knows plain texts only."""

    class Told(Fake):
        options = {"prompt": Option(TextOrFile, None, "what to do")}  # noqa: RUF012

    (tmp_path / "prompt.txt").write_text(" write, \n\n down\n", "utf-8")
    values = checked_args(Told, ModelSpec("model", "fake"), {"prompt": f"@{tmp_path / 'prompt.txt'}"})
    assert type(values["prompt"]) is str
    assert values == {"prompt": "write, \n\n down"}
    assert as_line(values)
    with pytest.raises(UsageError, match=r"--model-args: @.*gone.txt: .*No such file"):
        checked_args(Told, ModelSpec("model", "fake"), {"prompt": f"@{tmp_path / 'gone.txt'}"})

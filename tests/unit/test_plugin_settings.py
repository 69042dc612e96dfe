"""Settings from audiobench.toml, ini keys and the command line: who wins, what paths start from, what is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.choices import args_by_name, find_hearers, find_models
from audiobench_pytest.plugin.asked.declared import OPTIONS, RARER
from audiobench_pytest.plugin.asked.options import is_active
from audiobench_pytest.plugin.asked.settings import read_settings

INI_KEYS = {option.ini: option.ini_type for option in OPTIONS if option.ini}


class Config:
    """As much of pytest's configuration as settings look at; the working folder is `<root>/work`."""

    def __init__(self, root, options=None, ini=None, toml=None, short=False):
        (root / "work").mkdir(exist_ok=True)
        (root / "ini").mkdir(exist_ok=True)
        if toml is not None:
            (root / "audiobench.toml").write_text(toml, "utf-8")
        self.rootpath, self.inipath = root, root / "ini" / "pytest.ini"
        self.invocation_params = SimpleNamespace(dir=root / "work")
        self.pluginmanager = SimpleNamespace(has_plugin=lambda name: short and name.endswith("short_options"))
        self._options = {f"audiobench_{k.replace('-', '_')}": v for k, v in (options or {}).items()}
        self._ini = ini or {}
        assert set(self._options) <= {o.dest for o in OPTIONS}
        assert set(self._ini) <= set(INI_KEYS)

    def getoption(self, name):
        return self._options.get(name)

    def getini(self, name):
        return self._ini.get(name, [] if INI_KEYS[name] in ("args", "linelist") else "")


@pytest.fixture
def read(tmp_path):
    def _read(options=None, ini=None, toml=None):
        return read_settings(Config(tmp_path, options, ini, toml))

    return _read


def test_nothing_asked_for_is_the_default(read, tmp_path):
    settings = read()
    assert (settings.models, settings.datasets, settings.model_args) == ((), (), {})
    assert (settings.gates, settings.run, settings.limit, settings.sample, settings.seed) == (None, None, None, None, 0)
    assert settings.cache == (tmp_path / ".audiobench" / "cache",)
    assert {rarer.name: settings.values[rarer.name] for rarer in RARER} == {
        rarer.name: rarer.default for rarer in RARER
    }
    assert settings.root == tmp_path


def test_the_command_line_wins_over_ini_and_ini_over_toml(read):
    toml = 'model = "toml"\nlimit = 7\n'
    ini = {"audiobench_models": ["ini"]}
    assert read({"model": ["option"]}, ini, toml).models == ("option",)
    assert read(None, ini, toml).models == ("ini",)
    assert read(None, None, toml).models == ("toml",)
    assert read({"limit": 3}, None, toml).limit == 3
    assert read(None, None, toml).limit == 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [(["a", "b,c"], ("a", "b", "c")), (["a, a", "b"], ("a", "b")), ([" a ,,"], ("a",)), ("a,b", ("a", "b"))],
)
def test_models_are_repeatable_and_comma_separated(read, given, expected):
    assert read({"model": given}).models == expected


def test_a_relative_path_starts_where_it_is_written(read, tmp_path):
    names = {"gates": "gates", "run": "run_dir", "cache": "cache"}
    for options, ini, toml, folder in (
        (dict.fromkeys(names, "x"), None, None, tmp_path / "work"),
        (None, {f"audiobench_{ini}": "x" for ini in names.values()}, None, tmp_path / "ini"),
        (None, None, "".join(f'{name} = "x"\n' for name in names), tmp_path),
    ):
        settings = read(options, ini, toml)
        assert (settings.gates, settings.run, settings.cache) == (folder / "x", folder / "x", (folder / "x",))


def test_so_does_that_of_a_data_set(read, tmp_path):
    assert read({"dataset": ["a.jsonl"]}).data_folder == tmp_path / "work"
    settings = read(None, None, 'dataset = ["data/a.jsonl"]')
    assert (settings.datasets, settings.data_folder) == (("data/a.jsonl",), tmp_path)


def test_absolute_and_home_paths_stay_what_they_are(read, monkeypatch):
    monkeypatch.setenv("HOME", "/users/someone")
    assert read({"cache": "/abs,~/layer"}).cache == (Path("/abs"), Path("/users/someone/layer"))


def test_cache_layers_may_be_a_list(read, tmp_path):
    assert read(None, None, 'cache = ["own", "team"]').cache == (tmp_path / "own", tmp_path / "team")


def test_an_empty_cache_option_is_no_cache_folder(read, tmp_path):
    assert read({"cache": " , "}).cache == (tmp_path / ".audiobench" / "cache",)


@pytest.mark.parametrize("name", ["limit", "sample", "batch-size"])
@pytest.mark.parametrize("value", [0, -1])
def test_counts_are_one_or_more(read, name, value):
    with pytest.raises(UsageError, match=f"--{name} must be a whole number, 1 or more; it is {value}"):
        read({name: value})


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_seconds_are_above_zero(read, value):
    with pytest.raises(UsageError, match="--batch-seconds must be above 0"):
        read({"batch-seconds": value})


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("model = ", r"audiobench\.toml: "),
        ("modle = 'x'", r"audiobench\.toml: unknown key 'modle' \(did you mean model"),
        ("batch_size = 4", "unknown key 'batch_size' .*batch-size"),
        ("set = ['shard_size=4']", "unknown key 'set'"),
        ("limit = '5'", "'limit' must be a whole number; it is '5'"),
        ("limit = true", "'limit' must be a whole number; it is True"),
        ("limit = 1.5", "'limit' must be a whole number; it is 1.5"),
        ("seed = 'x'", "'seed' must be a whole number"),
        ("batch-seconds = 'long'", "'batch-seconds' must be a number; it is 'long'"),
        ("part = 1", "'part' must be text; it is 1"),
        ("run = ['a']", "'run' must be text"),
        ("model = 3", "'model' must be text; it is 3"),
        ("model = ['a', 3]", r"'model' must be text; it is \['a', 3\]"),
        ("shard_size = [1]", "'shard_size' must be text, a number, true or false"),
        ("[librispeech]\nx = 1", "unknown key 'librispeech'"),
    ],
)
def test_a_mistake_in_audiobench_toml_is_told(read, toml, words):
    with pytest.raises(UsageError, match=words):
        read(None, None, toml)


def test_rare_settings_are_typed_and_the_option_wins(read):
    toml = 'shard_size = 5\nprogress_seconds = 2\nlibrispeech_dir = "/data"\n'
    settings = read({"set": ["shard-size=7"]}, {"audiobench_set": ["shard_size = 6", "progress=off"]}, toml)
    assert (settings.shard_size, settings.progress) == (7, "off")
    assert (settings.progress_seconds, settings.librispeech_dir) == (2.0, "/data")


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("shard_size", "'shard_size' is no KEY=VALUE of a known key"),
        ("shard_siez=3", r"'shard_siez=3' is no KEY=VALUE of a known key \(did you mean shard_size\?\)"),
        ("shard_size=-1", "setting shard_size='-1': must be a whole number, 0 or more"),
        ("shard_size=many", "setting shard_size='many': "),
        ("decode_threads=0", "must be a whole number, 1 or more"),
        ("max_audio_seconds=nan", "must be above 0"),
        ("progress=sometimes", "must be one of auto, live, lines, off"),
        ("hub_mode=", "must be one of auto, stream, download"),
    ],
)
def test_a_mistake_in_a_rare_setting_is_told(read, pair, words):
    with pytest.raises(UsageError, match=words):
        read({"set": [pair]})


def test_a_value_may_hold_an_equals_sign(read):
    assert read({"set": ["librispeech_dir=/a=b"]}).librispeech_dir == "/a=b"


@pytest.mark.parametrize(
    ("models", "texts", "expected"),
    [
        (["m"], ["a=1,b-c= x "], {"": {"a": "1", "b_c": "x"}}),
        (["m"], ["a=1", "a=2"], {"": {"a": "2"}}),
        (["m", "n"], ["n:a=1", "b=2"], {"n": {"a": "1"}, "": {"b": "2"}}),
        (["hf:org/model"], ["hf:org/model:dtype=float16"], {"hf:org/model": {"dtype": "float16"}}),
        (["hf:org/model@v1:2"], ["hf:org/model@v1:2:a=b:c"], {"hf:org/model@v1:2": {"a": "b:c"}}),
        (["m"], ["url=http://host:8000/v1"], {"": {"url": "http://host:8000/v1"}}),
        (["m"], ["text=a=b"], {"": {"text": "a=b"}}),
    ],
)
def test_model_args(read, models, texts, expected):
    assert read({"model": models, "model-args": texts}).model_args == expected


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["dtype"], "'dtype' is no KEY=VALUE; write for example"),
        (["a=1,"], "'' is no KEY=VALUE"),
        (["=1"], "'=1' is no KEY=VALUE"),
        (["modle:a=1"], r"'modle' is not among --model \(did you mean model\?\)"),
    ],
)
def test_a_mistake_in_model_args_is_told(read, texts, words):
    with pytest.raises(UsageError, match=f"--model-args: {words}"):
        read({"model": ["model"], "model-args": texts})


def named_args(read, models, *texts):
    settings = read({"model": models, "model-args": list(texts)})
    specs = find_models(load_catalog(), settings)
    return args_by_name(settings, specs)


def test_arguments_reach_the_model_by_any_of_its_names(read):
    assert named_args(read, ["Whisper_Tiny"], "Whisper_Tiny:dtype=x") == {"whisper-tiny": {"dtype": "x"}}
    assert named_args(read, ["hf:org/model@v1"], "hf:org/model@v1:dtype=x") == {"model@v1": {"dtype": "x"}}


def test_who_hears_the_answers_takes_arguments_of_its_own_alone(read):
    found = named_args(read, ["oracle"], "wavlm-sv:device=cuda", "delay=1")
    assert found == {"oracle": {"delay": "1"}, "wavlm-sv": {"device": "cuda"}}
    settings = read({"model": ["oracle"], "model-args": ["openai:w:url=http://a/v1"], "set": ["transcriber=openai:w"]})
    assert settings.model_args == {"openai:w": {"url": "http://a/v1"}}
    assert [spec.name for spec in find_hearers(settings).values()] == ["w"]
    assert args_by_name(settings, find_models(load_catalog(), settings)) == {"oracle": {}, "w": {"url": "http://a/v1"}}
    under_test = read({"model": ["Noisy", "oracle"], "model-args": ["noisy:seed=3", "oracle:delay=1"]})
    assert find_hearers(under_test) == {}


def test_a_model_named_twice_is_one_and_keeps_the_arguments_of_both_names(read):
    """Once it dropped them: the run was green with arguments that nothing had used."""
    found = named_args(read, ["noisy", "NOISY", "oracle"], "NOISY:wer=0.5", "noisy:seed=3", "delay=1")
    assert found == {"noisy": {"delay": "1", "wer": "0.5", "seed": "3"}, "oracle": {"delay": "1"}}


def test_the_plugin_is_asleep_until_something_is_asked_for(tmp_path):
    assert not is_active(Config(tmp_path))
    assert is_active(Config(tmp_path, short=True))
    assert is_active(Config(tmp_path, ini={"audiobench_models": ["oracle"]}))
    for option in OPTIONS:
        assert is_active(Config(tmp_path, options={option.name: ["x"] if option.repeat else "x"}))

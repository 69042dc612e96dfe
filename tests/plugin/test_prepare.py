"""`audiobench prepare`: from a server on loopback that speaks the hub's routes; afterwards runs ask it nothing."""

import hashlib
import json
import os
import subprocess
import sys
import threading

import pytest
import soundfile
from waiting import HANGS_S, until

pytest.importorskip("pyarrow", reason="needs the extra 'hub', which the light environments of tox do not install")

from hub_server import COMMIT_1, HubServer, Repository, parquet, row

CATALOG = """
datasets:
  - name: tiny-{part}
    matrix: [{part: one, family: tiny}, {part: two, family: tiny}]
    task: asr
    language: en
    recipe: wer/audiobench-pytest@2
    hub: {repo: acme/tiny, split: "{part}", id_column: id}
  - {name: closed, task: asr, family: closed, access: gated, hub: {repo: acme/closed, split: test}}
  - {name: own, task: asr, family: tiny, access: private, origin: acme}
  - {name: lost, task: asr, family: lost, hub: {repo: acme/lost, split: test}}
  - name: shelf
    task: asr
    family: shelf
    folder: {layout: openslr, subfolder: test-clean, setting: librispeech_dir}
  - {name: gone, task: asr, family: shelf, manifest: {path: gone.jsonl}}
"""
MODELS = """
models:
  - {name: tiny-whisper, adapter: transformers-asr, source: acme/weights}
  - {name: served, adapter: vllm, source: acme/weights}
  - name: hearing
    adapter: transformers-audio-chat
    source: acme/hearing
    revision: refs/pr/7
    args: {adapter: "checkpoint:speech-lora"}
  - {name: lost-whisper, adapter: transformers-asr, source: acme/lost}
  - {name: voices, adapter: rater-wavlm-large, source: acme/voices, args: {file: voices.pth}}
  - name: far
    adapter: isolated
    source: acme/far
    args: {hub: ms}
    runtime: {kind: isolated, entry: "far.py:Far", python: running}
"""
WEIGHTS = {
    "config.json": b'{"model_type": "whisper"}',
    "model.safetensors": b"s" * 5000,
    "model.fp16.safetensors": b"h" * 5000,
    "pytorch_model.bin": b"b" * 5000,
    "flax_model.msgpack": b"f" * 5000,
    "tokenizer.json": b"{}",
    "onnx/model.onnx": b"o" * 5000,
}
ADAPTERS = {
    "speech-lora/adapter_config.json": b'{"peft_type": "LORA"}',
    "speech-lora/adapter_model.bin": b"a" * 3000,
    "vision-lora/adapter_model.safetensors": b"v" * 3000,
}
FULL_DISK = """
import collections, shutil, sys
usage = collections.namedtuple("usage", "total used free")
shutil.disk_usage = lambda path: usage(1 << 40, 1 << 40, 1 << 20)
from audiobench_pytest.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def hub():
    shards = {
        f"data/one-{n:05d}-of-00003.parquet": parquet([row(i) for i in range(4 * n, 4 * n + 4)]) for n in range(3)
    }
    shards["data/two-00000-of-00001.parquet"] = parquet([row(i) for i in range(3)])
    repositories = {
        "acme/tiny": Repository({COMMIT_1: shards}, {"main": COMMIT_1}),
        "acme/closed": Repository({COMMIT_1: {}}, {"main": COMMIT_1}, gated=True),
        "acme/weights": Repository({COMMIT_1: WEIGHTS}, {"main": COMMIT_1}),
        "acme/hearing": Repository({COMMIT_1: WEIGHTS | ADAPTERS}, {"refs/pr/7": COMMIT_1}),
        "acme/voices": Repository({COMMIT_1: {"README.md": b"r", "voices.pth": b"v" * 5000}}, {"main": COMMIT_1}),
    }
    with HubServer(repositories) as server:
        yield server


@pytest.fixture
def own(project):
    for kind, text in (("datasets", CATALOG), ("models", MODELS)):
        (project.path / "own" / kind).mkdir(parents=True)
        (project.path / "own" / kind / "own.yaml").write_text(text)
    (project.path / "far.py").write_text("class Far: ...")
    return project.path


def start(own, environment, *args, code=("-m", "audiobench_pytest.cli")):
    return subprocess.Popen(
        [sys.executable, *code, "prepare", *args, "--catalog=own"],
        cwd=own,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def prepare(own, environment, *args, **more):
    process = start(own, environment, *args, **more)
    out, err = process.communicate(timeout=HANGS_S)
    return process.returncode, out, err


@pytest.mark.slow
def test_a_set_is_fetched_once_and_then_run_without_a_network(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    status, out, err = prepare(own, environment, "tiny-one", "--json")
    assert status == 0, err
    (found,) = json.loads(out)
    assert (found["state"], found["samples"], found["commit"]) == ("ready", 12, COMMIT_1)
    assert found["fetch_bytes"] == sum(
        len(x) for n, x in hub.repositories["acme/tiny"].commits[COMMIT_1].items() if "one" in n
    )
    assert "tiny-one: data set: acme/tiny at " + COMMIT_1 + ": 3 files, " in err
    assert "are needed below" in err
    assert "tiny-one: 12 of 12 samples kept" in err

    fetched = hub.sent_of(".parquet")
    status, _, err = prepare(own, environment, "tiny-one")
    assert status == 0
    assert "tiny-one: data set: acme/tiny at " + COMMIT_1 + ": is here" in err
    assert hub.sent_of(".parquet") == fetched

    asked = len(hub.log)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/asr"),
            *("--dataset=tiny-one", "--model=oracle", "--audiobench-set=catalog=own"),
        ],
        cwd=own,
        env={**os.environ, "PYTEST_ADDOPTS": "", **environment, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "12 " in run.stdout
    assert len(hub.log) == asked


def test_killed_in_the_middle_it_goes_on_where_it_was(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    last = "data/one-00002-of-00003.parquet"
    hub.held[last] = threading.Event()
    process = start(own, environment, "tiny-one")
    assert until(lambda: any(r.status == 0 for r in hub.log))
    process.kill()
    process.communicate()
    hub.held.pop(last).set()
    fetched = hub.sent_of("one-00000-of-00003.parquet"), hub.sent_of("one-00001-of-00003.parquet")
    assert all(fetched)
    status, _, err = prepare(own, environment, "tiny-one")
    assert status == 0, err
    assert (hub.sent_of("one-00000-of-00003.parquet"), hub.sent_of("one-00001-of-00003.parquet")) == fetched
    assert "tiny-one: data set ready" in err


def test_weights_are_those_that_a_run_reads(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    status, out, err = prepare(own, environment, "--model=tiny-whisper,oracle", "--json")
    assert status == 0, err
    weights, nothing = json.loads(out)
    assert (weights["files"], weights["fetch_bytes"], weights["commit"]) == (3, 5000 + 25 + 2, COMMIT_1)
    assert len(weights["digest"]) == 64
    assert nothing["note"] == "nothing is to be fetched"
    sent = {r.path.rpartition("/")[2] for r in hub.log if r.sent and "/resolve/" in r.path}
    assert sent == {"config.json", "model.safetensors", "tokenizer.json"}
    asked = len(hub.log)
    status, _, err = prepare(own, {**environment, "HF_HUB_OFFLINE": "1"}, "--model=tiny-whisper")
    assert status == 0, err
    assert "tiny-whisper: weights: acme/weights at " + COMMIT_1 + ": is here" in err
    assert len(hub.log) == asked


def test_an_adapter_below_the_weights_is_fetched_with_them_and_no_other(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    status, out, err = prepare(own, environment, "--model=hearing", "--json")
    assert status == 0, err
    (weights,) = json.loads(out)
    assert (weights["files"], weights["fetch_bytes"], weights["commit"]) == (5, 5000 + 25 + 2 + 21 + 3000, COMMIT_1)
    assert hub.sent_of("speech-lora/adapter_model.bin") == 3000
    assert hub.sent_of("vision-lora/adapter_model.safetensors") == 0
    asked = len(hub.log)
    status, _, err = prepare(own, {**environment, "HF_HUB_OFFLINE": "1"}, "--model=hearing")
    assert status == 0, err
    assert f"acme/hearing at {COMMIT_1}: is here" in err
    assert len(hub.log) == asked


def test_of_a_repository_of_one_file_of_weights_that_file_is_fetched_and_found_again(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    status, out, err = prepare(own, environment, "--model=voices", "--json")
    assert status == 0, err
    (weights,) = json.loads(out)
    assert (weights["files"], weights["fetch_bytes"], weights["commit"]) == (1, 5000, COMMIT_1)
    asked = len(hub.log)
    offline = {**environment, "HF_HUB_OFFLINE": "1"}
    status, _, err = prepare(own, offline, "--model=voices")
    assert status == 0, err
    assert "is here" in err
    code = (
        "from audiobench_pytest.catalog.schema import ModelSpec; from audiobench_pytest.models.registry import create; "
        "spec = ModelSpec('voices', 'rater-wavlm-large', 'acme/voices', args={'file': 'voices.pth'}); "
        "print(create(spec, {}).identity()['weights'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **offline}, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == hashlib.sha256(b"v" * 5000).hexdigest()
    assert len(hub.log) == asked


@pytest.mark.parametrize("way", ["faster-whisper", "vllm"])
def test_weights_of_a_model_by_way_are_those_of_its_checkpoint(own, hub, tmp_path, way):
    environment = hub.environment(tmp_path / "home")
    status, out, err = prepare(own, environment, f"--model=hf:acme/weights@{way}", "--dry-run", "--json")
    assert status == 0, err
    found, made = json.loads(out)
    assert made["what"] == {"faster-whisper": "conversion", "vllm": "environment"}[way]
    assert (found["name"], found["source"]) == (f"weights@{way}", f"acme/weights at {COMMIT_1}")
    assert (found["state"], found["fetch_bytes"]) == ("to fetch", 5000 + 25 + 2)


def test_what_a_server_of_ours_lacks_beside_its_weights_is_told(own, hub, tmp_path):
    status, out, err = prepare(own, hub.environment(tmp_path / "home"), "--model=served", "--json")
    states = [(one["what"], one["name"], one["state"]) for one in json.loads(out)]
    assert ("weights", "served", "ready") in states
    assert ("environment", "served", "failed") in states
    assert status == 1
    assert "the program 'vllm' is not here: pip install" in err


def test_what_cannot_be_fetched_leaves_the_rest_ready(own, hub, tmp_path):
    status, out, err = prepare(own, hub.environment(tmp_path / "home"), "tiny", "--model=far", "--json")
    assert status == 1
    states = [(one["what"], one["name"], one["state"]) for one in json.loads(out)]
    assert states == [
        ("data set", "tiny-one", "ready"),
        ("data set", "tiny-two", "ready"),
        ("weights", "far", "failed"),
        ("environment", "far", "ready"),
    ]
    assert "own: left out: it is private (acme)" in err
    assert "kept by ModelScope" in err
    assert "not ready: far; give the same command again to go on" in err


def shelf(own):
    folder = own / "LibriSpeech" / "test-clean" / "1" / "2"
    folder.mkdir(parents=True)
    soundfile.write(folder / "1-2-0001.flac", [0.1] * 1600, 16_000)
    (folder / "1-2.trans.txt").write_text("1-2-0001 GOOD DAY\n")
    return own / "LibriSpeech"


def test_a_set_of_a_folder_is_ready_where_the_folder_holds_it(own, tmp_path):
    status, out, err = prepare(own, {}, "shelf", "--json")
    assert (status, [one["state"] for one in json.loads(out)]) == (1, ["failed"])
    assert "shelf is read from a folder" in err
    assert "(--audiobench-set librispeech_dir=DIR)" in err
    assert json.loads(prepare(own, {}, "shelf", "gone", "--dry-run", "--json")[1])[1]["state"] == "missing"
    folder = f"--audiobench-set=librispeech_dir={shelf(own)}"
    status, out, err = prepare(own, {}, "shelf", folder, "--json")
    assert status == 0, err
    (found,) = json.loads(out)
    assert (found["state"], found["note"]) == ("ready", "nothing is to be fetched; 1 samples")
    status, _, err = prepare(own, {}, "shelf", "--audiobench-set=librispech_dir=x")
    assert status == 4
    assert "'librispech_dir=x' is no KEY=DIR of a corpus (did you mean librispeech_dir" in err


def test_a_dry_run_fetches_nothing(own, hub, tmp_path):
    status, out, err = prepare(own, hub.environment(tmp_path / "home"), "tiny-two", "--dry-run", "--json")
    assert status == 0, err
    (found,) = json.loads(out)
    assert (found["state"], found["files"]) == ("to fetch", 1)
    assert found["fetch_bytes"] == found["store_bytes"] > 0
    assert hub.sent_of(".parquet") == 0


@pytest.mark.parametrize(("more", "state"), [(["--dry-run"], "to fetch"), ([], "ready")])
def test_what_the_hub_does_not_have_is_told_and_the_others_are_looked_at(own, hub, tmp_path, more, state):
    names = ("lost", "tiny-two", "--model=lost-whisper", "--model=voices", "--json")
    status, out, err = prepare(own, hub.environment(tmp_path / "home"), *names, *more)
    assert status == 1
    gone = "missing" if more else "failed"
    assert [(one["name"], one["state"]) for one in json.loads(out)] == [
        *(("lost", gone), ("tiny-two", state)),
        *(("lost-whisper", gone), ("voices", state)),
    ]
    assert "lost: data set: acme/lost: " in err
    assert "lost-whisper: weights: acme/lost: " in err
    assert f"{'cannot be had as it is' if more else 'not ready'}: lost, lost-whisper" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "name a data set, a family, a suite, or a model with --model"),
        (["tiny-on"], "unknown data set, family or suite 'tiny-on' (did you mean tiny-one"),
        (["--model=whisper-tinny"], "--model: unknown model 'whisper-tinny' (did you mean whisper-tiny"),
        (["closed"], "closed cannot be fetched without a login: it is gated: agree to its terms at acme/closed"),
        (["own"], "own cannot be fetched: it is private (acme): give a manifest of your copy with --dataset own=PATH"),
    ],
)
def test_wrong_usage_is_one_sentence_before_anything_is_fetched(own, tmp_path, args, words):
    with HubServer({}) as server:
        status, _, err = prepare(own, server.environment(tmp_path / "home"), *args)
        assert status == 4
        assert words in err
        assert len(err.strip().splitlines()) == 1
        assert not server.log


def test_a_login_that_does_not_suffice_says_where_to_ask(own, hub, tmp_path):
    status, _, err = prepare(own, hub.environment(tmp_path / "home", HF_TOKEN="hf_x"), "closed")
    assert status == 1
    assert "grants access on request: ask for it on the page of acme/closed there" in err


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(own, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    status, _, err = prepare(own, environment, "tiny-one", code=("-c", FULL_DISK))
    assert status == 4
    assert "not enough disk: about " in err
    assert "1.0 MB are free: make room, or let HF_HOME" in err
    assert hub.sent_of(".parquet") == 0

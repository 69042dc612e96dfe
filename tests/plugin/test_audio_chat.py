"""An audio chat checkpoint of the user's own catalogue, from the command line to the board."""

import json

import pytest

pytest.importorskip(
    "transformers", reason="needs the extra 'local', which the light environments of tox do not install"
)

import tiny_checkpoints

from audiobench_pytest.catalog.loader import load_catalog

ARGUMENTS = "--model-args=device=cpu,threads=1,max_new_tokens=8"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoints.build_audio_chat(tmp_path_factory.mktemp("checkpoints") / "tiny-chat")


@pytest.fixture
def chat(project, checkpoint):
    (project.path / "own" / "models").mkdir(parents=True)
    entry = {"name": "tiny-chat", "adapter": "transformers-audio-chat", "source": str(checkpoint), "batch_rows": "3"}
    (project.path / "own" / "models" / "chat.yaml").write_text(json.dumps({"models": [entry]}))
    manifest = project.clips(6, seconds=0.5)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    for row in rows[:2]:
        row.update(text="今天天气很好", language="zh")
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = (f"--dataset={manifest}", "--model=tiny-chat", "--audiobench-set=catalog=own", ARGUMENTS)
    return lambda *args, inprocess=True: project.run(*given, *args, inprocess=inprocess)


def test_a_chat_model_is_told_what_to_do_answers_in_batches_and_is_described(project, chat):
    result = chat(inprocess=False)
    assert result.ret == 0, result.stdout.str()
    cell = project.cell()
    assert cell["counts"]["ok"] == 6
    described = cell["model_info"]
    assert (described["device"], described["dtype"], described["hears_s"]) == ("cpu", "float32", 30.0)
    assert {"transformers", "torch", "attn", "hardware", "machine"} <= described.keys()
    assert cell["speed"]["warmup_s"] > 0
    assert len({outcome["prediction"] for outcome in project.outcomes()}) > 1
    assert chat(inprocess=False).ret == 0
    assert (project.cell()["cached"], "warmup_s" in project.cell()["speed"]) == (6, True)
    assert project.cell()["speed"]["warmup_s"] == 0.0, "nothing was loaded"


def test_an_instruction_of_the_users_own_is_another_question(project, chat):
    assert chat("--model-args=prompt=What is said?").ret == 0
    assert project.cell()["model_info"]["identity"]["args"]["prompt"] == "What is said?"
    assert chat(f"--model-args=prompt={load_catalog().prompts.get('asr/en').text.replace(',', ' ')}").ret == 0
    assert project.cell()["cached"] == 0

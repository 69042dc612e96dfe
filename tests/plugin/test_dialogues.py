"""Calls of tools from the command line to the board: dialogues in the set's own layout, a server that calls."""

import base64
import io
import json
import shutil
import wave

import pytest
import soundfile as sf

pytest.importorskip("httpx", reason="needs the extra 'api', which the light environments of tox do not install")

from openai_server import OpenAIServer, Reply, heard
from stepeval_rows import write_stepeval

from conftest import ROOT


def sent(text=None, *calls):
    """A reply with calls, as OpenAI's API has them."""
    message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(calls)
        ]
    return Reply({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]})


ANSWERS = {
    "get_weather_positive-0": sent(None, ("get_weather", '{"location": "Chengdu"}')),
    "get_weather_positive-1": sent("我查一下。", ("get_weather", '{"location": "Xian"}')),
    "get_weather_positive-2": sent(None, ("web_search", '{"query": "东京天气"}')),
    "get_weather_positive-3": sent(None, ("get_weather", "{location")),
    "get_weather_negative-0": sent(
        '<tool_call>{"name": "calculate", "arguments": {"expression": "35*60"}}</tool_call>'
    ),
    "get_weather_negative-1": sent("好的。"),
    "get_weather_negative-2": sent(None, ("get_weather", '{"location": "beijing"}')),
}
SHARES = {
    "trigger_f1": 100 * 8 / 9,  # 4 of 4 positives with a call, 1 of 3 negatives with the listed tool
    "trigger_precision": 80,
    "trigger_recall": 100,
    "type_acc": 75,
    "param_acc": 100 * 2 / 3,  # Chengdu and Xian; the call that is no JSON is one with wrong arguments
    "trigger_precision_any": 100 * 4 / 6,
    "malformed_rate": 100 / 7,
}


REASONABLE = ("Xian", "Xi'an", "红烧肉怎么做", '"东北老铁"', "Lisbon, Portugal", "60*35")
"""Arguments that the judge lets pass: of the dialogues, and of the clear cases of its rubric."""


class Assistant:
    """Answers each dialogue as it is told, by the length of its last sound; and is the judge, too."""

    def __init__(self, folder):
        self.dialogues, self.judged = [], []
        self._by_length = {
            sf.info(path).frames: path.name.split(".")[0] + "-" + path.name.split("-")[1]
            for path in folder.glob("wav/*.wav")
        }

    def __call__(self, asked):
        fields = asked.fields
        if fields["model"] == "qwen3-32b":
            self.judged.append(fields["messages"][-1]["content"])
            call = self.judged[-1].rpartition("Call to be checked:")[2]
            return sent("Yes" if any(words in call for words in REASONABLE) else "No")
        if "tools" not in fields:
            return heard(asked, "who asks?")
        self.dialogues.append(fields)
        parts = [part for m in fields["messages"] if isinstance(m["content"], list) for part in m["content"]]
        with wave.open(io.BytesIO(base64.b64decode(parts[-1]["input_audio"]["data"]))) as sound:
            return ANSWERS[self._by_length[sound.getnframes()]]


@pytest.fixture
def tools(project):
    """A project with the benchmark of tool calls, and the dialogues."""
    (project.path / "benchmarks" / "toolcall").mkdir()
    shutil.copy(ROOT / "benchmarks" / "toolcall" / "test_toolcall.py", project.path / "benchmarks" / "toolcall")
    write_stepeval(project.path / "set")

    def run(server, *args, inprocess=True, recipe="toolcall/audiobench-pytest@1"):
        do = project.pytester.runpytest_inprocess if inprocess else project.pytester.runpytest_subprocess
        return do(
            "benchmarks/toolcall",
            "--dataset=stepeval-audio-toolcall-get_weather",
            "--audiobench-set=stepeval_toolcall_dir=set",
            "--model=openai:m",
            f"--model-args=openai:m:url={server.url},slots=2,retries=1,timeout=60",
            f"--recipe={recipe}",
            *args,
        )

    project.run_tools = run
    return project


def values(project):
    return {value["name"]: value["value"] for value in project.cell()["values"]}


def test_calls_are_scored_kept_and_not_asked_again(tools):
    assistant = Assistant(tools.path / "set")
    with OpenAIServer(assistant) as server:
        result = tools.run_tools(server)
        assert result.ret == 0, result.stdout.str()
        assert len(assistant.dialogues) == 7
        found = {one["sample_id"]: one.get("calls", []) for one in tools.outcomes()}
        assert found["get_weather_positive-1"] == [{"name": "get_weather", "arguments": {"location": "Xian"}}]
        assert found["get_weather_positive-3"] == [{"name": "get_weather", "arguments": {"": "{location"}}]
        assert found["get_weather_negative-0"] == [{"name": "calculate", "arguments": {"expression": "35*60"}}]
        assert found["get_weather_negative-1"] == []
        assert values(tools) == pytest.approx(SHARES)
        assert tools.run_tools(server).ret == 0
        assert len(assistant.dialogues) == 7, "kept answers hold their calls"
        assert tools.cell()["cached"] == 7
        assert values(tools) == pytest.approx(SHARES)


def test_a_dialogue_goes_over_the_wire_with_turns_calls_and_tools(tools):
    assistant = Assistant(tools.path / "set")
    with OpenAIServer(assistant) as server:
        tools.run_tools(server)
    (body,) = (b for b in assistant.dialogues if len(b["messages"]) == 5)
    user, called, returned, said, last = body["messages"]
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "tool", "assistant", "user"]
    assert user["content"][0]["type"] == last["content"][0]["type"] == "input_audio"
    (call,) = called["tool_calls"]
    assert called["content"] is None
    assert json.loads(call["function"]["arguments"]) == {"query": "海绵宝宝"}
    assert returned == {"role": "tool", "content": "音色已更新。", "tool_call_id": call["id"]}
    assert said["content"] == "好了！"
    assert [tool["function"]["name"] for tool in body["tools"]][2] == "get_weather"
    assert body["tools"][2]["function"]["parameters"]["required"] == ["location"]
    assert all(tool["type"] == "function" for tool in body["tools"])


def test_a_judge_reads_the_arguments_and_gates_hold(tools):
    tools.gates('["stepeval-audio-toolcall-get_weather".trigger_precision]\nmin = 95.0\n')
    assistant = Assistant(tools.path / "set")
    with OpenAIServer(assistant) as server:
        result = tools.run_tools(server, f"--audiobench-set=judge_url={server.url}", recipe="toolcall/stepeval")
        told, cell = values(tools), tools.cell()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*trigger_precision*80.00*95.00*"])
    (asked,) = [text for text in assistant.judged if "Xian" in text]
    assert "查查那里的天气。" in asked
    assert '"location": "xian"' in asked
    asked = [text for text in assistant.judged if "查查那里的天气。" in text or "成都今天下雨吗" in text]
    assert len(asked) == 2, "arguments of right calls that are JSON"
    assert "agrees on 10 of 10 clear cases" in result.stdout.str()
    assert told == pytest.approx({**SHARES, "param_acc": 100 / 3, "judge_invalid_rate": 0})
    assert cell["signature"].endswith("|judge:m"), "as the server calls itself"


def test_two_processes_say_the_same(tools):
    pytest.importorskip("xdist")
    assistant = Assistant(tools.path / "set")
    with OpenAIServer(assistant) as server:
        assert tools.run_tools(server).ret == 0
        one = tools.cell()["values"]
        shutil.rmtree(tools.path / ".audiobench")
        assert tools.run_tools(server, "-n2", inprocess=False).ret == 0
    assert tools.cell()["values"] == one


def test_a_model_that_takes_no_tools_is_told_so(tools):
    result = tools.pytester.runpytest_inprocess(
        "benchmarks/toolcall",
        "--dataset=stepeval-audio-toolcall-get_weather",
        "--audiobench-set=stepeval_toolcall_dir=set",
        "--model=kimiaudio",
        "--plan",
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*kimiaudio cannot be given tools to call, so toolcall (calls of tools)*"])


def test_a_plan_says_that_the_folder_and_a_judge_are_missing(tools):
    shutil.rmtree(tools.path / "set")
    result = tools.pytester.runpytest_inprocess(
        "benchmarks/toolcall", "-m", "stepeval_toolcall", "--model=openai:m", "--plan"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*--audiobench-set stepeval_toolcall_dir=DIR", "*a judge*judge_url=URL"])


def test_the_oracle_calls_what_is_expected(tools):
    with OpenAIServer(Assistant(tools.path / "set")) as server:
        assert tools.run_tools(server, "--model=oracle").ret == 0
    cells = {cell["model"]: cell for cell in tools.board()["cells"]}
    told = {value["name"]: value["value"] for value in cells["oracle"]["values"]}
    assert (told["trigger_f1"], told["type_acc"], told["param_acc"]) == (100, 100, 100)


def test_the_oracle_makes_each_call_and_no_other(tools):
    result = tools.pytester.runpytest_inprocess(
        "benchmarks/toolcall",
        "--dataset=stepeval-audio-toolcall-get_weather",
        "--audiobench-set=stepeval_toolcall_dir=set",
        "--model=oracle",
        "--recipe=toolcall/audiobench-pytest@1",
    )
    assert result.ret == 0, result.stdout.str()
    right = dict.fromkeys(("trigger_f1", "trigger_precision", "trigger_recall", "type_acc", "param_acc"), 100.0)
    assert {name: values(tools)[name] for name in right} == right
    assert values(tools)["malformed_rate"] == 0.0

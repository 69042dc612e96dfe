"""Dialogues in the layout of StepEval-Audio-Toolcall, made up: files of turns beside a folder of recordings."""

import json
from pathlib import Path

import numpy as np
import soundfile as sf


def step_call(name: str, **arguments: object) -> str:
    """Return a call as the set spells it."""
    return f"<tool_call>function\n{name}\n{json.dumps(arguments, ensure_ascii=False)}</tool_call>"


def said(path: str) -> dict:
    return {"type": "wav", "value": path}


WEATHER_UP = [
    ["成都今天下雨吗？", step_call("get_weather", location="chengdu")],
    ["我要去西安。", "好的。", "查查那里的天气。", step_call("get_weather", location="xian")],
    ["换成海绵宝宝的声音。", step_call("timbre_rag", query="海绵宝宝"), "Input:音色已更新。", "好了！", "东京天气呢？",
     step_call("get_weather", location="tokyo")],
    ["查深圳的天气。", step_call("get_weather", location="shenzhen")],
]  # fmt: skip
WEATHER_DOWN = [
    ["三十五乘六十是多少？", step_call("calculate", expression="35 * 60")],
    ["说小声点。", "知道了。"],
    ["讲个笑话。", "从前有座山。"],
]
CLOCK_UP = [["现在几点？", step_call("get_date_time")], ["今天几号？", step_call("get_date_time")]]
CLOCK_DOWN = [["你好。", "你好！"]]


def write_stepeval(folder: Path, files: dict[str, list[list[str]]] | None = None) -> Path:
    """Write a folder of dialogues, each recording of another length; return the folder.

    In a dialogue the user and the assistant take turns; what begins with `Input:` is what a tool returned, after which
    the assistant speaks again.
    """
    chosen = files or {
        "get_weather_positive": WEATHER_UP,
        "get_weather_negative": WEATHER_DOWN,
        "get_date_time_positive": CLOCK_UP,
        "get_date_time_negative": CLOCK_DOWN,
    }
    (folder / "wav").mkdir(parents=True)
    frames = 1600
    for name, dialogues in chosen.items():
        lines = []
        for number, texts in enumerate(dialogues):
            turns, human = [], True
            for index, text in enumerate(texts):
                who = "Input" if text.startswith("Input:") else "Human" if human else "Assistant"
                human = who == "Assistant"
                text = text.removeprefix("Input:")
                wav = f"wav/{name}.jsonl-{number}-{index}.wav"
                spoken = who != "Input" and "<tool_call>" not in text
                if spoken:
                    frames += 16
                    sf.write(folder / wav, (0.1 * np.random.default_rng(frames).standard_normal(frames)), 16_000)
                turns.append(
                    {"session_id": str(100 + number), "turn_idx": index, "from": who, "text": text}
                    | {"value": said(wav) if spoken else text}
                )
            lines.append(json.dumps(turns, ensure_ascii=False) + "\n")
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    return folder

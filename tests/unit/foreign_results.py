"""Result files as others write them: each function writes one in its real layout and returns its path."""

import json
from pathlib import Path

ANSWERS = {
    "utt-1": ("the quick brown fox", "the quick brown fox"),
    "utt-2": ("jumps over the lazy dog", "jumps over a lazy dog"),
    "utt-3": ("seven old sailors watch", "seven old sailors watched"),
}
"""Reference and answer by id: 13 words, 2 of them wrong."""

WER = 100 * 2 / 13


def lines(path: Path, rows, newline="\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes("".join(text + newline for text in texts).encode())
    return path


def ultraeval(path: Path, answers=ANSWERS, failed=()) -> Path:
    """Four records of a sample in the order of a pool of threads; one that failed ends in `error`."""
    rows = []
    for place, (reference, answer) in enumerate(answers.values()):
        audio = {"type": "audio", "value": f"raw/librispeech/{place}.flac"}
        words = {"type": "text", "value": "Transcribe the audio."}
        prompt = [{"role": "user", "contents": [audio, words]}]
        rows.append({"type": "prompt", "id": place, "data": {"content": prompt}})
        if place in failed:
            info = 'Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: CUDA out of memory\n'
            rows.append({"type": "error", "id": place, "data": {"info": info}})
            continue
        rows.append({"type": "inference", "id": place, "data": {"content": f"Transcript: {answer}"}})
        rows.append({"type": "post_process", "id": place, "data": {"content": answer}})
        rows.append({"type": "eval", "id": place, "data": {"pred": answer, "ref": reference, "wer%": 12.5}})
    return lines(path, sorted(rows, key=lambda row: ("prompt", "inference").count(row["type"]) == 0))


def kimi(path: Path, answers=ANSWERS, subset="test-clean") -> Path:
    """The set's own row with `prediction` and `real_prompt`; no newline ends the file."""
    rows = [
        {
            "index": place,
            "audio_path": f"/data/LibriSpeech/{key}.flac",
            "question": "",
            "answer": reference,
            "subset": subset,
            "prediction": answer,
            "real_prompt": "Please transcribe the spoken content into written text.",
        }
        for place, (key, (reference, answer)) in enumerate(answers.items())
    ]
    path = lines(path, rows)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    return path


def voicebench(path: Path, answers=ANSWERS) -> Path:
    rows = [
        {"prompt": f"What is said in {key}?", "reference": reference, "response": answer}
        for key, (reference, answer) in answers.items()
    ]
    return lines(path, rows)


def lmms_eval(path: Path, answers=ANSWERS, nested=True) -> Path:
    """`*_samples_<task>.jsonl`: `resps` is dropped where it says what `filtered_resps` says."""
    rows = [
        {
            "doc_id": place,
            "target": reference,
            "filtered_resps": [answer] if nested else answer,
            "token_counts": [{"output_tokens": 7}],
            "doc_hash": f"{place:064x}",
            "wer": {"gt": reference, "pred": answer, "source": "librispeech", "task": "asr_en"},
            "input": "Please recognize the speech and only output the recognized content:",
        }
        for place, (reference, answer) in enumerate(answers.values())
    ]
    return lines(path, rows)


def open_asr(path: Path, answers=ANSWERS, named=True) -> Path:
    rows = [
        {
            "audio_filepath": f"{key}.flac" if named else f"sample_{place}",
            "duration": 4.0,
            "time": 0.5,
            "text": reference,
            "pred_text": answer,
        }
        for place, (key, (reference, answer)) in enumerate(answers.items())
    ]
    return lines(path, rows)


def nemo(path: Path, answers=ANSWERS, field="pred_text", root="/data/wavs") -> Path:
    rows = [
        {"audio_filepath": f"{root}/{key}.wav", "duration": 4.0, "text": reference, "lang": "en", field: answer}
        for key, (reference, answer) in answers.items()
    ]
    return lines(path, rows)


def ms_swift(path: Path, answers=ANSWERS, labels=True) -> Path:
    """Newer versions write `labels` and append the answer to `messages`; older ones left the expected turn there."""
    rows = []
    for key, (reference, answer) in answers.items():
        asked = {"role": "user", "content": "<audio>请记录下你所听到的语音内容。"}
        turns = [asked, {"role": "assistant", "content": answer if labels else reference}]
        row = {"response": answer, "labels": reference, "logprobs": None, "messages": turns}
        if not labels:
            row = {"response": answer, "messages": turns, "images": [], "videos": []}
        rows.append(row | {"audios": [{"bytes": None, "path": f"/data/{key}.wav"}] if labels else [f"/data/{key}.wav"]})
    return lines(path, rows)


def wenet(path: Path, answers=ANSWERS, which=1) -> Path:
    return lines(path, [f"{key} {texts[which]}" for key, texts in answers.items()])


def trn(path: Path, answers=ANSWERS, which=1) -> Path:
    return lines(path, [";; a comment", *(f"{texts[which]} ({key})" for key, texts in answers.items())])


def ctm(path: Path, answers=ANSWERS) -> Path:
    """A second a word, each utterance a recording of its own."""
    rows = [";; recording, channel, begin, duration, word, confidence"]
    for key, (_, answer) in answers.items():
        rows += [f"{key} A {place:.2f} 0.80 {word} 0.98" for place, word in enumerate(answer.split())]
    return lines(path, rows)


def predictions(path: Path, answers=ANSWERS) -> Path:
    rows = [{"id": key, "reference": one, "prediction": other} for key, (one, other) in answers.items()]
    return lines(path, rows)

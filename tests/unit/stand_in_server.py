"""A program with the command lines and the routes of vLLM, SGLang and FunASR's server, which can fail in many ways.

It answers with the number of samples it heard. `put_on_path` makes it a program; what it does wrong stands in the
environment variable STAND_IN: words, separated by blanks.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAMS = ("vllm", "sglang", "funasr-server")


def put_on_path(folder: Path, monkeypatch, fault: str = "") -> Path:
    """Make programs of this file in a folder, put it first on the PATH; return where they note what they do."""
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / "notes"
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {__file__} {notes} {name} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", fault)
    return notes


def noted(notes: Path) -> list[dict]:
    """Return what the programs have noted: a mapping per start."""
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


def lives(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def nothing_is_left(notes: Path) -> bool:
    """Whether all that the programs have started has ended."""
    return not any(lives(pid) for one in noted(notes) for pid in one["pids"])


def _value(args: list[str], name: str) -> str:
    return args[args.index(name) + 1] if name in args else ""


def _samples(body: bytes) -> int:
    import base64
    import io
    import wave

    if body[:1] == b"{":
        parts = json.loads(body)["messages"][-1]["content"]
        (data,) = [part["input_audio"]["data"] for part in parts if part["type"] == "input_audio"]
        sound = base64.b64decode(data)
    else:
        sound = body[body.index(b"RIFF") :]
    with wave.open(io.BytesIO(sound)) as file:
        return file.getnframes()


def main(notes: Path, program: str, args: list[str]) -> None:
    fault = os.environ.get("STAND_IN", "").split()
    starts = len(noted(notes))
    port = int(_value(args, "--port"))
    pids = [os.getpid()]
    if "children" in fault:  # as an engine of its own, in a session of its own, that ignores a gentle word
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        pids.append(child.pid)
    if "leaks" in fault:  # holds the port beyond its parent's end
        code = (
            "import socket, sys, time\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
            f"s.bind(('127.0.0.1', {port}))\nprint('held', flush=True)\ntime.sleep(600)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
        child.stdout.readline()
        pids.append(child.pid)
    told = {
        "program": program,
        "args": args,
        "pids": pids,
        "port": port,
        "cuda": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    with notes.open("a") as file:
        file.write(json.dumps(told) + "\n")
    print(f"{program} is loading {' '.join(args)}", flush=True)
    if "dies-at-start" in fault:
        print("RuntimeError: CUDA out of memory", flush=True)
        sys.exit(3)
    if "deaf" in fault:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "silent" in fault:
        time.sleep(600)
    name = _value(args, "--served-model-name") or "custom"
    answered = 0
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            pass

        def reply(self, content: object, status: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path == "/health":
                self.reply({"status": "ok"}, 503 if "unwell" in fault else 200)
            elif self.path == "/v1/models":
                self.reply({"object": "list", "data": [{"id": "another" if "another" in fault else name}]})
            elif self.path == "/version":
                self.reply({"version": "0.33.0"})
            else:
                self.reply({}, 404)

        def do_POST(self) -> None:
            nonlocal answered
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                answered += 1
                number = answered
            again = "always" in fault
            if number > 3 and ("dies" in fault) and (again or starts == 0):
                print("RuntimeError: the engine is gone", flush=True)
                os._exit(7)
            if number > 3 and "hangs" in fault and (again or starts == 0):
                time.sleep(600)
            text = f"heard {_samples(body)}"
            if self.path.endswith("transcriptions"):
                self.reply({"text": text})
            else:
                message = {"role": "assistant", "content": text}
                self.reply({"model": name, "choices": [{"message": message, "finish_reason": "stop"}]})

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def server_bind(self) -> None:
            import socket

            if "leaks" in fault:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            super().server_bind()

    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])

"""Stands between a run and the server it started: the server lives as long as somebody holds a line to this process.

Runs by itself, on the standard library alone. It reads one line of JSON from stdin (`command`, `env`, `log`, `grace`),
starts the command, and prints one line: the port it listens at, or why the command cannot be started. Each process of
the run that uses the server keeps a connection to that port. The kernel closes it when such a process ends, however it
ends; when the last one is gone, the server and all that it has started are ended.

Said over a connection: `bye` (I need it no longer; the reply is `others`, or the connection ends when the server has
ended), `kill` (end it now). Told to all: `exited STATUS`, when the server ended by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_LOOK_S = 0.05
_KILL_S = 5.0
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # of Linux's prctl


def main() -> None:
    """Start the server and stay until nobody needs it, or it has ended."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    _prctl(_SET_CHILD_SUBREAPER, 1)  # what the server leaves behind becomes ours, and is found
    spec = json.loads(sys.stdin.readline())
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        with Path(spec["log"]).open("ab") as log:
            process = subprocess.Popen(
                spec["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=spec["env"],
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
    except OSError as exc:
        print(json.dumps({"error": str(exc)}), flush=True)
        return
    clients: set[socket.socket] = set()
    try:
        print(json.dumps({"port": listener.getsockname()[1], "pid": process.pid}), flush=True)
        _serve(process, listener, clients)
    finally:
        listener.close()
        end(process.pid, spec["grace"])
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(f"exited {process.poll()}\n".encode())
            client.close()


def _serve(process: subprocess.Popen[bytes], listener: socket.socket, clients: set[socket.socket]) -> None:
    """Return when the server has ended, or when nobody needs it any more."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)  # held open by who started us, until the first line stands
        while process.poll() is None:
            for key, _ in selector.select(_LOOK_S):
                if key.fileobj is sys.stdin:
                    selector.unregister(sys.stdin)
                    if not clients and not os.read(0, 1):
                        return
                elif key.fileobj is listener:
                    client, _ = listener.accept()
                    clients.add(client)
                    selector.register(client, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    said = _said(key.fileobj)
                    if said == b"kill":
                        return
                    if said in (b"", b"bye"):
                        selector.unregister(key.fileobj)
                        if said and len(clients) == 1:
                            return  # its connection stays open until the server has ended
                        clients.discard(key.fileobj)
                        with contextlib.suppress(OSError):
                            key.fileobj.sendall(b"others\n" if said else b"")
                        key.fileobj.close()
                        if not clients:
                            return
        process.wait()


def _said(client: socket.socket) -> bytes:
    try:
        return client.recv(64).strip()
    except OSError:
        return b""


def end(leader: int, grace: float) -> None:
    """End a process, its group and whatever else descends from this process: gently, then by force.

    Args:
        leader: The process; it leads its group.
        grace: Seconds it has to end by itself.
    """
    signalled: set[int] = set()
    began = time.monotonic()
    while time.monotonic() - began < grace + _KILL_S:
        late = time.monotonic() - began >= grace
        _reap()
        left = _descendants()
        if not left and not _group_lives(leader):
            return
        for pid in {*left, leader}:
            if late or pid not in signalled:
                signalled.add(pid)
                _signal(pid, signal.SIGKILL if late else signal.SIGTERM)
        if late:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)
        time.sleep(_LOOK_S)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _descendants() -> set[int]:
    """Return the processes that descend from this one and have not ended; empty where the system tells nothing."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found: set[int] = set()
    heads = [os.getpid()]
    while heads:
        for pid in children.get(heads.pop(), ()):
            if pid not in found:
                found.add(pid)
                heads.append(pid)
    return found


def _stop(*_: Any) -> None:
    raise SystemExit(0)


def _die_with_parent() -> None:
    _prctl(_SET_PDEATHSIG, int(signal.SIGKILL))


def _prctl(what: int, value: int) -> None:
    """Ask Linux something about this process; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


if __name__ == "__main__":
    main()

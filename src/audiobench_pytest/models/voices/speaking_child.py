"""The process that espeak-ng speaks in: `python -I speaking_child.py LIBRARY DATA`; needs the standard library only.

The library keeps state from one text to the next (its flutter and noise go on), so the same text never sounds the
same twice. Each text is therefore said by a fork of this process, whose library has said nothing yet; a text that
crashes the library ends that fork alone.

Asked by a line of JSON (`text`, `voice`) on the standard input; answers with a byte (0: sound follows, 1: there is no
such voice, 2: the library failed), four bytes of length (little-endian), and 16-bit samples at the rate that the first
four bytes of all said.
"""

import ctypes
import json
import os
import struct
import sys
from typing import Any

_SYNCHRONOUS, _UTF8 = 2, 1  # no thread of the library's own, which a fork would not have
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    """Answer until the standard input ends."""
    library = ctypes.CDLL(sys.argv[1])
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, sys.argv[2].encode(), 0)
    out = sys.stdout.buffer
    out.write(struct.pack("<i", rate))
    out.flush()
    if rate <= 0:
        return
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        status, samples = _forked(library, asked["text"], asked["voice"])
        out.write(struct.pack("<BI", status, len(samples)) + samples)
        out.flush()


def _forked(library: ctypes.CDLL, text: str, voice: str) -> tuple[int, bytes]:
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there)
        try:
            status, samples = _said(library, text, voice)
            with os.fdopen(here, "wb") as pipe:
                pipe.write(bytes([status]) + samples)
        finally:
            os._exit(0)
    os.close(here)
    with os.fdopen(there, "rb") as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    return (found[0], found[1:]) if found else (2, b"")


def _said(library: ctypes.CDLL, text: str, voice: str) -> tuple[int, bytes]:
    said = bytearray()

    def take(samples: Any, count: int, events: object) -> int:
        if count > 0 and samples:
            said.extend(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return 1, b""
    encoded = text.encode("utf-8", "replace")
    if library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None) != 0:
        return 2, b""
    return (0, bytes(said)) if library.espeak_Synchronize() == 0 else (2, b"")


if __name__ == "__main__":
    main()

"""Decoding ahead of the model: in order, bounded, and never ended by one clip."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from waiting import HANGS_S, until

from audiobench_pytest.runner.asking import decoding
from audiobench_pytest.runner.asking.decoding import DecodeAhead, Decoded, decode
from audiobench_pytest.types import Audio, Sample


def sample(path, name="a"):
    return Sample(name, Path(path), "text", "en")


def samples(n):
    return [sample(f"{i}.wav", str(i)) for i in range(n)]


def run(batches, **more):
    return DecodeAhead(batches, **{"sample_rate": 16_000, "max_seconds": 60.0, "threads": 2, **more})


class Decoder:
    """Stands in for `read_audio`; a clip named `N.wav` has N + 1 samples, and may have to wait for a permit."""

    def __init__(self, monkeypatch, gate=None):
        self.started, self.running, self.most = [], 0, 0
        self._gate, self._lock = gate, threading.Lock()
        monkeypatch.setattr(decoding, "read_audio", self.read)

    def read(self, path, sample_rate, *, max_seconds):
        number = int(path.stem)
        with self._lock:
            self.started.append(number)
            self.running += 1
            self.most = max(self.most, self.running)
        if self._gate is not None:
            self._gate.acquire(timeout=10)
        time.sleep(0.002 * (number % 3))
        with self._lock:
            self.running -= 1
        return Audio(np.zeros(number + 1, np.float32), sample_rate)


def test_a_file_is_decoded_at_the_rate_that_was_asked_for(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(4_000, np.float32), 8_000)
    got = decode(sample(tmp_path / "a.wav"), 16_000, 60.0)
    assert (got.problem, got.audio.sample_rate, len(got.audio.samples)) == (None, 16_000, 8_000)
    assert got.seconds > 0


@pytest.mark.parametrize(("name", "words"), [("gone.wav", "missing"), ("text.wav", "not an audio file")])
def test_a_bad_file_is_an_outcome(tmp_path, name, words):
    (tmp_path / "text.wav").write_text("no sound " * 99)
    got = decode(sample(tmp_path / name), 16_000, 60.0)
    assert got.audio is None
    assert name in got.problem
    assert words in got.problem


@pytest.mark.parametrize("error", [MemoryError("4 GiB"), OSError(5, "Input/output error"), ValueError("odd")])
def test_so_is_a_file_over_which_a_decoder_stumbles(monkeypatch, error):
    def stumble(*args, **kwargs):
        raise error

    monkeypatch.setattr(decoding, "read_audio", stumble)
    got = decode(sample("x.wav"), 16_000, 60.0)
    assert got.audio is None
    assert got.problem == f"x.wav: cannot be decoded: {type(error).__name__}: {error}"


def test_an_interrupt_is_no_outcome(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(decoding, "read_audio", interrupt)
    with pytest.raises(KeyboardInterrupt):
        decode(sample("x.wav"), 16_000, 60.0)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 4])
def test_batches_come_in_order_and_whole(monkeypatch, threads, size):
    Decoder(monkeypatch)
    clips = samples(13)
    batches = [clips[i : i + size] for i in range(0, 13, size)]
    got = list(run(batches, threads=threads))
    assert [[len(d.audio.samples) - 1 for d in batch] for batch in got] == [[int(s.id) for s in b] for b in batches]


def test_no_batches_and_empty_batches():
    assert list(run([])) == []
    assert list(run([[], []])) == [[], []]


def test_a_bad_clip_does_not_hold_up_the_others(monkeypatch, tmp_path):
    sf.write(tmp_path / "good.wav", np.zeros(160, np.float32), 16_000)
    batch = [sample(tmp_path / "good.wav"), sample(tmp_path / "gone.wav"), sample(tmp_path / "good.wav")]
    (got,) = run([batch])
    assert [d.problem is None for d in got] == [True, False, True]


def settled(decoder, number):
    """Wait until `number` clips were begun, then a moment for one too many."""
    until(lambda: len(decoder.started) >= number)
    time.sleep(0.05)
    return sorted(decoder.started)


def test_at_most_so_many_batches_are_decoded_ahead(monkeypatch):
    decoder = Decoder(monkeypatch)
    stream = run([[s] for s in samples(10)], ahead=2, threads=8)
    next(stream)
    assert settled(decoder, 3) == [0, 1, 2], "the batch in use and two ahead"
    next(stream)
    assert settled(decoder, 4) == [0, 1, 2, 3]
    stream.close()


def test_clips_of_a_batch_are_decoded_at_once_by_as_many_threads_as_asked(monkeypatch):
    gate = threading.Semaphore(0)
    decoder = Decoder(monkeypatch, gate)
    stream = run([samples(8)], threads=3)
    thread = threading.Thread(target=lambda: next(stream))
    thread.start()
    assert len(settled(decoder, 3)) == 3
    gate.release(8)
    thread.join(HANGS_S)
    assert decoder.most == 3


def test_a_caller_that_stops_waits_for_no_clip_that_nobody_will_use(monkeypatch):
    gate = threading.Semaphore(0)
    decoder = Decoder(monkeypatch, gate)
    gate.release(1)
    stream = run([[s] for s in samples(40)], threads=1, ahead=30)
    assert [type(d) for d in next(stream)] == [Decoded]
    settled(decoder, 2)
    gate.release(1)
    stream.close()
    assert len(decoder.started) <= 3
    assert not [t for t in threading.enumerate() if t.name.startswith("audiobench-decode") and t.is_alive()]


def test_decoding_begins_before_anybody_asks(monkeypatch):
    decoder = Decoder(monkeypatch)
    stream = run([[s] for s in samples(10)], ahead=2, threads=8)
    assert settled(decoder, 3) == [0, 1, 2]
    stream.close()
    assert list(stream) == [], "nothing comes out of what was closed"
    assert settled(decoder, 3) == [0, 1, 2]

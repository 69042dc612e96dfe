"""`audiobench listen`: a blinded folder of spoken answers, and ratings that come back as a value that gates judge."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiobench_pytest.cli import main
from audiobench_pytest.datasets import read_audio
from audiobench_pytest.listening import chosen
from audiobench_pytest.records.runs.listening import ANCHOR, REFERENCE, sessions_of

pytest.importorskip("pyloudnorm", reason="needs the extra speech")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def coded(project, monkeypatch, capsys):
    """A project with a run of two codecs over three clips, one of them quiet."""
    monkeypatch.chdir(project.path)
    shutil.copytree(ROOT / "benchmarks" / "codec", project.path / "benchmarks" / "codec")
    manifest = project.clips(3, seconds=1.0)
    quiet, rate = soundfile.read(manifest.parent / "audio" / "0001.wav")
    soundfile.write(manifest.parent / "audio" / "0001.wav", 0.05 * quiet, rate)
    args = ("--model=identity,mu-law-4", "--recipe=speech-shape/audiobench-pytest@1", f"--dataset=codec:{manifest}")
    result = project.pytester.runpytest_inprocess("benchmarks/codec", *args)
    assert result.ret == 0
    capsys.readouterr()
    return project


def trials(folder):
    text = (folder / "trials.js").read_text()
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def rate(folder, rater, value):
    """Write what somebody says who judges by `value(sound)`; return the file."""
    given = trials(folder)
    ratings = [{"trial": t["id"], "values": {name: value(name) for name in t["stimuli"]}} for t in given["trials"]]
    said = {**{k: given[k] for k in ("format", "kind", "session")}, "rater": rater, "ratings": ratings}
    path = folder.parent / f"ratings-{given['kind']}-{rater}.json"
    path.write_text(json.dumps(said))
    return path


def behind(run, folder):
    """Return what is behind each name of a sound: a model, `reference` or `anchor`."""
    session = sessions_of(run)[trials(folder)["session"]]
    names = {str(place): system.model for place, system in enumerate(session.systems)}
    return {s: names.get(what, what) for trial in session.trials for s, what in trial.stimuli.items()}


def test_the_folder_is_of_itself_and_tells_nothing_of_who_speaks(coded, capsys):
    run = coded.latest
    assert main(["listen", str(run), "--kind", "mushra"]) == 0
    assert "3 trials of identity of" in capsys.readouterr().out
    folder = run / "listen-mushra"
    texts = "".join(path.read_text() for path in folder.glob("*.*") if path.suffix != ".wav")
    for word in ("identity", "mu-law", "clip-000", str(coded.path), "://"):
        assert word not in texts
    assert set(behind(run, folder).values()) == {"identity", "mu-law-4", REFERENCE, ANCHOR}
    assert len(list((folder / "sounds").iterdir())) == 3 * 5, "the open reference lies there under a name of its own"


def test_no_more_recordings_are_decoded_than_are_listened_to(coded, monkeypatch):
    run = coded.latest
    read = []
    monkeypatch.setattr(chosen, "read_audio", lambda path, rate: read.append(path.name) or read_audio(path, rate))
    assert main(["listen", str(run), "--kind", "mushra", "--clips", "1"]) == 0
    (trial,) = sessions_of(run)[trials(run / "listen-mushra")["session"]].trials
    assert len(read) == 1
    # One that cannot be read gives way to the next: what is listened to is as before, of those that can be.
    name = read.pop()
    (coded.path / "small" / "audio" / name).write_bytes(b"no sound")
    assert main(["listen", str(run), "--kind", "mushra", "--clips", "1"]) == 0
    (other,) = sessions_of(run)[trials(run / "listen-mushra")["session"]].trials
    assert (len(read), other.sample == trial.sample) == (2, False)
    assert main(["listen", str(run), "--kind", "mushra", "--clips", "9"]) == 0
    assert len(sessions_of(run)[trials(run / "listen-mushra")["session"]].trials) == 2


def test_all_sounds_have_one_loudness_and_none_clips(coded):
    import pyloudnorm

    assert main(["listen", str(coded.latest), "--kind", "mushra"]) == 0
    levels = []
    for path in (coded.latest / "listen-mushra" / "sounds").iterdir():
        sound, rate = soundfile.read(path)
        assert np.abs(sound).max() < 1.0
        levels.append(pyloudnorm.Meter(rate).integrated_loudness(sound))
    assert max(levels) - min(levels) < 0.05
    assert max(levels) <= -22.9


def test_the_anchor_holds_nothing_above_its_edge(coded):
    assert main(["listen", str(coded.latest), "--kind", "mushra"]) == 0
    folder = coded.latest / "listen-mushra"
    high = {}
    for name, what in behind(coded.latest, folder).items():
        sound, rate = soundfile.read(folder / "sounds" / f"{name}.wav")
        power = np.abs(np.fft.rfft(sound)) ** 2
        high[what] = power[np.fft.rfftfreq(len(sound), 1 / rate) > 3800].sum() / power.sum()
    assert high[ANCHOR] < 1e-4 < 0.1 < high[REFERENCE]


def test_the_same_seed_gives_the_same_test_and_another_one_another(coded):
    run = coded.latest
    given = []
    for seed in ("1", "1", "2"):
        assert main(["listen", str(run), "--kind", "ab", "--seed", seed]) == 0
        given.append((run / "listen-ab" / "trials.js").read_text())
    assert given[0] == given[1] != given[2]


def test_ratings_come_back_as_values_with_intervals_and_a_gate_judges_them(coded, capsys):
    run = coded.latest
    for kind in ("mos", "mushra", "ab"):
        assert main(["listen", str(run), "--kind", kind]) == 0
    rng = random.Random(0)
    mos = behind(run, run / "listen-mos")
    files = [
        rate(
            run / "listen-mos",
            f"rater {k}",
            lambda s: min(5, max(1, {"identity": 5, "mu-law-4": 2}[mos[s]] - rng.randint(0, 1))),
        )
        for k in range(4)
    ]
    mushra = behind(run, run / "listen-mushra")
    scale = {"identity": 95, "mu-law-4": 30, REFERENCE: 100, ANCHOR: 10}
    files += [
        rate(run / "listen-mushra", f"rater {k}", lambda s: scale[mushra[s]] - rng.randint(0, 5)) for k in range(4)
    ]
    files.append(rate(run / "listen-mushra", "tired", lambda s: 50))
    ab = behind(run, run / "listen-ab")
    files += [rate(run / "listen-ab", f"rater {k}", lambda s: float(ab[s] == "identity")) for k in range(4)]
    capsys.readouterr()
    assert main(["listen", "--import", *map(str, files), str(run)]) == 0
    told = capsys.readouterr().out
    assert "by 4 raters on 3 clips" in told
    assert "left out for not knowing the hidden reference: tired" in told
    (run / "gates.toml").write_text(
        '["small".mos.identity]\nmin = 3.9\n["small".mos.mu-law-4]\nmin = 4.0\n'
        '["small".mushra.identity]\nmin = 80\n["small".preference.mu-law-4]\nmin = 50\n'
    )
    assert main(["gate", str(run), "--output", str(run)]) == 1
    board = json.loads((run / "leaderboard.json").read_text())
    verdicts = {(g["metric"], g["cell"] if "cell" in g else g["model"]): g["verdict"] for g in board["gates"]}
    assert verdicts["mos", "identity"] == verdicts["mushra", "identity"] == "pass"
    assert verdicts["mos", "mu-law-4"] == verdicts["preference", "mu-law-4"] == "fail"
    values = {(c["model"], v["name"]): v for c in board["cells"] for v in c["values"]}
    assert values["identity", "preference"]["value"] == 100.0
    assert (
        values["mu-law-4", "mushra"]["low"]
        < values["mu-law-4", "mushra"]["value"]
        < values["mu-law-4", "mushra"]["high"]
    )


def test_ratings_given_again_replace_those_of_the_same_rater(coded, capsys):
    run = coded.latest
    assert main(["listen", str(run)]) == 0
    for value in (2, 4):
        assert (
            main(["listen", str(run), "--import", str(rate(run / "listen-mos", "x", lambda _, value=value: value))])
            == 0
        )
    assert "mos 4.00 by 1 rater on 3 clips" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"session": "0" * 16}, "has no key: name the run it is of"),
        ({"kind": "ab"}, "'kind' is 'ab', the session is of 'mos'"),
        ({"rater": " "}, "'rater' is empty"),
        ({"ratings": []}, "holds no rating yet"),
        ({"format": 9}, "is of format 9"),
        ({"ratings": [{"trial": "t999", "values": {}}]}, "rating 1: the session has no trial 't999'"),
        ({"ratings": [{"trial": "t001", "values": {"s0": 3}}]}, "rating 1: it is of ['s0'], the trial of"),
        ({"ratings": 3}, "holds no ratings of a listening test"),
    ],
)
def test_what_are_no_ratings_of_this_session_is_refused_and_nothing_kept(coded, capsys, change, why):
    run = coded.latest
    assert main(["listen", str(run)]) == 0
    good = rate(run / "listen-mos", "good", lambda _: 3)
    bad = run / "bad.json"
    bad.write_text(json.dumps({**json.loads(good.read_text()), "rater": "bad", **change}))
    capsys.readouterr()
    assert main(["listen", str(run), "--import", str(good), str(bad)]) == 4
    assert why in capsys.readouterr().err
    assert not list((run / "listening").glob("*/ratings-*.json"))


def test_a_value_out_of_range_is_refused(coded, capsys):
    run = coded.latest
    for kind, value, why in (
        ("mos", 6, "not between 1 and 5"),
        ("ab", 1.0, "one is preferred"),
        ("ab", 0.3, "none of 0, 0.5"),
    ):
        assert main(["listen", str(run), "--kind", kind]) == 0
        said = rate(run / f"listen-{kind}", "x", lambda _, value=value: value)
        assert main(["listen", str(run), "--import", str(said)]) == 4
        assert why in capsys.readouterr().err


def test_what_cannot_be_listened_to_is_said(coded, capsys, tmp_path):
    run = str(coded.latest)
    for given, why in (
        ([], "name the run"),
        ([run, run], "is named twice"),
        ([run, "--model", "opus-6k"], "no speech of opus-6k on small; there is of identity, mu-law-4"),
        ([run, "--kind", "ab", "--model", "identity"], "sets two against each other, not 1"),
        ([run, "--dataset", "other"], "there is of small"),
        ([run, "--cache", str(tmp_path)], "is --cache right?"),
        ([str(tmp_path)], "is not a run directory"),
        ([run, "--output", str(coded.path)], "holds what no listening test of ours wrote"),
        ([run, "--import", "absent.json"], "has no listening test"),
    ):
        assert main(["listen", *given]) == 4
        assert why in capsys.readouterr().err


def test_a_limit_where_nobody_listened_is_skipped(project):
    project.gates('["small".mos]\nmin = 4.0\n')
    result = project.run(f"--dataset={project.clips(2)}", "--model=oracle", "-ra")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*nobody has listened (audiobench listen)"])

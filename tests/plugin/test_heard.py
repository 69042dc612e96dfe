"""What a run says of the sounds that were heard, and of the language that nobody named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile as sf

CHINESE = "\u4eca\u5929\u5929\u6c14\u5f88\u597d"


def replaced(manifest, *sounds):
    """Put other sounds in the place of the first clips of a set."""
    for i, samples in enumerate(sounds):
        sf.write(manifest.parent / "audio" / f"{i:04d}.wav", samples.astype("float32"), 16_000, subtype="FLOAT")


def rewritten(manifest, **fields):
    """Set fields of every line; one that is None is left out."""
    rows = [{**json.loads(line), **fields} for line in manifest.read_text().splitlines()]
    rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_odd_sounds_are_counted_in_a_line_and_in_json(project, workers):
    manifest, noise = project.clips(12), np.random.default_rng(0).standard_normal(4000)
    replaced(manifest, np.clip(9 * noise, -1, 1), np.zeros(4000), 2 * noise, 0.002 * noise)
    result = project.run(f"--dataset={manifest}", "--model=null", *workers)
    odd = "1 clipped (at full scale), 1 silent, 1 beyond full scale, 1 20 dB or more quieter than the others"
    result.stdout.fnmatch_lines([f"*heard: of 12 clips {odd}*"])
    counted = {"clips": 12, "clipped": 1, "silent": 1, "beyond": 1, "quiet": 1}
    assert project.cell()["evidence"]["heard"] == counted
    again = project.run(f"--dataset={manifest}", "--model=null")
    again.stdout.fnmatch_lines(["*heard: of 12 clips*"])
    assert project.cell()["evidence"]["heard"] == counted, "the cache tells it as well"


def test_sounds_like_all_others_need_no_line(project):
    result = project.run(f"--dataset={project.clips(8)}", "--model=null")
    assert "heard:" not in result.stdout.str()
    assert project.cell()["evidence"]["heard"] == {"clips": 8}


def test_a_language_that_nobody_names_is_said_and_can_be_set(project):
    manifest = rewritten(project.clips(3), language=None)
    result = project.run(f"--dataset={manifest}", "--model=null")
    result.stdout.fnmatch_lines(['*its lines name no language, so it is taken to be English: write "language": "en"*'])
    assert "name no language" in project.cell()["data_info"]["language"]
    for told in (("--audiobench-set=language=German",), ()):
        if not told:
            rewritten(manifest, language="de")
        result = project.run(f"--dataset={manifest}", "--model=null", *told)
        assert "name no language" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n2",)])
@pytest.mark.parametrize("stated", ["Englsh", "xx", "\ud83d", 5, ["en"]])
def test_a_language_that_there_is_not_is_an_error_before_anything_runs(project, workers, stated):
    result = project.run(f"--dataset={rewritten(project.clips(2), language=stated)}", "--model=null", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*manifest.jsonl: its first line: *language*write a code such as en*"])


def test_a_language_that_there_is_not_in_a_later_line_is_an_error_of_that_line(project):
    manifest = project.clips(3)
    lines = manifest.read_text().splitlines()
    lines[1] = lines[1].replace('"en"', '"Englsh"')
    manifest.write_text("\n".join(lines))
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    result.stdout.fnmatch_lines(["*manifest.jsonl:2: 'language': unknown language 'Englsh' (did you mean english*"])
    assert project.cell()["counts"]["data_error"] == 1


def test_a_name_of_a_language_is_as_good_as_its_code(project):
    manifest = rewritten(project.clips(2), language="Chinese", text=CHINESE)
    project.run(f"--dataset={manifest}", "--model=oracle")
    assert project.cell()["sums"]["units"] == 2 * len(CHINESE)


def test_answers_in_another_script_than_their_language_are_told(project):
    manifest = rewritten(project.clips(4), language="zh", text=CHINESE)
    result = project.run(f"--dataset={manifest}", "--model=null")
    result.stdout.fnmatch_lines(["*4 of 4 answers are not written in the script of their language but in Latin*"])
    assert project.cell()["evidence"]["scripts"] == {"Latin": 4}
    assert "answers are not written" not in project.run(f"--dataset={manifest}", "--model=oracle").stdout.str()


@pytest.mark.parametrize(("language", "error"), [("English", ""), ("Englsh", "did you mean english")])
def test_a_catalogue_of_ones_own_names_its_languages_likewise(project, language, error):
    folder = project.path / "own" / "datasets"
    folder.mkdir(parents=True)
    entry = f"name: mine, task: asr, family: minefamily, language: {language}, manifest: {{path: {project.clips(2)}}}"
    (folder / "a.yaml").write_text(f"datasets:\n- {{{entry}}}\n")
    result = project.run("-m", "minefamily", "--model=null", "--audiobench-set=catalog=own")
    assert result.ret == (4 if error else 0)
    assert error in result.stderr.str()

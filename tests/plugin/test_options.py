"""Options: two spellings of one value, settings from three places, a help text that reads well."""

import pytest


def test_long_and_short_forms_accumulate(project):
    manifest = project.clips(2)
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-model=null", "-v")
    assert result.ret == 0
    assert [c["model"] for c in project.board()["cells"]] == ["oracle", "null"]


def test_the_entry_point_owns_only_long_options(pytester):
    result = pytester.runpytest_inprocess("--help")
    text = result.stdout.str()
    assert "--audiobench-model" in text
    options = [line.split()[0].split("=")[0] for line in result.outlines if line.startswith("  --")]
    ours = ("--model", "--dataset", "--model-args", "--gates", "--limit", "--sample", "--seed")
    assert not set(ours) & set(options)


def test_another_conftest_may_own_model(pytester):
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--model')\n")
    pytester.makepyfile("def test_x(request):\n    assert request.config.getoption('--model') == 'theirs'\n")
    pytester.runpytest_inprocess("--model=theirs").assert_outcomes(passed=1)


def test_few_short_options(project):
    text = project.pytester.runpytest_inprocess("--help").stdout.str()
    section = text.split("audiobench: benchmark audio models")[1].split("\n\n")[0]
    short = [x for x in section.splitlines() if x.startswith("  --") and not x.startswith("  --audiobench")]
    assert 0 < len(short) <= 21


def test_markers_read_well(project):
    result = project.pytester.runpytest_inprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.audiobench(task): *", "@pytest.mark.librispeech: datasets *"])


def test_no_model_is_one_skipped_item_that_names_the_option(project):
    result = project.run("-rs")
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*--audiobench-model*"])
    assert not (project.path / ".audiobench").exists()


def test_collect_only_lists_ids_and_writes_nothing(project):
    result = project.run("--collect-only", "-q", "-m", "librispeech", "--model=oracle")
    assert result.ret == 0
    ids = [line for line in result.outlines if "::" in line]
    assert "benchmarks/asr/test_asr.py::test_asr[librispeech-test-clean-oracle]" in ids
    assert len(ids) == 4
    assert not (project.path / ".audiobench").exists()


def test_model_from_ini_and_rare_setting_from_toml(project):
    manifest = project.clips(3)
    project.pytester.makeini("[pytest]\naudiobench_models = oracle\naudiobench_set =\n    max_audio_seconds=100\n")
    (project.path / "audiobench.toml").write_text(f"dataset = ['{manifest}']\nmax_audio_seconds = 0.01\nlimit = 2\n")
    assert project.run("--audiobench-set=max_audio_seconds=0.01").ret == 1, "the command line wins"
    result = project.run()
    assert result.ret == 0, "the ini value of max_audio_seconds wins over the file's"
    assert project.cell()["expected"] == 2


def test_dataset_name_selects_only_itself(project):
    result = project.run("--collect-only", "-q", "--dataset=librispeech_dev_clean", "--model=oracle")
    assert [line for line in result.outlines if "::" in line] == [
        "benchmarks/asr/test_asr.py::test_asr[librispeech-dev-clean-oracle]"
    ]


def test_paths_are_named_by_folder_by_stem_or_by_the_user(project):
    folder = project.clips(1, "inner").parent
    other = folder / "held-out.jsonl"
    other.write_text((folder / "manifest.jsonl").read_text())
    result = project.run(
        "--collect-only",
        "-q",
        "--model=oracle",
        f"--dataset={folder / 'manifest.jsonl'}",
        f"--dataset={other}",
        f"--dataset=mine={other}",
    )
    assert [line.split("[")[1] for line in result.outlines if "::" in line] == [
        "inner-oracle]",
        "held-out-oracle]",
        "mine-oracle]",
    ]


def test_dataset_path_after_a_space(project):
    project.clips(2)
    result = project.run("--dataset", "small/manifest.jsonl", "--model", "oracle", inprocess=False)
    assert result.ret == 0
    assert project.cell()["expected"] == 2


def test_dataset_path_outside_of_the_project_after_a_space(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "set"
    manifest = project.clips(2).parent.rename(elsewhere) / "manifest.jsonl"
    result = project.run("--dataset", manifest, "--model", "oracle", inprocess=False)
    assert result.ret == 0
    assert project.latest.is_dir()


def test_sample_and_seed_pick_by_id(project):
    manifest = project.clips(12)

    def ids(*args):
        assert project.run(f"--dataset={manifest}", "--model=oracle", *args).ret == 0
        return {o["sample_id"] for o in project.outcomes()}

    first, again, other = ids("--sample=4"), ids("--sample=4", "--seed=0"), ids("--sample=4", "--seed=1")
    assert first == again
    assert first != other
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(reversed(lines)))
    assert ids("--sample=4") == first
    assert len(first | other) > 4


@pytest.mark.parametrize("args", [["-p", "no:cacheprovider"], ["--strict-markers"], ["-q"], ["--tb=short"]])
def test_usual_pytest_options_still_work(project, args):
    manifest = project.clips(2)
    assert project.run(f"--dataset={manifest}", "--model=oracle", *args).ret == 0

"""`audiobench import`: result files of others, each in its real layout, become runs that everything works on."""

import csv
import io
import json
from pathlib import Path

import foreign_results as foreign
import pytest
from foreign_results import ANSWERS, WER, lines
from made_runs import make_run, make_set, sentence

from audiobench_pytest.cli import main
from audiobench_pytest.frames import read_run
from audiobench_pytest.records.runs.directory import RunDirectory

RECIPE = "wer/audiobench-pytest@1"

SELF_CONTAINED = {
    "ultraeval": "UltraEval-Audio",
    "kimi": "Kimi-Audio-Evalkit",
    "voicebench": "VoiceBench",
    "lmms_eval": "lmms-eval",
    "open_asr": "the Open ASR Leaderboard",
    "nemo": "NeMo",
    "ms_swift": "ms-swift",
    "predictions": "a file of predictions",
}
"""Formats whose files say what was expected, and what a report calls them."""

TEXTS = {"wenet": "WeNet", "trn": "sclite's trn", "ctm": "sclite's ctm"}
"""Formats whose files hold answers alone."""


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in an empty folder and gives status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main([*map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def take(cli):
    """Return a function that imports into `run`, and gives status, output and errors."""

    def run(*arguments, recipe=RECIPE, model="old", output="run"):
        more = ("--recipe", recipe) if recipe else ()
        return cli("import", *arguments, "--model", model, *more, "--output", output)

    return run


def answers_of(run):
    return dict(zip(*(read_run(run).records[name] for name in ("sample_id", "prediction")), strict=True))


def the_cell(run="run"):
    (cell,) = read_run(run).cells.to_dict("records")
    return cell


@pytest.mark.parametrize("name", SELF_CONTAINED)
@pytest.mark.parametrize("named", [False, True])
def test_a_file_that_has_its_references_is_scored_by_them(take, tmp_path, name, named):
    path = getattr(foreign, name)(tmp_path / "results.jsonl")
    status, out, err = take(f"{name.replace('_', '-')}:{path}" if named else path)
    cell = the_cell()
    assert (status, err, cell["dataset"], cell["model"]) == (0, "", "results", "old")
    assert cell["value"] == pytest.approx(WER)
    assert (cell["expected"], cell["coverage"], cell["n_ok"]) == (3, 1.0, 3)
    assert list(answers_of("run").values()) == [answer for _, answer in ANSWERS.values()]
    assert f"answers imported from {SELF_CONTAINED[name]}: results.jsonl (sha256 " in cell["imported"]
    assert cell["imported"] in out


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("expected", ["wenet", "trn", "manifest", "nemo"])
def test_a_file_of_answers_alone_takes_references_of_any_layout(take, tmp_path, name, expected):
    path = getattr(foreign, name)(tmp_path / "hyp")
    if expected == "manifest":
        rows = [{"key": key, "wav": f"/data/{key}.wav", "txt": texts[0]} for key, texts in ANSWERS.items()]
        references = lines(tmp_path / "data.list", rows)
    elif expected == "nemo":
        references = foreign.nemo(tmp_path / "ref.json")
    else:
        references = getattr(foreign, expected)(tmp_path / "ref", which=0)
    status, _, err = take(path, "--references", references)
    assert (status, err) == (0, "")
    assert the_cell()["value"] == pytest.approx(WER)
    assert the_cell()["imported"].startswith(f"answers imported from {TEXTS[name]}: hyp (sha256 ")


def test_words_of_a_ctm_are_cut_at_the_segments_of_an_stm(take, tmp_path):
    words = ["so", "hello", "there", "you", "how", "are", "things", "bye", "noise"]
    hyp = lines(tmp_path / "h.ctm", [f"call A {place}.0 0.5 {word}" for place, word in enumerate(words)])
    references = lines(
        tmp_path / "r.stm",
        [
            ";; recording channel speaker begin end label words",
            "call A anna 1.0 3.0 <O,F,00> hello there",
            "call A bert 3.0 7.0 <O,M,00> you how are things",
            "call A inter 7.0 8.0 <O,F,00> IGNORE_TIME_SEGMENT_IN_SCORING",
        ],
    )
    status, _, err = take(hyp, "--references", references)
    assert (status, err) == (0, "")
    # What lies before a segment counts there, what lies behind the last one in the last, nothing of what is ignored.
    assert answers_of("run") == {"call-A-1.0-3.0": "so hello there", "call-A-3.0-7.0": "you how are things noise"}
    assert the_cell()["value"] == pytest.approx(100 * 2 / 6)
    assert list(read_run("run").records["meta_speaker"]) == ["anna", "bert"]
    for option in ("--answer", "--subset"):
        status, _, err = take(hyp, "--references", references, option, "x", output="none")
        assert (status, f"{option} x: the words of a ctm have no fields; leave it out" in err) == (4, True)


def test_recordings_of_an_stm_that_the_ctm_does_not_name_are_missing(take, cli, tmp_path):
    hyp = lines(tmp_path / "h.ctm", ["first A 1.0 0.5 hello"])
    rows = [
        "first A anna 0.0 3.0 hello",
        "first A anna 3.0 6.0 there",
        "first B bert 0.0 3.0 yes",
        "next A cleo 0.0 3.0 no",
    ]
    assert take(hyp, "--references", lines(tmp_path / "r.stm", rows))[0] == 0
    records = read_run("run").records.set_index("sample_id")
    # Within a recording that was recognised, nothing heard is an answer.
    assert dict(records["state"]) == {
        "first-A-0.0-3.0": "ok",
        "first-A-3.0-6.0": "empty",
        "first-B-0.0-3.0": "missing",
        "next-A-0.0-3.0": "missing",
    }
    assert (the_cell()["coverage"], the_cell()["n_missing"], the_cell()["value"]) == (0.5, 2, 50.0)
    assert cli("gate", "run")[0] == 1


def test_ultraeval_gives_what_was_scored_there_or_what_the_model_said(take, tmp_path):
    path = foreign.ultraeval(tmp_path / "r.jsonl", failed={1})
    assert take(path)[0] == 0
    cell = the_cell()
    assert (cell["n_failed"], cell["coverage"]) == (1, pytest.approx(2 / 3))
    records = read_run("run").records.set_index("sample_id")
    assert records.loc["1", "reason"] == "RuntimeError: CUDA out of memory"
    assert take(path, "--answer", "inference", output="said")[0] == 0
    assert answers_of("said")["0"] == "Transcript: the quick brown fox"


def test_an_answer_whose_scoring_failed_there_is_an_answer(take, tmp_path):
    rows = [
        {"type": "inference", "id": 0, "data": {"content": "seven"}},
        {"type": "post_process", "id": 0, "data": {"content": "seven"}},
        {"type": "error", "id": 0, "data": {"info": "ValueError: scorer"}},
        {"type": "post_process", "id": 1, "data": {"content": "old"}},
        {"type": "eval", "id": 1, "data": {"pred": "old", "ref": "old"}},
    ]
    assert take(lines(tmp_path / "r.jsonl", rows))[0] == 0
    records = read_run("run").records.set_index("sample_id")
    assert list(records["state"]) == ["data_error", "ok"]  # its reference stands in the record that is not there


def test_what_was_said_never_stands_among_what_was_scored(take, tmp_path):
    rows = [json.loads(line) for line in foreign.ultraeval(tmp_path / "r.jsonl").read_text().splitlines()]
    cut = [row for row in rows if row["type"] in ("prompt", "inference") or row["id"] != 1]
    died = {"type": "error", "id": 1, "data": {"info": "Traceback\nValueError: no number in it\n"}}
    for more, reason in (([died], "ValueError: no number in it"), ([], "the file holds no 'post_process' of it")):
        name = "died" if more else "ended"
        references = foreign.wenet(tmp_path / "ref", {str(n): texts for n, texts in enumerate(ANSWERS.values())}, 0)
        assert take(lines(tmp_path / name, [*cut, *more]), "--references", references, output=f"of-{name}")[0] == 0
        records = read_run(f"of-{name}").records.set_index("sample_id")
        assert list(records["state"]) == ["ok", "failed", "ok"]
        assert records.loc["1", "reason"].startswith(reason)
    path = lines(tmp_path / "raw", [row for row in rows if row["type"] in ("prompt", "inference")])
    status, _, err = take(path, "--references", references)
    assert status == 4
    assert f"{path}: no sample has a record 'post_process', which was scored there" in err
    assert take(path, "--references", references, "--answer", "inference")[0] == 0
    assert answers_of("run")["1"] == "Transcript: jumps over a lazy dog"


def test_kimi_says_null_where_nothing_was_asked_and_subsets_are_picked(take, tmp_path):
    first = foreign.kimi(tmp_path / "a.jsonl").read_text().splitlines()
    other = foreign.kimi(tmp_path / "b.jsonl", subset="test-other").read_text().splitlines()
    later = [json.loads(line) for line in other]
    later = [{**row, "index": row["index"] + 3} for row in later]
    later[0]["prediction"] = "null"
    path = lines(tmp_path / "LibriSpeech.jsonl", [*first, *later])
    assert take(path, "--subset", "test-other")[0] == 0
    assert (the_cell()["n_failed"], the_cell()["expected"]) == (1, 3)
    status, _, err = take(path, "--subset", "dev", output="x")
    assert status == 4
    assert "has no subset 'dev'; it has test-clean, test-other" in err


def test_what_lmms_eval_filtered_never_stands_among_what_was_said(take, tmp_path):
    rows = [
        {"doc_id": 0, "target": "a cat", "filtered_resps": ["a cat"], "resps": [["It is a cat."]], "doc_hash": "0"},
        {"doc_id": 1, "target": "a dog", "resps": [["It is a dog."]], "doc_hash": "1"},
    ]
    assert take(lines(tmp_path / "s.jsonl", rows))[0] == 0
    records = read_run("run").records.set_index("sample_id")
    assert list(records["state"]) == ["ok", "failed"]
    assert records.loc["1", "reason"] == "the row has no 'filtered_resps'"
    assert take(lines(tmp_path / "raw.jsonl", rows[1:]), output="raw")[0] == 0
    assert answers_of("raw") == {"1": "It is a dog."}


def test_a_row_of_ms_swift_without_a_label_never_takes_an_answer_for_one(take, tmp_path):
    rows = [json.loads(line) for line in foreign.ms_swift(tmp_path / "r.jsonl").read_text().splitlines()]
    rows[0]["response"] += " "  # in `messages` it stands trimmed
    del rows[2]["labels"]
    assert take(lines(tmp_path / "cut.jsonl", rows))[0] == 0
    assert list(read_run("run").records["state"]) == ["ok", "ok", "data_error"]


def test_a_list_of_expected_answers_of_lmms_eval_is_read(take, tmp_path):
    row = {"doc_id": 0, "target": "['a cat', 'a kitten']", "filtered_resps": "a kitten", "doc_hash": "0"}
    assert take(lines(tmp_path / "s.jsonl", [row]))[0] == 0
    record = read_run("run").records.iloc[0]
    assert (record["reference"], record["meta_aliases"]) == ("a cat", ["a kitten"])


def test_chunks_of_a_long_recording_are_one_answer(take, tmp_path):
    words = ANSWERS["utt-1"][0].split()
    chunk = {"audio_filepath": "x", "duration": 30.0, "time": 1.0, "text": " ".join(words), "parent_id": "talk"}
    rows = [{**chunk, "chunk_index": place, "pred_text": word} for place, word in reversed(list(enumerate(words)))]
    path = lines(tmp_path / "long.jsonl", rows)
    assert take(path)[0] == 0
    assert answers_of("run") == {"talk": " ".join(words)}
    assert (the_cell()["value"], the_cell()["audio_s"], the_cell()["infer_s"]) == (0.0, 120.0, 4.0)
    status, _, err = take(lines(tmp_path / "gap.jsonl", rows[:-2]), output="gap")
    assert status == 4
    assert "the chunks of 'talk' are not 0, 1, 2" in err


def test_one_model_of_several_in_a_nemo_manifest_has_to_be_named(take, tmp_path):
    rows = [json.loads(line) for line in foreign.nemo(tmp_path / "a", field="pred_text_big").read_text().splitlines()]
    rows = [{**row, "pred_text_small": "nothing"} for row in rows]
    path = lines(tmp_path / "both.json", rows)
    status, _, err = take(path)
    assert status == 4
    assert "predictions of several models (pred_text_big, pred_text_small): name one with --answer" in err
    assert take(path, "--answer", "pred_text_big")[0] == 0
    assert the_cell()["value"] == pytest.approx(WER)


def test_ms_swift_without_labels_has_them_as_the_last_turn(take, tmp_path):
    assert take(foreign.ms_swift(tmp_path / "r.jsonl", labels=False))[0] == 0
    assert the_cell()["value"] == pytest.approx(WER)
    assert sorted(answers_of("run")) == sorted(ANSWERS)


def test_ms_swift_of_version_2_has_query_and_label(take, tmp_path):
    rows = [
        {
            "system": "",
            "query": "<audio>",
            "response": answer,
            "label": reference,
            "history": [],
            "audios": [f"{key}.wav"],
        }
        for key, (reference, answer) in ANSWERS.items()
    ]
    assert take(lines(tmp_path / "r.jsonl", rows))[0] == 0
    assert the_cell()["imported"].startswith("answers imported from ms-swift")
    assert the_cell()["value"] == pytest.approx(WER)


def test_what_was_exported_comes_back_as_it_was(take, cli, tmp_path):
    manifest, _ = small_set(tmp_path, 12)
    asked = make_run(tmp_path / "asked", manifest, args={"wer": "0.2"}, clusters="speaker")
    cli("export", asked, "--format", "jsonl", "--output", "samples.jsonl")
    assert take("small=samples.jsonl", output="own")[0] == 0
    assert take("samples.jsonl", "--dataset", manifest, output="set")[0] == 0
    before, own, whole = (the_cell(run) for run in (asked, "own", "set"))
    for name in ("value", "low", "high", "signature", "errors", "units", "clusters"):
        assert before[name] == own[name] == whole[name], name
    assert (before["data_digest"] == whole["data_digest"], before["data_digest"] == own["data_digest"]) == (True, False)
    assert "0 better, 0 worse, 12 equal" in cli("compare", asked, "set")[1]


def test_an_export_of_several_cells_is_no_one_set_of_answers(take, tmp_path):
    row = {"model": "m", "recipe": "r@1", "prompt": "", "sample_id": "a", "reference": "a", "prediction": "a"}
    path = lines(tmp_path / "x.jsonl", [{**row, "dataset": "one"}, {**row, "dataset": "two", "sample_id": "b"}])
    status, _, err = take(path)
    assert status == 4
    assert f"{path}: the samples of 2 cells (one, m, r@1; two, m, r@1): keep the lines of one of them" in err
    assert take(lines(tmp_path / "y.jsonl", [{**row, "dataset": "one"}]))[0] == 0


def test_answers_that_are_sounds_are_no_words(take, tmp_path):
    said = {key: (reference, f"out/{key}.wav") for key, (reference, _) in ANSWERS.items()}
    status, _, err = take(foreign.ultraeval(tmp_path / "r.jsonl", said))
    assert status == 4
    assert "the answers are sounds ('out/utt-1.wav'), not texts" in err


def small_set(folder, samples=6):
    """Return a manifest, and for each of its samples reference and answer."""
    manifest = make_set(folder / "data", samples)
    answers = {f"clip-{n:03d}": (sentence(n), sentence(n).replace("lazy", "hazy")) for n in range(samples)}
    return manifest, answers


@pytest.mark.parametrize("name", [*SELF_CONTAINED, "wenet", "trn"])
def test_answers_find_the_samples_of_a_data_set_by_id_name_or_place(take, tmp_path, name):
    manifest, answers = small_set(tmp_path)
    path = getattr(foreign, name)(tmp_path / "results", answers)
    status, _, err = take(path, "--dataset", manifest, recipe="")
    assert (status, err) == (0, "")
    assert answers_of("run") == {key: answer for key, (_, answer) in answers.items()}
    assert (the_cell()["dataset"], the_cell()["task"], the_cell()["clusters"]) == ("small", "asr", "speaker")


def test_what_the_files_lack_of_a_data_set_is_missing_and_turns_coverage_red(take, cli, tmp_path):
    manifest, answers = small_set(tmp_path)
    path = foreign.wenet(tmp_path / "text", dict(list(answers.items())[:-1]))
    assert take(path, "--dataset", manifest)[0] == 0
    assert (the_cell()["n_missing"], the_cell()["expected"]) == (1, 6)
    assert cli("gate", "run")[0] == 1
    assert take(path, "--dataset", manifest, "--limit", "5", output="first")[0] == 0
    assert (the_cell("first")["n_missing"], the_cell("first")["selection"]) == (0, "first 5 of 6")
    assert cli("gate", "first")[0] == 0


def test_a_file_without_its_first_row_keeps_its_places_and_a_subset_begins_its_own(take, tmp_path):
    manifest, answers = small_set(tmp_path)
    rows = [json.loads(line) for line in foreign.kimi(tmp_path / "k", answers).read_text().splitlines()]
    for row in rows:  # that nothing else tells which sample a row is of
        row["answer"] = ""
    assert take(f"kimi:{lines(tmp_path / 'cut', rows[1:])}", "--dataset", manifest)[0] == 0
    assert list(read_run("run").records["state"]) == ["missing", *["ok"] * 5]
    assert {key: text for key, text in answers_of("run").items() if key != "clip-000"} == {
        key: answer for key, (_, answer) in list(answers.items())[1:]
    }
    first = [{**row, "index": row["index"] - 6, "subset": "dev"} for row in rows]
    both = [{**row, "index": row["index"] + 6} for row in [*first, *rows]]
    picked = take(
        f"kimi:{lines(tmp_path / 'both', both)}", "--dataset", manifest, "--subset", "test-clean", output="own"
    )
    assert picked[0] == 0
    assert answers_of("own") == {key: answer for key, (_, answer) in answers.items()}


def test_parts_of_one_set_are_put_together(take, tmp_path):
    manifest, answers = small_set(tmp_path)
    halves = [dict(list(answers.items())[:3]), dict(list(answers.items())[3:])]
    paths = [foreign.wenet(tmp_path / f"part{n}", half) for n, half in enumerate(halves)]
    assert take(*paths, "--dataset", manifest)[0] == 0
    assert the_cell()["n_ok"] == 6
    names = [f"whole={foreign.nemo(tmp_path / f'part{n}.json', half)}" for n, half in enumerate(halves)]
    assert take(*names, output="own")[0] == 0
    assert (the_cell("own")["dataset"], the_cell("own")["n_ok"]) == ("whole", 6)


def test_each_file_with_a_data_set_of_its_own(take, tmp_path):
    manifest, answers = small_set(tmp_path)
    other = make_set(tmp_path / "more", 4, "more")
    paths = [
        foreign.wenet(tmp_path / "a", answers),
        foreign.wenet(tmp_path / "b", {key: answers[key] for key in list(answers)[:4]}),
    ]
    assert take(*paths, "--dataset", manifest, "--dataset", other)[0] == 0
    assert list(read_run("run").cells["dataset"]) == ["small", "more"]


def test_a_set_of_the_catalogue_gives_references_and_recipe(take, tmp_path):
    from audiobench_pytest.corpora import corpus_path

    rows = [json.loads(line) for line in corpus_path("minispeech/manifest.jsonl").read_text().splitlines()]
    path = foreign.wenet(tmp_path / "text", {row["id"]: ("", row["text"]) for row in rows})
    assert take(path, "--dataset", "minispeech", recipe="")[0] == 0
    cell = the_cell()
    assert (cell["recipe"], cell["value"], cell["expected"], cell["family"]) == (
        "wer/audiobench-pytest@2",
        0.0,
        len(rows),
        "minispeech",
    )


def test_imported_and_asked_answers_of_one_set_compare_and_say_so(take, cli, tmp_path):
    manifest, answers = small_set(tmp_path, 12)
    asked = make_run(tmp_path / "asked", manifest, args={"wer": "0.3"})
    assert take(foreign.wenet(tmp_path / "text", answers), "--dataset", manifest, "--cluster", "none")[0] == 0
    status, out, err = cli("compare", asked, "run")
    assert status == 0
    assert "12 samples:" in out
    assert "audiobench: run: answers imported from WeNet: text (sha256 " in err
    (document,) = json.loads(cli("compare", asked, "run", "--json")[1])
    assert len(document["imported"]) == 1


def test_a_run_is_gated_against_an_imported_baseline_which_is_told(take, cli, tmp_path):
    manifest, _ = small_set(tmp_path, 12)
    right = {f"clip-{n:03d}": (sentence(n), sentence(n)) for n in range(12)}
    make_run(tmp_path / "asked", manifest, args={"wer": "0.5"})
    assert (
        take(foreign.wenet(tmp_path / "text", right), "--dataset", manifest, "--cluster", "none", model="noisy")[0] == 0
    )
    gates = tmp_path / "gates.toml"
    limit = '[small.wer]\nbaseline = "{}"\nmax_regression = 1.0\n'
    for baseline in ("run", "lock.json"):
        gates.write_text(limit.format(baseline))
        status, out, _ = cli("gate", "asked", "--gates", gates)
        told = " ".join(out.split())
        assert (status, "FAIL small-noisy" in told, "regression" in told) == (1, True, True), out
        assert "the baseline has its answers imported from WeNet: text (sha256 " in told
        assert cli("baseline", "update", "run", "--file", "lock.json")[0] == 0


def test_another_recipe_or_other_data_is_never_compared(take, cli, tmp_path):
    manifest, answers = small_set(tmp_path)
    asked = make_run(tmp_path / "asked", manifest)
    path = foreign.nemo(tmp_path / "small.json", answers)
    take(path, "--dataset", manifest, recipe="wer/openasr@2026-08", output="other")
    assert "have no cell in common" in cli("compare", asked, "other")[2]
    take(f"small={path}", output="own")
    status, _, err = cli("compare", asked, "own")
    assert status == 4
    assert "differs, in ids, references or audio" in err


def test_one_recipe_with_another_signature_is_refused(take, cli, tmp_path):
    english = foreign.predictions(tmp_path / "a.jsonl")
    take(f"s={english}", output="en")
    take(f"s={english}", "--language", "de", output="de")
    status, _, err = cli("compare", "en", "de")
    assert status == 4
    assert "the signatures of en and de differ: lang:en and lang:de" in err


def test_two_models_of_one_manifest_compare_wherever_their_sounds_lay(take, cli, tmp_path):
    take(f"s={foreign.nemo(tmp_path / 'a.json')}", output="a")
    perfect = {key: (reference, reference) for key, (reference, _) in ANSWERS.items()}
    take(f"s={foreign.nemo(tmp_path / 'b.json', perfect, root='/elsewhere')}", output="b", model="new")
    status, out, _ = cli("compare", "a", "b")
    assert (status, "2 better, 0 worse, 1 equal" in out) == (0, True)


def test_everything_that_reads_runs_reads_an_imported_one(take, cli, tmp_path):
    path = foreign.open_asr(tmp_path / "results.jsonl")
    assert take(path, recipe=f"{RECIPE},wer/openasr@2026-08")[0] == 0
    gates = tmp_path / "gates.toml"
    gates.write_text('[results.wer]\nold = { max = 20.0, recipe = "wer/audiobench-pytest@1" }\n')
    status, out, _ = cli("gate", "run", "--gates", gates)
    assert status == 0, out
    assert "answers imported from the Open ASR Leaderboard: results.jsonl" in out
    assert "3 imported" in out
    status, out, err = cli("rescore", "run", "--recipe", "wer/audiobench-pytest@2", "--json")
    assert (status, err) == (0, "")
    (document,) = json.loads(out)
    assert (document["signature"].partition("|")[0], document["value"]) == (
        "wer/audiobench-pytest@2",
        pytest.approx(WER),
    )
    assert cli("baseline", "update", "run")[0] == 0
    locked = json.loads((tmp_path / "audiobench.lock.json").read_text())["cells"][0]
    assert locked["identity"]["imported"]["files"][0]["name"] == "results.jsonl"
    assert cli("compare", "audiobench.lock.json", "run")[0] == 0
    assert cli("report", "run")[0] == 0
    assert "imported from the Open ASR Leaderboard" in (tmp_path / "run" / "report" / "data" / "board.js").read_text()
    assert cli("show", "run", "--worst", "1")[0] == 0
    assert "imported" in (tmp_path / "run" / "leaderboard.md").read_text()
    rows = list(csv.DictReader(io.StringIO(cli("export", "run", "--format", "csv", "--rows", "cells")[1])))
    assert rows[0]["imported"].startswith("answers imported")


def test_a_judge_scores_imported_answers_and_one_that_cannot_judge_keeps_no_limit(take, cli, tmp_path):
    pytest.importorskip("httpx")
    from openai_server import OpenAIServer, Reply

    def judge(asked):
        """Like these answers, and none of the clear cases: half of them should be liked."""
        liked = "utt-" in asked.fields["messages"][-1]["content"]
        return Reply({"model": "j", "choices": [{"message": {"content": "yes" if liked else "no"}}], "usage": {}})

    path = foreign.voicebench(tmp_path / "r.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    lines(path, [{**row, "question": row["prompt"]} for row in rows])
    with OpenAIServer(judge) as server:
        status, _, err = take(path, "--judge-url", server.url, recipe="judge/sd-qa@kimi-evalkit")
    cell = the_cell()
    assert (status, cell["value"]) == (0, 100.0)
    assert "judge:j" in cell["signature"]
    assert "agrees on 5 of 10 clear cases" in err
    gates = tmp_path / "gates.toml"
    gates.write_text("[r.acc]\nmin = 1\n")
    status, out, _ = cli("gate", "run", "--gates", gates)
    assert (status, "not to be trusted" in " ".join(out.split())) == (1, True)


def test_an_import_keeps_no_promise_of_weights(take, cli, tmp_path):
    gates = tmp_path / "gates.toml"
    gates.write_text('[release]\ncells = ["r-old"]\nweights = {old = "8ab04f"}\n')
    assert take(foreign.nemo(tmp_path / "r.json"))[0] == 0
    status, out, _ = cli("gate", "run", "--gates", gates)
    assert status == 1
    assert "weights" in out


def test_a_board_says_which_cells_were_imported(take, cli, tmp_path):
    manifest, answers = small_set(tmp_path)
    path = foreign.kimi(tmp_path / "kimi.jsonl", answers)
    copy = f"librispeech-test-clean={manifest}"
    assert take(path, "--dataset", copy, recipe="wer/kimi-evalkit@2025-08")[0] == 0
    out = cli("board", "kimi-evalkit", "run")[1]
    told = " ".join(out.split())
    assert "of old: answers imported from Kimi-Audio-Evalkit: kimi.jsonl (sha256 " in told
    assert "incomplete: 6 samples selected, the set has 2620" in told


def test_times_of_a_file_are_shown_and_never_judged(take, cli, tmp_path):
    assert take(foreign.open_asr(tmp_path / "results.jsonl"))[0] == 0
    cell = the_cell()
    assert (cell["audio_s"], cell["infer_s"]) == (12.0, 1.5)
    gates = tmp_path / "gates.toml"
    gates.write_text("[results.rtfx]\nold = { min = 1.0 }\n")
    _, out, _ = cli("gate", "run", "--gates", gates)
    assert "nothing was timed here: answers imported from the Open ASR Leaderboard" in out


def test_the_same_import_again_is_a_further_attempt_and_another_one_is_refused(take, tmp_path):
    path = foreign.nemo(tmp_path / "r.json")
    assert take(path)[0] == take(path)[0] == 0
    assert the_cell()["expected"] == 3
    foreign.nemo(path, {**ANSWERS, "utt-4": ("a", "a")})
    status, _, err = take(path)
    assert (status, "holds another plan" in err) == (4, True)


def test_another_answer_or_subset_of_the_same_file_is_another_import(take, cli, tmp_path):
    path = foreign.ultraeval(tmp_path / "r.jsonl")
    assert take(path)[0] == take(path, "--answer", "inference", output="said")[0] == 0
    assert the_cell("said")["imported"] == f"{the_cell()['imported']}, answer inference"
    status, _, err = take(path, "--answer", "inference")
    assert (status, "holds another plan" in err) == (4, True)
    status, _, err = cli("gate", "run", "said")
    assert (status, "hold different plans" in err) == (4, True)
    kimi = foreign.kimi(tmp_path / "k.jsonl")
    assert take(kimi, "--subset", "test-clean", output="part")[0] == take(kimi, output="all")[0] == 0
    assert the_cell("part")["imported"] == f"{the_cell('all')['imported']}, subset test-clean"


def test_files_of_several_layouts_say_which_is_which(take, tmp_path):
    first, second = (dict(list(ANSWERS.items())[at]) for at in (slice(0, 1), slice(1, 3)))
    rows = [{"id": "utt-9", "prediction": "a", "reference": "a"}]
    paths = [foreign.nemo(tmp_path / "a", first), foreign.nemo(tmp_path / "b", second), lines(tmp_path / "c", rows)]
    assert take(*(f"s={path}" for path in paths))[0] == 0
    receipts = [one for cell in RunDirectory(Path("run")).cells() for one in cell.receipts]
    files = receipts[0].model["identity"]["imported"]["files"]
    assert [one["format"] for one in files] == ["NeMo", "NeMo", "a file of predictions"]


def test_words_cut_at_other_segments_are_another_import(take, tmp_path):
    hyp = lines(tmp_path / "h.ctm", ["call A 1.0 0.5 hello", "call A 7.0 0.5 noise"])
    heard, ignored = "call A anna 1.0 3.0 hello", "call A inter 6.0 8.0 IGNORE_TIME_SEGMENT_IN_SCORING"
    references = lines(tmp_path / "r.stm", [heard])
    assert take(hyp, "--references", references)[0] == 0
    lines(references, [heard, ignored])
    # Ids and references are the same: only the answers are not.
    status, _, err = take(hyp, "--references", references)
    assert (status, "holds another plan" in err) == (4, True)
    assert take(hyp, "--references", references, output="other")[0] == 0
    assert [list(answers_of(run).values()) for run in ("run", "other")] == [["hello noise"], ["hello"]]


def test_two_whole_imports_are_never_one(take, cli, tmp_path):
    path = foreign.nemo(tmp_path / "r.json")
    assert take(path)[0] == take(path, output="again")[0] == 0
    for command in (("gate", "run", "again"), ("baseline", "update", "run", "again")):
        status, _, err = cli(*command)
        assert status == 4
        assert f"r-old ({RECIPE}) is a whole import in each of 2 runs" in err
        assert "name one of run, again" in err


def test_nothing_pins_the_model_behind_imported_answers(take, cli, tmp_path):
    assert take(foreign.nemo(tmp_path / "r.json"))[0] == 0
    document = json.loads((tmp_path / "run" / "leaderboard.json").read_text())
    assert document["cells"][0]["evidence"]["pinned"] is False
    assert cli("baseline", "update", "run", "--file", "lock.json")[0] == 0
    gates = tmp_path / "gates.toml"
    gates.write_text('[r.wer]\nbaseline = "lock.json"\nmax_regression = 1.0\n')
    told = " ".join(cli("gate", "run", "--gates", gates)[1].split())
    assert "identical on all 3 samples" in told
    assert "the baseline's own model" not in told


def test_without_output_a_new_run_is_made_and_latest_stays(cli, tmp_path):
    status, out, _ = cli("import", foreign.nemo(tmp_path / "r.json"), "--model", "old", "--recipe", RECIPE)
    made = Path(out.splitlines()[-1])
    assert (status, made.parent) == (0, Path(".audiobench/runs"))
    assert the_cell(made)["value"] == pytest.approx(WER)
    assert not Path(".audiobench/runs/latest").exists()


def test_a_language_that_nobody_names_is_told(take, tmp_path):
    _, out, _ = take(foreign.predictions(tmp_path / "p.jsonl"))
    assert "so they are taken to be en: give --language CODE" in out
    _, out, _ = take(foreign.predictions(tmp_path / "p.jsonl"), "--language", "en", output="said")
    assert "taken to be" not in out


def test_with_references_the_language_is_theirs_else_that_of_the_answers(take, tmp_path):
    said = [{"audio_filepath": f"{key}.wav", "pred_text": answer, "lang": "de"} for key, (_, answer) in ANSWERS.items()]
    path = lines(tmp_path / "r.json", said[:2])  # and one of the set that is not answered
    texts = foreign.wenet(tmp_path / "ref", which=0)
    _, out, _ = take(path, "--references", texts)
    assert "|lang:de|" in the_cell()["signature"]
    assert set(read_run("run").records["language"]) == {"de"}
    assert "taken to be" not in out
    rows = [{"id": key, "reference": reference, "language": "fr"} for key, (reference, _) in ANSWERS.items()]
    references = lines(tmp_path / "ref.jsonl", rows)
    _, out, _ = take(path, "--references", references, output="french")
    assert "|lang:fr|" in the_cell("french")["signature"]
    silent = foreign.wenet(tmp_path / "hyp")
    _, out, _ = take(silent, "--references", references, output="silent")
    assert "|lang:fr|" in the_cell("silent")["signature"]
    assert "taken to be" not in out
    take(silent, "--references", texts, "--language", "es", output="named")
    assert "|lang:es|" in the_cell("named")["signature"]
    _, out, _ = take(silent, "--references", texts, output="nobody")
    assert "so they are taken to be en: give --language CODE" in out


def test_a_missing_reference_is_a_data_error_and_a_missing_answer_a_failure(take, tmp_path):
    rows = [
        {"audio_filepath": "a.wav", "text": "a b", "pred_text": "a b"},
        {"audio_filepath": "b.wav", "pred_text": "a b"},
        {"audio_filepath": "c.wav", "text": "a b"},
        {"audio_filepath": "d.wav", "text": "a b", "pred_text": ""},
    ]
    assert take(lines(tmp_path / "r.json", rows))[0] == 0
    records = read_run("run").records.set_index("sample_id")
    assert dict(records["state"]) == {"a": "ok", "b": "data_error", "c": "failed", "d": "empty"}
    assert "line 2" in records.loc["b", "reason"]
    assert records.loc["c", "reason"] == "the row has no 'pred_text'"


def bad(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


BAD = {
    "empty": (b"", "is empty: there is no answer in it"),
    "blank": (b"\n \n", "is empty: there is no answer in it"),
    "comments": (b";; nothing\n", "holds comments only"),
    "json": ('{"index": 0, "prediction": "a"}\n{broken\n', "line 2: expected a JSON object"),
    "list": ("[1, 2]\n", "expected a JSON object"),
    "no id": (
        '{"index": 0, "answer": "a", "prediction": "a"}\n{"answer": "a", "prediction": "a"}\n',
        "line 2: there is no field 'index', which names the sample",
    ),
    "odd id": (
        '{"index": {}, "answer": "a", "prediction": "a"}\n',
        "line 1: field 'index' names the sample and must be a text or a whole number, it is {}",
    ),
    "twice": (
        '{"index": 0, "answer": "a", "prediction": "a"}\n{"index": 0, "answer": "a", "prediction": "b"}\n',
        "line 2: the id '0' was used in",
    ),
    "answer": ('{"index": 0, "answer": "a", "prediction": ["a"]}\n', "line 1: field 'prediction' must be a text"),
    "seconds": (
        '{"audio_filepath": "a", "text": "a", "pred_text": "a", "duration": "long"}\n',
        "line 1: field 'duration' must be a number of seconds, it is 'long'",
    ),
    "language": (
        '{"audio_filepath": "a", "text": "a", "pred_text": "a", "lang": "klingonese"}\n',
        "line 1: field 'lang': unknown language 'klingonese'",
    ),
    "options": (
        '{"doc_id": 0, "target": "a", "filtered_resps": [["-1.0", "True"], ["-2.0", "False"]]}\n',
        "line 1: field 'filtered_resps' holds several answers",
    ),
    "record": ('{"type": "speech", "id": 0, "data": {}}\n', "line 1: field 'type' must be one of prompt, inference"),
    "records": (
        '{"type": "eval", "id": 0, "data": {"ref": "a"}}\n{"type": "eval", "id": 0, "data": {"ref": "a"}}\n',
        "line 2: record 'eval' of id '0' was in",
    ),
    "data": ('{"type": "inference", "id": 0, "data": "a"}\n', "line 1: field 'data' must be an object"),
    "gbk": ("a 你好\n".encode() + "b 你好\n".encode("gbk"), "line 2: byte 3 is not UTF-8: convert the file first"),
    "json gbk": (
        b'{"index": 0, "prediction": "a"}\n' + '{"index": 1, "prediction": "好"}\n'.encode("gbk"),
        "line 2: byte 29 is not UTF-8",
    ),
    "scores": ('{"results": {"x": {"wer,none": 1}},\n "configs": {}}', "scores are no answers"),
    "summary": ('{"results": {"x": {"wer,none": 1}}, "configs": {}}\n', "scores are no answers"),
    "unknown": (
        '{"question": "a", "reply": "b"}\n',
        "is in no layout that is known (its first object has question, rep",
    ),
    "key twice": ("a b\nb b\nc c\nb d\n", "line 4: the id 'b' was used in"),
    "prose": ("a b\na c\n", "is in no layout that is known (its first line is 'a b')"),
    "no reference": ('{"prediction": "a"}\n', "no answer has a reference"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_file_is_told_before_a_run_is_made(take, tmp_path, name):
    content, told = BAD[name]
    status, out, err = take(bad(tmp_path, "r.jsonl", content))
    assert (status, out) == (4, "")
    assert told in err
    assert str(tmp_path / "r.jsonl") in err or name == "no reference"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("um { a / b } (utt-1)\n", "line 1: alternatives ({ a / b }) are scored by sclite alone"),
        ("a (quick) fox (utt-1)\n", "line 1: optional words ((quick)) are scored by sclite alone"),
        ("a (utt-1)\nb (utt-1)\n", "line 2: the id 'utt-1' was used in"),
        ("call A anna 3.0 1.0 hello\n", "line 1: the segment ends (1.0) before it begins (3.0)"),
        ('{"key": "utt-1", "wav": "x"}\n', "line 1: no reference under reference, txt, text; it has key, wav"),
        ("utt-9 a\n", "3 of 3 answers are of no sample of"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_with_references_is_told(take, tmp_path, content, told):
    hyp = foreign.wenet(tmp_path / "hyp")
    status, _, err = take(hyp, "--references", bad(tmp_path, "ref", content))
    assert status == 4
    assert told in err


def test_text_without_references_says_what_to_name(take, tmp_path):
    status, _, err = take(foreign.trn(tmp_path / "hyp.trn"))
    assert status == 4
    assert "name the data set of the catalogue with --dataset, or a file with --references" in err


def test_a_file_of_another_set_or_order_is_refused(take, tmp_path):
    manifest, answers = small_set(tmp_path)
    turned = dict(zip(answers, reversed(list(answers.values())), strict=True))
    for path in (foreign.ultraeval(tmp_path / "u", turned), foreign.nemo(tmp_path / "n", turned)):
        status, _, err = take(path, "--dataset", manifest)
        assert status == 4
        assert f"{path}: line " in err
        assert "it is of another set, version or order" in err
    longer = {**answers, "clip-999": ("a", "a")}
    status, _, err = take(foreign.wenet(tmp_path / "w", longer), "--dataset", manifest)
    assert f"1 of 7 answers are of no sample of small: 'clip-999' ({tmp_path / 'w'}: line 7)" in err
    status, _, err = take(foreign.kimi(tmp_path / "k", longer), "--dataset", manifest)
    assert f"1 of 7 answers are of no sample of small: '6' ({tmp_path / 'k'}: line 7)" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.jsonl"], "cannot read nothing.jsonl: No such file"),
        (["."], "is a folder: name the result file in it"),
        (["lmms_eval:n.json"], "unknown format 'lmms_eval' (did you mean lmms-eval"),
        (["trn:n.json"], "holds JSON, a result of sclite's trn holds lines of text"),
        (["nemo:hyp"], "holds lines of text, a result of NeMo holds JSON"),
        (["n.json", "--answer", "said"], "no row has a field 'said'"),
        (["hyp", "--answer", "said"], "a file of text lines has no fields"),
        (["n.json", "--limit", "2"], "it needs --dataset"),
        (["n.json", "--language", "xx-nope"], "unknown language"),
        (["n.json", "--dataset", "minispeech", "--language", "de"], "a data set of the catalogue has its own"),
        (["n.json", "--task", "nope"], "unknown task 'nope'"),
        (["minispeech=n.json"], "'minispeech' is a data set of the catalogue: give --dataset minispeech"),
        (["n.json", "hyp", "--references", "hyp"], "--references are of one data set, the files are 2"),
        (["n.json", "--dataset", "minispeech", "--references", "hyp"], "give one of them"),
        (["x=n.json", "--dataset", "minispeech"], "drop the name"),
        (["n.json", "--dataset", "minispeech", "--dataset", "minitts-zh"], "1 files and 2 data sets"),
        (["n.json", "--dataset", "nope"], "unknown dataset 'nope'"),
        (["trn:"], "give [NAME=][FORMAT:]PATH"),
    ],
)
def test_what_is_asked_wrongly_is_told(take, tmp_path, arguments, told):
    foreign.nemo(tmp_path / "n.json")
    foreign.wenet(tmp_path / "hyp")
    status, out, err = take(*arguments)
    assert (status, out) == (4, "")
    assert told in err


def test_without_a_data_set_a_recipe_has_to_be_named(take, tmp_path):
    status, _, err = take(foreign.nemo(tmp_path / "n.json"), recipe="")
    assert (status, "name a recipe with --recipe" in err) == (4, True)


def test_line_ends_byte_order_marks_and_odd_texts_are_read(take, tmp_path):
    path = lines(tmp_path / "r.trn", ["hello (there) you (spk-1)", "\u200b=1+1 <b> (spk-2)"], newline="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n")
    references = lines(tmp_path / "ref", ["spk-1 hello you", "spk-2 one"])
    assert take(path, "--references", references)[0] == 0
    assert answers_of("run") == {"spk-1": "hello (there) you", "spk-2": "\u200b=1+1 <b>"}

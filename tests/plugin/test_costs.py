"""What a run costs: shown beforehand, kept with each answer, and limited by `--max-cost`."""

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api'")

from openai_server import OpenAIServer, heard

ENTRY = """
models:
  - name: vendor
    adapter: openai
    source: tiny
    revision: v1
    licence: vendor terms
    args: {{url: "{url}", api: transcriptions}}
    price: {{as_of: 2025-06, audio_second: 0.01}}
  - name: unpinned
    adapter: openai
    source: tiny
    licence: vendor terms
    args: {{url: "{url}", api: transcriptions}}
    price: {{as_of: 2025-06, audio_second: 0.01}}
"""


@pytest.fixture
def vendor(project):
    with OpenAIServer(lambda asked: heard(asked, "words")) as server:
        folder = project.path / "own" / "models"
        folder.mkdir(parents=True)
        (folder / "vendor.yaml").write_text(ENTRY.format(url=server.url))

        def run(*args, n=20, model="vendor"):
            manifest = project.clips(n)
            told = (f"--dataset={manifest}", f"--model={model}", "--audiobench-set=catalog=own")
            return project.run(*told, *args, inprocess=False)

        run.server = server
        yield run


def seconds(project):
    return sum(outcome["audio_s"] for outcome in project.outcomes())


def test_it_is_shown_and_kept(project, vendor):
    result = vendor()
    assert result.ret == 0, result.stdout.str()
    cost = project.cell()["cost"]
    assert cost["usd"] == pytest.approx(0.01 * seconds(project)) == pytest.approx(cost["new_usd"])
    shown = f"${cost['usd']:.4f}"
    result.stdout.fnmatch_lines(["model *cost *RTFx*", f"vendor *{shown}*"])
    result.stdout.fnmatch_lines(["cost", f"  vendor: {shown}, {shown} of it in this run"])
    assert "cost_usd" in (project.latest / "leaderboard.csv").read_text().splitlines()[0]
    again = vendor()
    assert (project.cell()["cost"]["usd"], project.cell()["cost"]["new_usd"]) == (pytest.approx(cost["usd"]), 0)
    again.stdout.fnmatch_lines([f"  vendor: {shown}, $0.00 of it in this run"])


@pytest.mark.parametrize("workers", [(), ("-n2", "--audiobench-set=shard_size=5")], ids=["alone", "workers"])
def test_a_limit_keeps_what_is_done_and_leaves_the_rest(project, vendor, workers):
    result = vendor("--max-cost=0.02", "--model-args=slots=1", *workers)
    assert result.ret == 1
    cell = project.cell()
    done = cell["counts"]["ok"]
    assert 0 < done < 20
    assert cell["counts"] | {"ok": 0, "missing": 0} == dict.fromkeys(cell["counts"], 0), "missing, not failed"
    assert cell["counts"]["missing"] == 20 - done
    assert cell["cost"]["new_usd"] <= 0.02 + (0.01 if workers else 0)
    result.stdout.fnmatch_lines([f"*--max-cost was reached: {20 - done} samples were not asked"])
    result.stdout.fnmatch_lines([f"*coverage*{done} of 20 answered: {20 - done} missing*"])
    assert vendor().ret == 0, "the same command without a limit asks the rest"
    assert project.cell()["cached"] == done


def test_a_limit_that_nothing_fits_in_asks_nothing(project, vendor):
    assert vendor("--max-cost=0.0000001").ret == 1
    assert vendor.server.questions == []


def test_nor_does_it_ask_who_answers(project, vendor):
    assert vendor("--max-cost=0.0000001", model="unpinned").ret == 1
    assert vendor.server.questions == []
    result = vendor("--max-cost=0.06", model="unpinned")  # enough for the samples, not for the clips
    assert project.cell()["counts"]["ok"] == len(vendor.server.questions) == 20
    result.stdout.fnmatch_lines(["*--max-cost left nothing to ask the server who answers*"])
    result.stdout.no_fnmatch_line("*--max-cost was reached*")


def test_a_limit_on_models_without_a_price_is_refused(project):
    result = project.run(f"--dataset={project.clips(2)}", "--model=null", "--max-cost=1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--max-cost: no price is known of null: leave it out*"])


@pytest.mark.parametrize("given", ["0", "-1", "much"])
def test_a_limit_is_a_sum_of_money(project, given):
    result = project.run(f"--dataset={project.clips(2)}", "--model=null", f"--max-cost={given}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*max-cost*"])


def test_a_plan_says_about_what_it_would_cost(project, vendor):
    result = vendor("--plan")
    assert result.ret == 0
    total = sum(0.2 + 0.01 * (i % 7) for i in range(20)) * 0.01
    result.stdout.fnmatch_lines([f"1 cell, 20 samples, * h of sound, about ${total:.4f}", f"*about ${total:.4f}; wer*"])
    assert vendor.server.questions == []


def test_a_plan_counts_every_answer_that_is_paid_for(project, vendor):
    total = sum(0.2 + 0.01 * (i % 7) for i in range(20)) * 0.01
    draws = vendor("--plan", "--repeats=3", "--model-args=temperature=0.5")
    draws.stdout.fnmatch_lines([f"1 cell, *about ${3 * total:.4f}", f"*x 3 draws*about ${3 * total:.4f}; wer*"])
    prompts = vendor("--plan", "--model-args=api=chat", "--prompt=Write it down.", "--prompt=What is said here?")
    prompts.stdout.fnmatch_lines([f"2 cells, *about ${2 * total:.4f}", f"*about ${total:.4f}; wer*"])
    vendor("--plan", "--stage=score").stdout.no_fnmatch_line("*about $*")
    recipes = vendor("--plan", "--recipe=wer/audiobench-pytest@1,wer/audiobench-pytest@2")
    recipes.stdout.fnmatch_lines([f"2 cells, *about ${total:.4f}"])
    assert vendor.server.questions == []

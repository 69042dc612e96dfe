"""A run is read where nobody knows the labels and recipes that it was planned with."""

import json
import subprocess
import sys


def test_a_run_with_labels_of_ones_own_is_read_and_judged_elsewhere(project):
    catalogue = project.path / "cat"
    for kind in ("labels", "recipes"):
        (catalogue / kind).mkdir(parents=True)
    (catalogue / "labels" / "mine.yaml").write_text(
        "labels:\n  - {name: my-moods, labels: {gleeful: [glee, merry], gloomy: [glum]}}\n"
    )
    (catalogue / "recipes" / "mine.yaml").write_text(
        "recipes:\n  - name: match/my-moods@1\n    score: accuracy\n    default: {prediction: [{label: my-moods}]}\n"
    )
    manifest = project.clips(4)
    rows = [{**json.loads(line), "text": "gleeful"} for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    args = ("--audiobench-set=catalog=cat", "--recipe=match/my-moods@1", "--audiobench-run=run")
    result = project.run(f"--dataset={manifest}", "--model=oracle", *args, inprocess=False)
    assert result.ret == 0, result.stderr.str() + result.stdout.str()
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    code = "import audiobench_pytest, sys; run = audiobench_pytest.read_run(sys.argv[1]); print(run.cells.value[0])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.path / "run")], cwd=elsewhere, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "100.0"), done.stderr
    judged = subprocess.run(
        [sys.executable, "-m", "audiobench_pytest.cli", "gate", str(project.path / "run")],
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stderr

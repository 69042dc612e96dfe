"""How many questions a second a server is asked that answers at once."""

from pathlib import Path

from inputs import CHILDREN, Inputs
from measuring import Run, median, pytest, run, serving
from result import Result

GOAL = 500
SLOTS = 64


def measure(inputs: Inputs) -> Result:
    """Take the wall of cold runs of two sizes against a server on loopback, and what one more question takes of it.

    Reading, hashing, encoding, sending, keeping and scoring are all in it; server and harness share the cores.
    """
    sizes = (200, 800) if inputs.quick else (2000, 8000)
    manifests = dict(zip(sizes, inputs.clips(*sizes), strict=True))
    small, large = sizes
    times = inputs.times(5)

    with serving(CHILDREN / "serve_null.py") as told:

        def asked(manifest: Path) -> Run:
            arguments = f"url={told['url']},slots={SLOTS}"
            given = ("--dataset", manifest, "--model", "openai:null", "--model-args", arguments)
            return run(pytest("benchmarks/asr", *given), cwd=inputs.benchmark_project())

        asked(manifests[small])
        pairs = [(asked(manifests[small]), asked(manifests[large])) for _ in range(times)]
    rate = median([(large - small) / (more.wall_s - less.wall_s) for less, more in pairs])
    used = median([1000 * (more.cpu_s - less.cpu_s) / (large - small) for less, more in pairs])
    return Result(
        figure="questions asked of a server that answers at once",
        measured=rate.text("questions/s", digits=0),
        value=rate.value,
        goal=f">= {GOAL} questions/s",
        met=rate.value >= GOAL,
        how=f"chat with input_audio on loopback, {SLOTS} slots, {small} to {large} distinct WAVs of 1 s, cold cache, "
        f"{times} pairs; {used.text('ms', digits=2)} of CPU per question without the server's",
        details={"rate": rate.plain(), "cpu_ms": used.plain()},
    )

"""`evaluate`: a model on a data set, from a notebook, through the same runner, cache and scores as a pytest run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.packing import carried, packed
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import LoadSettings, is_path_like, spec_for_path
from audiobench_pytest.doors import open_doors
from audiobench_pytest.errors import UsageError
from audiobench_pytest.frames import Run, read_run
from audiobench_pytest.metrics.speech.channels import channel_of, read_in
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.models.registry import register_adapter
from audiobench_pytest.models.ways import find
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.digests import use_memo
from audiobench_pytest.records.keys import digest
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.shard import run_shard
from audiobench_pytest.runner.collecting import Collector
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import Answer, CellId, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Recognise = Callable[[NDArray[np.float32]], str]
    """From sound, `(samples,) float32` at 16 kHz, to a text."""

_CALLABLES: dict[str, Recognise] = {}


def evaluate(
    model: Recognise | str,
    dataset: str | os.PathLike[str],
    recipe: str | Sequence[str] = (),
    *,
    limit: int | None = None,
    name: str | None = None,
    identity: str | None = None,
    model_args: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] = ".audiobench",
) -> Run:
    """Ask a model about a data set, score its answers and return what became of each sample.

    Args:
        model: A name as for `--model` (`whisper-small`, `hf:...`, `./my_model.py:Recognizer`), or a function from sound
            (`(samples,) float32` at 16 kHz, full scale [-1, 1]) to text.
        dataset: A name of the catalogue, or a path as for `--dataset`.
        recipe: Name of a recipe, or several; none takes the data set's own.
        limit: Only the first samples.
        name: What a function is called in the results; its own name unless given.
        identity: What the answers of a function depend on (a version, a digest of its weights). Without it nothing
            that it says is taken from the cache, since a function with the same name may be another one tomorrow.
        model_args: As `--model-args`.
        folder: Where the cache and the run directory lie; the same as pytest's, so that answers are shared.

    Returns:
        `records` and `cells` as `read_run` gives them, and the run directory's `path`.

    Raises:
        UsageError: A name that does not exist, or a task that cannot be asked of the model.
        DatasetError: The data set cannot be read.
        ModelError: The model cannot be loaded.
    """
    open_doors()
    root = Path(folder)
    spec = _model(model, name, identity)
    data = _dataset(dataset)
    catalog = load_catalog()
    names = [recipe] if isinstance(recipe, str) else list(recipe)
    task = catalog.tasks.get(data.task)
    channel = channel_of(task)
    recipes = read_in(
        channel,
        catalog,
        [catalog.recipes.get(one) for one in names] or [catalog.recipe_for(data)],
        answers=f"{task.name} ({task.title}) is answered",
        mend="name a recipe of texts",
    )
    cache = [root / "cache"]
    run = RunDirectory(RunDirectory.new_path(root / "runs"))
    args = {spec.name: dict(model_args or {})}
    attempt = run.begin(_facts(spec, data, recipes, limit), asked=digest([spec.name, data.name, names, limit]))
    use_memo(cache[0] / "digests")
    runner = Runner(
        pool=ModelPool(args, folder=run.servers(attempt)),
        cache=PredictionCache(cache),
        results=run.writer("main", attempt),
        load=LoadSettings(cache=cache[0], limit=limit),
        budgets=Budgets(),
        began=run.began(),
        observed_in=run.path / f"observed-{attempt}.json",
    )
    try:
        adapter = runner.pool.adapter(spec)
        cell = CellId(data.name, spec.name, recipes[0].name)
        job = Job(cell, data, spec, recipes[0], more_recipes=recipes[1:], answer=channel)
        if channel not in (spec.gives or adapter.gives):
            raise UsageError(f"{spec.name} gives no answers in {channel}, which the task '{data.task}' wants")
        if task.instructed and not adapter.follows(spec, adapter.args):
            raise UsageError(f"{spec.name} follows no instruction, so the task '{data.task}' cannot be asked of it")
        if adapter.takes_instruction:
            profile_for(job.asked, data.language)
        _run(runner, run, job)
    finally:
        runner.close()
        use_memo(None)
    return read_run(run.path)


def _run(runner: Runner, run: RunDirectory, job: Job) -> None:
    run.write_plan(
        [
            PlannedCell(
                cell,
                task=job.dataset.task,
                family=job.dataset.family,
                node="evaluate",
                shards=1,
                selected=(0,),
                recipe=packed(recipe),
                carried=carried(recipe, load_catalog()),
                clusters=job.dataset.resampled,
            )
            for cell, recipe in job.cells()
        ]
    )
    collector = Collector(runner)
    collector.use(job.cell, (job.recipe, *job.more_recipes))
    for outcome in run_shard(runner, job):
        collector.check(outcome)
    collector.finish(job.cell)


def _facts(spec: ModelSpec, data: DatasetSpec, recipes: Sequence[RecipeSpec], limit: int | None) -> dict[str, Any]:
    return {
        "started": time.time(),
        "command": ["evaluate"],
        "models": {spec.name: {}},
        "datasets": [data.name],
        "recipes": [recipe.name for recipe in recipes],
        "selection": {"limit": limit, "sample": None, "seed": 0},
    }


def _dataset(given: str | os.PathLike[str]) -> DatasetSpec:
    text = os.fspath(given)
    return spec_for_path(text, cwd=Path.cwd()) if is_path_like(text) else load_catalog().datasets.get(text)


def _model(model: Recognise | str, name: str | None, identity: str | None) -> ModelSpec:
    if isinstance(model, str):
        return find(model, load_catalog().models.get, {})
    if not callable(model):
        raise UsageError(f"model: a name or a function from sound to text is wanted; it is {model!r:.80}")
    register_adapter("function", "audiobench_pytest.evaluation:FunctionAdapter")
    called = name or getattr(model, "__name__", type(model).__name__).strip("<>")
    key = identity if identity is not None else os.urandom(8).hex()
    _CALLABLES[key] = model
    return ModelSpec(called, "function", args={"identity": key})


class FunctionAdapter(ModelAdapter):
    """A function of the user's own, asked one sound at a time."""

    options: ClassVar[Mapping[str, Option]] = {"identity": Option(str, None, "what its answers depend on")}
    follows_instructions = True

    @classmethod
    def is_told(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It is handed the sound alone: what to do with it is the function's own matter."""
        return False

    def identity(self) -> dict[str, Any]:
        """Return what was given as its identity."""
        return self.base_identity()

    def load(self) -> None:
        """Do nothing: the function is there."""

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Call the function with each sound."""
        function = _CALLABLES[self.args["identity"]]
        return [Answer(function(request.audio.samples)) for request in batch if request.audio is not None]

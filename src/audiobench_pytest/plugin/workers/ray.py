"""`--engine ray`: the items of a run on Ray actors that hold the model; the only code that knows Ray.

An actor is a pytest process, as a worker of xdist is: it collects the same items from the same files, runs those it is
handed and gives back their reports, so that fixtures and benchmark functions mean what they mean anywhere. What it
answers goes to the cache and the run directory, which every machine must see under the same path. Ray places actors,
gives them GPUs, replaces one that died and runs its item again; what that one had answered is in the cache.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import sys
import uuid
import warnings
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.plugin.termination import kept_handler
from audiobench_pytest.plugin.workers.leases import UNLEASED, cut, refuse
from audiobench_pytest.plugin.workers.ray_actor import PytestActor
from audiobench_pytest.plugin.workers.xdist import cut_datasets, demands, is_distributed, worker_input
from audiobench_pytest.runner.gpus import Gpus, count_gpus, nvidia_smi

_REACH_S = 10.0
_RETRIES = 2
"""How often an item whose actor died is run again before it has failed."""
_FINISH_S = 60.0
"""Most seconds that actors are given to close their models when all is done."""


def check(config: pytest.Config) -> None:
    """Stop a run that Ray could not run.

    Raises:
        UsageError: Ray is not installed, or an option contradicts it.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray: Ray is not installed: pip install 'audiobench-pytest[ray]'")
    if is_distributed(config):
        raise UsageError(
            "--engine ray makes its own workers: leave -n out; --audiobench-set ray_actors=N is their number"
        )
    if config.option.usepdb:
        raise UsageError("--engine ray: where the items run there is no terminal for --pdb: leave one of the two out")


class RayHooks:
    """Hooks of the process that hands items to actors."""

    def __init__(self, session: BenchmarkSession) -> None:
        """Cut data sets into shards."""
        self._session = session
        self._actors = self._gpus = 0
        self._run_id = uuid.uuid4().hex
        cut_datasets(session)

    def pytest_sessionstart(self) -> None:
        """Join a cluster, or start one on this machine.

        Raises:
            pytest.UsageError: There is none at the address, or no actor could hold one of the models.
        """
        import ray

        address = self._session.settings.ray_address or os.environ.get("RAY_ADDRESS") or "local"
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a benchmark tells nobody that it runs
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # who asks Ray for no GPU sees what we see
        options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.WARNING}
        if address == "local":
            gpus = len(count_gpus(os.environ, nvidia_smi).names)
            options |= {"include_dashboard": False, "object_store_memory": 128 << 20, "num_gpus": gpus}
        try:
            with kept_handler():
                _reach(address)
                ray.init(**options)
            self._actors, self._gpus = self._share_out(ray)
        except UsageError as exc:
            raise pytest.UsageError(str(exc)) from None
        except (OSError, RuntimeError, ValueError) as exc:
            raise pytest.UsageError(f"--engine ray: cannot use the Ray cluster at {address}: {exc}") from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the items on actors: whichever is ready is given the next one.

        Raises:
            pytest.Session.Interrupted: No actor is left, or a report said so (`Failed` for `--maxfail`).
            pytest.UsageError: An actor cannot run the items: other files or packages are there.
        """
        import ray

        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        waiting = deque(session.items)
        actors = [self._actor(ray, session.config, k) for k in range(min(self._actors, len(waiting)))]
        busy: dict[Any, tuple[Any, pytest.Item | None]] = {actor.ready.remote(): (actor, None) for actor in actors}
        idle = []
        try:
            # An actor for which there is no room in the cluster is not waited for once the others have done it all.
            while waiting or any(item is not None for _, item in busy.values()):
                if not busy:
                    raise session.Interrupted("no Ray actor is left: give the same command again to go on")
                for ref in ray.wait(list(busy), timeout=1.0)[0]:
                    actor, item = busy.pop(ref)
                    if not self._take(ray, session, ref, item):
                        continue
                    if waiting:
                        following = waiting.popleft()
                        busy[actor.run.remote(following.nodeid)] = (actor, following)
                    else:
                        idle.append(actor)
            try:
                ray.get([actor.finish.remote() for actor in idle], timeout=_FINISH_S)
            except ray.exceptions.RayError as exc:  # all items have run: what they gave counts
                warnings.warn(pytest.PytestWarning(f"a Ray actor did not end well: {exc}"), stacklevel=1)
        finally:
            for actor in actors:
                ray.kill(actor)
        return True

    def pytest_unconfigure(self) -> None:
        """Leave the cluster; one that was started here ends."""
        import ray

        ray.shutdown()

    def _share_out(self, ray: Any) -> tuple[int, int]:
        """Return the number of actors, and of GPUs for each."""
        size, asked = self._session.settings.gpus_per_worker, self._session.settings.ray_actors
        wanted = demands(self._session.models, self._session.model_args)
        on_nodes = [int(node["Resources"].get("GPU", 0)) for node in ray.nodes() if node["Alive"]]
        leases = cut(Gpus(tuple(map(str, range(sum(on_nodes)))), "Ray"), size) if size else UNLEASED
        refuse(leases, wanted)
        if not leases.values or not any(demand.uses_gpu for demand in wanted):
            return asked or max(1, int(ray.cluster_resources().get("CPU", 1))), 0
        if max(on_nodes) < size:
            raise UsageError(f"gpus_per_worker={size}, but no machine of the Ray cluster has more than {max(on_nodes)}")
        return asked or sum(n // size for n in on_nodes), size

    def _actor(self, ray: Any, config: pytest.Config, number: int) -> Any:
        name = {"workerid": f"ray{number}", "workercount": self._actors, "testrunuid": self._run_id}
        given = {**name, "mainargv": sys.argv, **worker_input(self._session)}
        if hasattr(config.hook, "pytest_configure_node"):  # plugins prepare an actor as they prepare a worker of xdist
            config.hook.pytest_configure_node(node=SimpleNamespace(config=config, workerinput=given))
        restarts = {"max_restarts": -1, "max_task_retries": _RETRIES}
        actor = ray.remote(num_cpus=0, num_gpus=self._gpus, scheduling_strategy="SPREAD", **restarts)(PytestActor)
        args = [str(argument) for argument in config.invocation_params.args]
        return actor.remote(args, str(config.invocation_params.dir), os.environ.get("PYTEST_ADDOPTS", ""), given)

    def _take(self, ray: Any, session: pytest.Session, ref: Any, item: pytest.Item | None) -> bool:
        """Report what an actor gives back; return whether it can go on."""
        hook, alive = session.config.hook, True
        try:
            serial = ray.get(ref)
            reports = [hook.pytest_report_from_serializable(config=session.config, data=data) for data in serial]
        except ray.exceptions.RayActorError as exc:
            alive = not isinstance(exc, ray.exceptions.ActorDiedError)
            reports = [_crash(item, exc)] if item is not None else []
        except ray.exceptions.RayTaskError as exc:
            raise pytest.UsageError(f"--engine ray: an actor cannot run the items: {exc.cause}") from None
        if item is not None:
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for report in reports:
                hook.pytest_runtest_logreport(report=report)
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return alive


def _reach(address: str) -> None:
    """Fail at once where nobody listens: Ray tries for two minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=_REACH_S).close()


def _crash(item: pytest.Item, exc: Exception) -> pytest.TestReport:
    text = f"its Ray actor died {_RETRIES + 1} times: {str(exc).strip().splitlines()[0]}"
    return pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed", longrepr=text, when="call"
    )

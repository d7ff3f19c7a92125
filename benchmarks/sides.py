"""The sides of the comparison: graphflow and its peers, each with its own interpreter, and how to time one of them."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".bench"
TIME_LIMIT = 900  # seconds for one process
IMPORT = "from time import perf_counter as now; start = now(); import {}; print('import/process', now() - start)"

Results = dict[str, float]  # "workload/variant" -> seconds, "workload/variant:memory" -> bytes


class Unavailable(Exception):
    """A side cannot be set up or run; the message says why in one line."""


@dataclass(frozen=True)
class Side:
    """One framework: its script takes names of workloads and prints `workload/variant seconds`.

    Each of `startups` makes the script do one training step of the MLP and end; the whole process is timed.
    """
    name: str
    title: str
    module: str
    package: str
    script: Path
    startups: tuple[str, ...]

    @property
    def python(self) -> Path:
        return ENVIRONMENTS / self.name / "bin" / "python"

    def prepare(self, interpreter: str) -> None:
        """Make the environment, unless it holds what the requirements file asks for already."""
        wanted = self.script.with_name(f"{self.name}.txt")
        folder = ENVIRONMENTS / self.name
        stamp = folder / "requirements.installed"
        if stamp.exists() and stamp.read_text() == wanted.read_text():
            return
        print(f"installing {self.title} in {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        self._execute([interpreter, "-m", "venv", str(folder)])
        self._execute([str(self.python), "-m", "pip", "install", "-q", "-r", str(wanted)])
        shutil.copy(wanted, stamp)

    def version(self) -> str:
        """The installed version of its package."""
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return self._execute([str(self.python), "-c", code]).strip()

    def time(self, workloads: Iterable[str]) -> tuple[Results, list[str]]:
        """(results, problems) of the workloads, each run once.

        "startup" and "import" time processes; every other name goes to the script.
        """
        results: Results = {}
        problems: list[str] = []
        steps = [name for name in workloads if name not in ("startup", "import")]
        try:
            if steps:
                results |= parse(self._script(steps, problems=problems))
            if "startup" in workloads:
                results |= dict(self._time_startups())
            if "import" in workloads:
                results |= parse(self._execute([str(self.python), "-c", IMPORT.format(self.module)]))
        except Unavailable as error:
            problems.append(str(error))
        return results, problems

    def memory(self, workload: str, variant: str) -> Results:
        """The peak resident memory in bytes of a process that does nothing but a variant of a workload."""
        return parse(self._script([workload], MEMORY_OF=variant))

    def _time_startups(self) -> Iterator[tuple[str, float]]:
        for startup in self.startups:
            start = perf_counter()
            self._script([startup])
            yield startup.replace("_", "/", 1), perf_counter() - start

    def _script(self, arguments: list[str], problems: list[str] | None = None, **environment: str) -> str:
        return self._execute([str(self.python), str(self.script), *arguments], problems, **environment)

    def _execute(self, command: list[str], problems: list[str] | None = None, **environment: str) -> str:
        """What the command prints. Failing is Unavailable or, where `problems` are kept, one more of them."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT,
                                  env=os.environ | {"PYTHONPATH": str(HERE)} | environment)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{self.title}: {error}") from error
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"{' '.join(command)} ends with status {done.returncode}"]
            if problems is None:
                raise Unavailable(f"{self.title}: {lines[-1]}")
            named = [line for line in lines if line.split(":")[0] in command]  # a script names the workload that failed
            problems += [f"{self.title}: {line}" for line in named or lines[-1:]]
        return done.stdout


class Ours(Side):
    """graphflow, in the environment that runs this; its start-up is timed with an empty and with a filled cache."""

    @property
    def python(self) -> Path:
        return Path(sys.executable)

    def _time_startups(self) -> Iterator[tuple[str, float]]:
        for startup in self.startups:
            variant = startup.split("_", 1)[1]
            with tempfile.TemporaryDirectory() as cache:
                for state in "cold", "warm":
                    start = perf_counter()
                    self._script([startup], GRAPHFLOW_CACHE_DIR=cache)
                    yield f"startup/{variant}, {state}", perf_counter() - start


def parse(output: str) -> Results:
    """The results among the lines of a script's output."""
    pairs = (line.rsplit(" ", 1) for line in output.splitlines() if "/" in line)
    return {name: float(seconds) for name, seconds in pairs}


OURS = Ours("graphflow", "graphflow", "graphflow", "graphflow", HERE / "ours.py", ("startup_session", "startup_keras"))
PEERS = [
    Side(name, title, module, package, HERE / "peers" / f"{name}_steps.py", startups)
    for name, title, module, package, startups in [
        ("tensorflow", "TensorFlow", "tensorflow", "tensorflow-cpu", ("startup_session", "startup_keras")),
        ("jax", "JAX", "jax", "jax", ("startup_jit",)),
        ("torch", "PyTorch", "torch", "torch", ("startup_eager",)),
        ("pytensor", "PyTensor", "pytensor", "pytensor", ("startup_numba, warm",)),
    ]
]

"""Time graphflow beside its peers in one go, and print one table: `make bench`, or python benchmarks/run.py --help.

The sides take turns (ours, a peer, ours, the next peer, ...) for several rounds, so that the drift of a shared machine
hits them all, and every figure is the median over the rounds. Ratios are what to quote; times belong to the machine,
and on a busy one (see the load that the table reports) the peers with spinning threads lose most. Memory is the peak of
a process that does nothing but one row, each side in its fastest variant.
"""
from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sides import HERE, OURS, PEERS, Side, Unavailable

Samples = dict[str, list[float]]  # "workload/variant" -> seconds of every run; "workload/variant:memory" -> [bytes]


# what is measured where another workload is asked for
TOGETHER = {"attention_forward": "attention", "attention_gradient": "attention", "tiny_callable": "tiny_step"}


@dataclass(frozen=True)
class Row:
    """A line of the table: our variant of a workload beside the best variant of each peer.

    The target is a ratio to the best peer or, where `seconds` is true, a time.
    """
    ours: str
    what: str
    target: float | None = None
    seconds: bool = False

    @property
    def measured(self) -> str:
        """What all sides call it."""
        return self.ours.split("/")[0]

    @property
    def workload(self) -> str:
        """What the sides are asked for."""
        return TOGETHER.get(self.measured, self.measured)


ROWS = [
    Row("mlp_b128/session", "MLP 784-512-256-10, batch 128, Adam step, session", 0.5),
    Row("mlp_b128/keras", "the same, Keras train_on_batch", 0.5),
    Row("cnn_b64/keras", "CNN 32-64-128-10, batch 64, Adam step, Keras train_on_batch", 0.5),
    Row("bilstm_b32/keras", "embedding, bidirectional LSTM 64, batch 32 x 200, Adam step", 0.45),
    Row("bigru_b32/keras", "the same with GRU", 0.5),
    Row("transformer_b32/keras", "transformer block 256, 8 heads, batch 32 x 128, Adam step", 0.6),
    Row("embedding_bag/keras", "embedding bag 100,000 x 64, batch 256 x 100, Adam step", 0.5),
    Row("dcgan_b64/keras", "DCGAN 28x28, batch 64, Adam steps of both", 0.6),
    Row("separable_b8/keras", "separable block 56x56x128, batch 8, Adam step", 0.6),
    Row("separable_forward/keras", "the same, forward", 0.6),
    Row("resnet50_b1/keras", "ResNet50 224x224, forward, batch 1", 0.6),
    Row("resnet50_b8/keras", "ResNet50 224x224, forward, batch 8", 0.5),
    Row("tiny_step/session", "scalar linear regression step, session", 0.6),
    Row("tiny_callable/session", "the same, make_callable (PyTensor: trusting its inputs)"),
    Row("mlp_predict1/keras", "MLP, one row, predict_on_batch", 0.7),
    Row("cnn_predict1/keras", "CNN, one image, predict_on_batch", 0.5),
    Row("chain/session", "layer norm, gelu, softmax over 4096x1024", 0.45),
    Row("attention_forward/session", "attention 8x8x512x64, forward", 0.6),
    Row("attention_gradient/session", "attention 8x8x512x64, gradient", 0.6),
    Row("elementwise/session", "50 elementwise operations on 10^7 numbers", 0.5),
    Row("startup/session, warm", "process to first MLP step, session, warm cache", 0.9, seconds=True),
    Row("startup/keras, warm", "process to first MLP step, Keras, warm cache", 0.9, seconds=True),
    Row("startup/session, cold", "process to first MLP step, session, cold cache", 4.0, seconds=True),
    Row("startup/keras, cold", "process to first MLP step, Keras, cold cache", 4.0, seconds=True),
    Row("import/process", "import", 0.3, seconds=True),
]
WORKLOADS = list(dict.fromkeys(row.workload for row in ROWS))


def collect(peers: list[Side], workloads: list[str], rounds: int) -> tuple[dict[str, Samples], list[str]]:
    """(seconds by side and variant, problems), the sides taking turns."""
    samples: dict[str, Samples] = defaultdict(lambda: defaultdict(list))
    problems: dict[str, None] = {}
    turns = [side for peer in peers for side in (OURS, peer)] or [OURS]
    for number in range(1, rounds + 1):
        for side in turns:
            print(f"round {number} of {rounds}: {side.title}", file=sys.stderr, flush=True)
            results, failures = side.time(workloads)
            problems |= dict.fromkeys(failures)
            for variant, seconds in results.items():
                samples[side.name][variant].append(seconds)
    return samples, list(problems)


def add_memory(samples: dict[str, Samples], peers: list[Side], workloads: list[str]) -> list[str]:
    """Measure the memory of what the table has times of; returns what failed."""
    problems = []
    for row in (row for row in ROWS if row.workload in workloads and not row.seconds):
        fastest = [(peer, best(samples[peer.name], row.measured)) for peer in peers]
        theirs = [(peer, f"{row.measured}/{found[1]}") for peer, found in fastest if found]
        for side, variant in [(OURS, row.ours), *theirs]:
            if f"{variant}:memory" not in samples[side.name]:
                print(f"memory: {side.title}, {variant}", file=sys.stderr, flush=True)
                try:
                    found = side.memory(row.workload, variant)
                    samples[side.name].update((name, [nbytes]) for name, nbytes in found.items())
                except Unavailable as error:
                    problems.append(f"{error} (memory of {variant})")
    return problems


def best(samples: Samples, workload: str) -> tuple[float, str] | None:
    """(median seconds, variant) of the fastest variant of a workload."""
    medians = [(statistics.median(times), name.split("/", 1)[1]) for name, times in samples.items()
               if name.split("/")[0] == workload and ":" not in name]
    return min(medians, default=None)


def table(samples: dict[str, Samples], peers: list[Side], workloads: list[str]) -> list[list[str]]:
    """The table's cells, its heading first."""
    cells = [["workload", "graphflow", *(peer.title for peer in peers), "ours / best peer", "target", "met",
              "MB, ours / least"]]
    for row in (row for row in ROWS if row.workload in workloads):
        times = samples[OURS.name].get(row.ours)
        ours = statistics.median(times) if times else None
        theirs = [best(samples[peer.name], row.measured) for peer in peers]
        fastest = min((entry[0] for entry in theirs if entry), default=None)
        ratio = ours / fastest if ours and fastest else None
        reached = ours if row.seconds else ratio
        target = "" if row.target is None else f"<= {row.target} s" if row.seconds else f"<= {row.target}"
        cells.append([
            row.what, duration(ours), *(f"{duration(entry[0])} ({entry[1]})" if entry else "-" for entry in theirs),
            f"{ratio:.2f}" if ratio else "-", target,
            "" if row.target is None or reached is None else "yes" if reached <= row.target else "no",
            megabytes(row, samples, peers)])
    return cells


def megabytes(row: Row, samples: dict[str, Samples], peers: list[Side]) -> str:
    """The table's cell for memory: ours and the least of the peers'."""
    ours = samples[OURS.name].get(f"{row.ours}:memory")
    theirs = [values[0] for peer in peers for name, values in samples[peer.name].items()
              if name.split("/")[0] == row.measured and name.endswith(":memory")]
    return " / ".join(f"{values[0] / 1e6:.0f}" if values else "-" for values in (ours, sorted(theirs)))


def duration(seconds: float | None) -> str:
    """Three digits and a unit."""
    if seconds is None:
        return "-"
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e3, "ms")) if seconds * s >= 1), (1e6, "us"))
    return f"{seconds * scale:.3g} {unit}"


def markdown(cells: list[list[str]]) -> str:
    """The cells as a table whose columns line up."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
             for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def available(peers: list[Side], interpreter: str) -> tuple[list[Side], list[str]]:
    """(the peers that could be set up, what kept the others)."""
    ready, problems = [], []
    for peer in peers:
        try:
            peer.prepare(interpreter)
            ready.append(peer)
        except Unavailable as error:
            problems.append(f"{error} (not installed, left out)")
    return ready, problems


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=WORKLOADS, metavar="WORKLOAD",
                        help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", nargs="*", choices=[peer.name for peer in PEERS], metavar="PEER",
                        default=[peer.name for peer in PEERS], help="of tensorflow, jax, torch, pytensor; may be none")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every side (default 3)")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True,
                        help="measure memory too, in a process for each row and side")
    parser.add_argument("--python", default=sys.executable, help="interpreter for the peers' environments")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md and results.json")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    peers, problems = available([peer for peer in PEERS if peer.name in options.peers], options.python)
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    machine = f"{processor()}, {os.cpu_count()} cores, {load}, Python {platform.python_version()}"
    samples, failures = collect(peers, options.only, options.rounds)
    if options.memory:
        failures += add_memory(samples, peers, options.only)
    versions = {side.title: side.version() for side in (OURS, *peers)}
    about = [f"{machine}; {', '.join(f'{name} {version}' for name, version in versions.items())}.",
             f"Medians over rounds: {options.rounds}; {datetime.date.today().isoformat()}."]
    cells = table(samples, peers, options.only)
    notes = "\n".join(f"- {problem}" for problem in [*problems, *failures])
    text = "\n\n".join(filter(None, [markdown(cells), " ".join(about), notes]))
    print(text)

    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.md").write_text(f"# Benchmark results\n\n{text}\n")
    record = {"machine": machine, "versions": versions, "rounds": options.rounds, "samples": samples,
              "problems": [*problems, *failures], "table": [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]}
    (options.output / "results.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""`python -m graphflow`: the commands."""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m graphflow", description="Graph-compiling deep learning on CPUs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="train on the digits that ship with graphflow, and show what was compiled",
                               description="Trains a TensorFlow 1 program and a Keras CNN on 8x8 digits, explains the "
                                           "compiled training step and draws its graph before and after compilation.")
    demo.add_argument("--output", default="demo-output", metavar="FOLDER",
                      help="where graph.html goes (default: %(default)s)")
    run = commands.add_parser("run", help="run a TensorFlow 1 or Keras program, untouched",
                              description="Runs a script in which `import tensorflow` and `import keras` give "
                                          "graphflow, and restores the names that NumPy has removed since.")
    run.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module, as for `python -m`")
    run.add_argument("--eager", action=argparse.BooleanOptionalAction,
                     help="run operations at once, as TensorFlow 2 does (default: if SCRIPT reads as written for that)")
    run.add_argument("--debug", action="store_true",
                     help="run operations one by one, and stop at the first NaN or infinity, with where it came from")
    run.add_argument("script", metavar="SCRIPT")
    run.add_argument("arguments", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="what the script is given")
    explain = commands.add_parser(
        "explain", help="show what is compiled for a saved Keras model, or for what a script runs",
        description="Explains a model's training step (its prediction, if it is not compiled), or runs a script and "
                    "explains each different run that it made, the longest first.")
    explain.add_argument("script", metavar="FILE",
                         help="a .keras or .h5 model, or a script; what follows -- goes to the script")
    explain.add_argument("--feed", action="append", default=[], metavar="NAME:SIZE,SIZE",
                         help="the shape of an input, as in x:32,784")
    explain.add_argument("--step", choices=("train", "test", "predict"), help="of a model")
    explain.add_argument("--batch", type=int, default=32, metavar="SIZE", help="of a model (default: %(default)s)")
    explain.add_argument("--format", choices=("text", "html", "json"), default="text")
    explain.add_argument("--verbose", action="store_true", help="with what each pass changed, and all buffers")
    explain.add_argument("-o", "--output", metavar="FILE", help="where it goes (default: the standard output)")
    profile = commands.add_parser("profile", help="run a script, and show the time of each kernel",
                                  description="Runs a script and prints the time of each kernel.")
    profile.add_argument("-o", "--output", metavar="FILE",
                         help="a .json (Chrome trace, for Perfetto), .html or .txt file to write instead")
    profile.add_argument("script", metavar="SCRIPT")
    profile.add_argument("arguments", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="what the script is given")
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if given[:1] == ["explain"] and "--" in given else len(given)
    chosen = parser.parse_args(given[:end])
    if chosen.command != "demo" and not getattr(chosen, "module", False) and not os.path.exists(chosen.script):
        print(f"python -m graphflow {chosen.command}: no such script: {chosen.script}", file=sys.stderr)
        return 2
    if chosen.command in ("explain", "profile"):
        return _look(chosen, given[end + 1:])
    if chosen.command == "run":
        from . import debugging, script
        if chosen.debug:
            debugging.enable_check_numerics()
        script.run(chosen.script, chosen.arguments, chosen.module, chosen.eager)
        return 0
    from . import demo as program  # loads what it needs only now, so that --help is quick
    try:
        program.run(chosen.output)
    except OSError as error:
        print(f"python -m graphflow {chosen.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _look(chosen: argparse.Namespace, arguments: Sequence[str]) -> int:
    from .explain import program
    try:
        if chosen.command == "profile":
            program.profile_file(chosen.script, chosen.arguments, chosen.output)
        else:
            program.explain_file(chosen.script, arguments, chosen.feed, chosen.step, chosen.batch, chosen.format,
                                 chosen.output, chosen.verbose)
    except program.UsageError as error:
        print(f"python -m graphflow {chosen.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

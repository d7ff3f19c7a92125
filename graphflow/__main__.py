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
    run.add_argument("script", metavar="SCRIPT")
    run.add_argument("arguments", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="what the script is given")
    chosen = parser.parse_args(arguments)
    if chosen.command == "run":
        from . import script
        if not chosen.module and not os.path.exists(chosen.script):
            print(f"python -m graphflow run: no such script: {chosen.script}", file=sys.stderr)
            return 2
        script.run(chosen.script, chosen.arguments, chosen.module)
        return 0
    from . import demo as program  # loads what it needs only now, so that --help is quick
    try:
        program.run(chosen.output)
    except OSError as error:
        print(f"python -m graphflow {chosen.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

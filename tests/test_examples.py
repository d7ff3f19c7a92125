"""Every example runs, with small data, saves its model and draws what it says."""
from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from graphflow import keras

EXAMPLES = Path(__file__).parent.parent / "examples"
SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
RUNS = {
    "mnist": ["mnist.keras", "mnist-accuracy.png", "mnist-errors.png"],
    "sentiment --network lstm": ["sentiment-lstm.keras", "sentiment-lstm.png"],
    "sentiment --network cnn": ["sentiment-cnn.keras", "sentiment-cnn.png"],
    "sentiment --network transformer": ["sentiment-transformer.keras", "sentiment-transformer.png"],
    "characters": ["characters.keras", "characters.txt", "characters.png"],
    "vae": ["vae-decoder.keras", "vae-map.png"],
    "gan": ["gan-generator.keras", "gan-01.png"],
    "siamese": ["siamese.keras", "siamese-nearest.png"],
    "addition": ["addition.keras", "addition.png"],
    "transfer": ["transfer.keras", "transfer.png"],
    "tickets": ["tickets.keras", "tickets.png", "tickets.csv"],
    "custom": ["custom.keras", "custom.png"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A cache of Keras with the texts that the examples download: the real ones, where this machine has them."""
    folder = tmp_path_factory.mktemp("keras") / "datasets"
    (folder / "rt-polaritydata").mkdir(parents=True)
    (folder / "rt-polaritydata.tar.gz").touch()
    rng = np.random.default_rng(1)
    for kind, words in (("neg", ["dull", "slow", "weak", "film"]), ("pos", ["fine", "warm", "wise", "film"])):
        lines = [" ".join(rng.choice(words, 8)) for _ in range(200)]
        (folder / "rt-polaritydata" / f"rt-polarity.{kind}").write_text("\n".join(lines))
    (folder / "shakespeare.txt").write_text("ROMEO: But soft, what light through yonder window breaks?\n" * 250)
    if SHARED.exists():
        for kind in ("neg", "pos"):
            shutil.copy(SHARED / f"rt-polarity.{kind}", folder / "rt-polaritydata")
        shutil.copy(SHARED / "tinyshakespeare.txt", folder / "shakespeare.txt")
    return folder.parent


def run(example, arguments, monkeypatch, home):
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr(sys, "argv", [f"{example}.py", *arguments])
    monkeypatch.syspath_prepend(EXAMPLES)
    keras.backend.clear_session()
    runpy.run_path(str(EXAMPLES / f"{example}.py"), run_name="__main__")


@pytest.mark.parametrize("call", RUNS)
def test_example(call, tmp_path, monkeypatch, home):
    example, *arguments = call.split()
    run(example, [*arguments, "--quick", "--output", str(tmp_path)], monkeypatch, home)
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_size} >= set(RUNS[call])


def test_each_example_is_run():
    programs = {path.stem for path in EXAMPLES.glob("*.py")}
    assert programs - {call.split()[0] for call in RUNS} == {"common", "define_then_run", "keras_cnn"}


@pytest.mark.skipif(not SHARED.exists(), reason="needs the film reviews")
def test_sentiment_is_learned(tmp_path, monkeypatch, home, capsys):
    run("sentiment", ["--network", "lstm", "--epochs", "2", "--output", str(tmp_path)], monkeypatch, home)
    accuracy = capsys.readouterr().out.partition("best validation accuracy: ")[2].split()[0]
    assert float(accuracy) >= 0.75

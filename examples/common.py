"""What the examples share: their arguments, data and pictures. Needs `pip install graphflow[examples]`."""
import argparse
import tarfile
from pathlib import Path

import numpy as np

from graphflow import keras

REVIEWS = "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz"
SHAKESPEARE = "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt"


def arguments(description, epochs, **options):
    """--epochs, --output (a folder, made), --quick (small data, for a first look) and `options`: name -> choices."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--output", type=Path, default=Path("example-output"), help="folder for what it makes")
    parser.add_argument("--quick", action="store_true", help="small data and one epoch")
    for name, choices in options.items():
        parser.add_argument(f"--{name}", choices=choices, default=choices[0])
    found = parser.parse_args()
    found.epochs = found.epochs or (1 if found.quick else epochs)
    found.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    return found


def images(quick=False):
    """((x_train, y_train), (x_test, y_test)): MNIST (28x28) or, `quick`, the embedded digits (8x8), from 0 to 1."""
    data = keras.datasets.digits if quick else keras.datasets.mnist
    return [(np.float32(x)[..., np.newaxis] / (16 if quick else 255), y.astype(np.int64)) for x, y in data.load_data()]


def reviews(quick=False):
    """(sentences, labels): 10,662 snippets of film reviews (Pang and Lee, 2005), 1 for those that praise; shuffled."""
    folder = Path(keras.utils.get_file("rt-polaritydata.tar.gz", REVIEWS)).parent
    if not (folder / "rt-polaritydata").exists():
        with tarfile.open(folder / "rt-polaritydata.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    sentences, labels = [], []
    for kind, label in (("neg", 0), ("pos", 1)):
        lines = (folder / "rt-polaritydata" / f"rt-polarity.{kind}").read_text("latin-1").splitlines()
        sentences += lines
        labels += [label] * len(lines)
    order = np.random.default_rng(1).permutation(len(labels))[:1000 if quick else None]
    return [sentences[i] for i in order], np.float32([labels[i] for i in order])


def shakespeare(quick=False):
    """The plays in one text of 1.1 million characters."""
    text = Path(keras.utils.get_file("shakespeare.txt", SHAKESPEARE)).read_text()
    return text[:20_000] if quick else text


def save_grid(rows, path):
    """Draw rows of images (rows, columns, height, width, 1), from 0 to 1, into a PNG file."""
    rows = np.asarray(rows)
    count, columns, height, width = rows.shape[:4]
    page = rows[..., 0].transpose(0, 2, 1, 3).reshape(count * height, columns * width, 1)
    page = page.repeat(4, 0).repeat(4, 1) if height < 20 else page
    keras.utils.save_img(path, page * 255, scale=False)
    print(f"drawn: {path}")


def save_curves(curves, path):
    """Draw {name: a number per epoch} as lines into a file."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, marker="o", label=name)
    axes.set_xlabel("epoch")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)
    print(f"drawn: {path}")

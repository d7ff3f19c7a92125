"""A character model of Shakespeare's plays that writes text: an LSTM, trained to foresee each next character."""
import numpy as np
from common import arguments, save_curves, shakespeare

from graphflow import keras
from graphflow.keras import layers

LENGTH, BATCH = 100, 64


def build(symbols, batch=None):
    """Logits of the next character at each place. With a `batch` size it keeps its state from call to call."""
    return keras.Sequential([
        keras.Input((None,), batch_size=batch, dtype="int32"),
        layers.Embedding(symbols, 64),
        layers.LSTM(256, return_sequences=True, stateful=batch is not None),
        layers.Dense(symbols),
    ])


def write(model, alphabet, start, count, temperature=0.7):
    """`start` and `count` further characters, drawn from the model one after the other."""
    rng = np.random.default_rng(1)
    indices = [alphabet.index(c) for c in start]
    logits = model.predict(np.array([indices]), verbose=0)[0, -1]
    for _ in range(count):
        p = np.exp((logits - logits.max()) / temperature)
        indices.append(int(rng.choice(len(alphabet), p=p / p.sum())))
        logits = model.predict(np.array([indices[-1:]]), verbose=0)[0, -1]
    return "".join(alphabet[i] for i in indices)


def main():
    options = arguments(__doc__, epochs=5)
    text = shakespeare(options.quick)
    alphabet = sorted(set(text))
    codes = np.array([alphabet.index(c) for c in text], np.int32)
    count = (len(codes) - 1) // LENGTH
    x, y = codes[:count * LENGTH].reshape(count, LENGTH), codes[1:count * LENGTH + 1].reshape(count, LENGTH)

    model = build(len(alphabet))
    model.compile(optimizer=keras.optimizers.Adam(0.003),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.summary()
    history = model.fit(x, y, batch_size=BATCH, epochs=options.epochs).history
    model.save(options.output / "characters.keras")
    save_curves({"loss": history["loss"]}, options.output / "characters.png")

    writer = build(len(alphabet), batch=1)
    writer.set_weights(model.get_weights())
    written = write(writer, alphabet, "ROMEO:", 60 if options.quick else 600)
    (options.output / "characters.txt").write_text(written)
    print(written)


if __name__ == "__main__":
    main()

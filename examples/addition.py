"""Sequence to sequence: learns to add two numbers written as text ("535+61" to "596"), reading them backwards."""
import numpy as np
from common import arguments, save_curves

from graphflow import keras
from graphflow.keras import layers

CHARACTERS = "0123456789+ "
DIGITS = 3
QUESTION, ANSWER = 2 * DIGITS + 1, DIGITS + 1


def one_hot(text, length):
    """(length, characters) of a text, filled up with spaces."""
    return np.eye(len(CHARACTERS), dtype=np.float32)[[CHARACTERS.index(c) for c in text.ljust(length)]]


def text_of(probabilities):
    return "".join(CHARACTERS[i] for i in probabilities.argmax(-1))


def questions(count):
    """`count` different sums with their results, as one-hot texts."""
    rng = np.random.default_rng(1)
    seen = set()
    while len(seen) < count:
        a, b = (int(rng.integers(10 ** rng.integers(1, DIGITS + 1))) for _ in range(2))
        seen.add((min(a, b), max(a, b)))
    order = sorted(seen)
    rng.shuffle(order)
    x = np.stack([one_hot(f"{a}+{b}".ljust(QUESTION)[::-1], QUESTION) for a, b in order])
    return x, np.stack([one_hot(str(a + b), ANSWER) for a, b in order])


def main():
    options = arguments(__doc__, epochs=30)
    x, y = questions(2_000 if options.quick else 50_000)
    split = len(x) - len(x) // 10
    model = keras.Sequential([
        keras.Input((QUESTION, len(CHARACTERS))),
        layers.LSTM(128),
        layers.RepeatVector(ANSWER),
        layers.LSTM(128, return_sequences=True),
        layers.Dense(len(CHARACTERS), activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(x[:split], y[:split], batch_size=32, epochs=options.epochs,
                        validation_data=(x[split:], y[split:])).history
    model.save(options.output / "addition.keras")
    save_curves({name: history[name] for name in ("accuracy", "val_accuracy")}, options.output / "addition.png")
    for question, right, guess in zip(x[split:split + 10], y[split:], model.predict(x[split:split + 10], verbose=0),
                                      strict=False):
        mark = "right" if text_of(guess) == text_of(right) else f"wrong, it is {text_of(right)}"
        print(f"{text_of(question)[::-1].strip():>7} = {text_of(guess)}  {mark}")


if __name__ == "__main__":
    main()

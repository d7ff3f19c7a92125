"""Several inputs and outputs: ranks support tickets by title, text and tags, and finds the department for each."""
import numpy as np
from common import arguments, save_curves

from graphflow import keras
from graphflow.keras import layers

TAGS, DEPARTMENTS, WORDS = 12, 4, 400


def tickets(count):
    """Made-up tickets: each department has words and tags of its own, and certain words are urgent."""
    rng = np.random.default_rng(1)
    department = rng.integers(DEPARTMENTS, size=count)
    own = rng.random((count, 30)) < 0.4
    text = np.where(own, department[:, np.newaxis] * 50 + rng.integers(1, 50, (count, 30)),
                    rng.integers(1, WORDS, (count, 30)))
    tags = rng.random((count, TAGS)) < np.where(np.arange(TAGS) % DEPARTMENTS == department[:, np.newaxis], 0.6, 0.1)
    urgent = (text % 7 == 0).mean(1) + 0.5 * tags[:, 0]
    inputs = {"title": text[:, :8].astype(np.int32), "text": text.astype(np.int32), "tags": tags.astype(np.float32)}
    return inputs, {"priority": (urgent > 0.2).astype(np.float32)[:, np.newaxis], "department": department}


def build():
    title, text = keras.Input((None,), dtype="int32", name="title"), keras.Input((None,), dtype="int32", name="text")
    tags = keras.Input((TAGS,), name="tags")
    words = layers.Embedding(WORDS, 32)
    x = layers.Concatenate()([layers.LSTM(16)(words(title)), layers.GlobalAveragePooling1D()(words(text)), tags])
    x = layers.Dense(32, activation="relu")(x)
    priority = layers.Dense(1, activation="sigmoid", name="priority")(x)
    department = layers.Dense(DEPARTMENTS, activation="softmax", name="department")(x)
    return keras.Model({"title": title, "text": text, "tags": tags}, {"priority": priority, "department": department})


def main():
    options = arguments(__doc__, epochs=8)
    inputs, targets = tickets(1_000 if options.quick else 8_000)
    model = build()
    model.compile(optimizer="adam",
                  loss={"priority": "binary_crossentropy", "department": "sparse_categorical_crossentropy"},
                  loss_weights={"priority": 1.0, "department": 0.5},
                  metrics={"priority": [keras.metrics.AUC(name="auc")], "department": ["accuracy"]})
    model.summary()
    history = model.fit(inputs, targets, batch_size=64, epochs=options.epochs, validation_split=0.2,
                        callbacks=[keras.callbacks.CSVLogger(options.output / "tickets.csv")]).history
    model.save(options.output / "tickets.keras")
    save_curves({name: values for name, values in history.items() if name.startswith("val_")},
                options.output / "tickets.png")
    found = model.predict({name: values[:5] for name, values in inputs.items()}, verbose=0)
    for i, (priority, department) in enumerate(zip(found["priority"][:, 0], found["department"], strict=True)):
        print(f"ticket {i}: priority {priority:.2f}, department {department.argmax()} "
              f"(really {targets['department'][i]})")


if __name__ == "__main__":
    main()

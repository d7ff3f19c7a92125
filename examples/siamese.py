"""A siamese network (Hadsell et al., 2006): one network on two images, a loss of one's own, and how near digits lie."""
import numpy as np
from common import arguments, images, save_grid

from graphflow import keras
from graphflow.keras import layers, ops

MARGIN = 1.0


def contrastive_loss(different, distance):
    """Draws equal pairs together and pushes different ones at least MARGIN apart."""
    return ops.mean((1 - different) * ops.square(distance) + different * ops.square(ops.maximum(MARGIN - distance, 0)))


def build(shape):
    """(the network that both images pass through, the model of their distance)."""
    embed = keras.Sequential([
        keras.Input(shape),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.1),
        layers.Dense(128, activation="relu"),
        layers.Dense(16),
    ], name="embedding")
    first, second = keras.Input(shape, name="first"), keras.Input(shape, name="second")
    squares = ops.sum(ops.square(embed(first) - embed(second)), axis=-1, keepdims=True)
    return embed, keras.Model([first, second], ops.sqrt(ops.maximum(squares, 1e-7)))


def pairs(x, y, rng):
    """Each image with one of the same class and one of another: ([first, second], 1 where the classes differ)."""
    of_class = [np.flatnonzero(y == c) for c in range(10)]
    same = np.array([rng.choice(of_class[c]) for c in y])
    other = np.array([rng.choice(of_class[(c + rng.integers(1, 10)) % 10]) for c in y])
    different = np.repeat(np.float32([0, 1]), len(y))[:, np.newaxis]
    return [np.concatenate([x, x]), np.concatenate([x[same], x[other]])], different


def main():
    options = arguments(__doc__, epochs=10)
    (x_train, y_train), (x_test, y_test) = images(options.quick)
    rng = np.random.default_rng(1)
    embed, model = build(x_train.shape[1:])
    accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=MARGIN / 2)
    model.compile(optimizer="rmsprop", loss=contrastive_loss, metrics=[accuracy])
    model.summary(expand_nested=True)
    model.fit(*pairs(x_train, y_train, rng), batch_size=128, epochs=options.epochs,
              validation_data=pairs(x_test, y_test, rng))
    embed.save(options.output / "siamese.keras")

    places = embed.predict(x_test, verbose=0)
    shown = [np.flatnonzero(y_test == c)[0] for c in range(10)]
    nearest = [np.argsort(np.square(places - places[i]).sum(-1))[:8] for i in shown]
    save_grid(x_test[np.array(nearest)], options.output / "siamese-nearest.png")
    print("drawn in each row: a digit, then the seven nearest to it")


if __name__ == "__main__":
    main()

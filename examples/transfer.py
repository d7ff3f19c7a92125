"""Transfer learning: a MobileNet learns the digits 0 to 4; its frozen body then helps a small head to learn 5 to 9.

With `--body imagenet` the body is Keras's, trained on ImageNet (17 MB, downloaded once).
"""
import numpy as np
from common import arguments, images, save_curves

from graphflow import keras
from graphflow.keras import layers

SIZE = 32


def as_pictures(x):
    """Images of one channel as (SIZE, SIZE, 3), from -1 to 1."""
    resized = keras.ops.convert_to_numpy(keras.ops.image.resize(x, (SIZE, SIZE)))
    return np.repeat(resized, 3, -1) * 2 - 1


def with_head(body, classes=5):
    """A classifier on the features of `body`, whose batch normalisation keeps its statistics where it is frozen."""
    inputs = keras.Input((SIZE, SIZE, 3))
    features = layers.GlobalAveragePooling2D()(body(inputs))
    outputs = layers.Dense(classes, activation="softmax")(layers.Dropout(0.2)(features))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    options = arguments(__doc__, epochs=3, body=["digits", "imagenet"])
    (x_train, y_train), (x_test, y_test) = images(options.quick)
    count = 400 if options.quick else 10_000
    x_train, y_train, x_test, y_test = x_train[:count], y_train[:count], x_test[:count // 5], y_test[:count // 5]
    x_train, x_test = as_pictures(x_train), as_pictures(x_test)
    low, low_test = y_train < 5, y_test < 5

    weights = "imagenet" if options.body == "imagenet" else None
    body = keras.applications.MobileNet(input_shape=(SIZE, SIZE, 3), alpha=0.25, include_top=False, weights=weights)
    if weights is None:
        print("the body learns 0 to 4:")
        with_head(body).fit(x_train[low], y_train[low], batch_size=64, epochs=options.epochs)

    body.trainable = False
    model = with_head(body)
    model.summary(show_trainable=True)
    print("the head alone learns 5 to 9:")
    history = model.fit(x_train[~low], y_train[~low] - 5, batch_size=64, epochs=options.epochs,
                        validation_data=(x_test[~low_test], y_test[~low_test] - 5)).history
    print(f"validation accuracy: {history['val_accuracy'][-1]:.4f}")
    model.save(options.output / "transfer.keras")
    save_curves({name: history[name] for name in ("accuracy", "val_accuracy")}, options.output / "transfer.png")


if __name__ == "__main__":
    main()

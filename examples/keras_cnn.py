"""A Keras model: a small convolutional network, trained on the digits that ship with graphflow;
`python -m graphflow demo` runs it too."""
import numpy as np

from graphflow import keras


def keras_cnn(epochs=20):
    """A Sequential model compiled, fitted with validation, evaluated and used. Returns the model."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    x_train = x_train[..., np.newaxis].astype(np.float32) / 16
    x_test = x_test[..., np.newaxis].astype(np.float32) / 16

    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy: {accuracy:.4f}")
    print("predicted", model.predict(x_test[:10], verbose=0).argmax(axis=1), "expected", y_test[:10])
    return model


if __name__ == "__main__":
    keras_cnn()

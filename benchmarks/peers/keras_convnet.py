"""Fashion-MNIST in Keras 3: `python keras_convnet.py DATA.npz --backend jax`; needs keras, numpy, and jax or torch.

The network, optimizer and batch size of Keras's own example "Simple MNIST convnet"
(github.com/keras-team/keras-io, examples/vision/mnist_convnet.py), by compile and fit as there, on all training
pictures. One JSON line an epoch; `seconds` is training time from the first batch on, without the test; compiling, which
the jax back end does at the first batch, is part of it.
"""

import argparse
import json
import os
import time
from typing import Any

import numpy as np


def network(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def stop_watch(keras: Any, x: np.ndarray, y: np.ndarray, target: float) -> Any:
    """A callback that times epochs, and tests after each with the clock stopped."""

    class StopWatch(keras.callbacks.Callback):
        seconds = began = 0.0

        def on_epoch_begin(self, *_: object) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, *_: object) -> None:
            self.seconds += time.perf_counter() - self.began
            reached = float(self.model.evaluate(x, y, batch_size=1000, verbose=0, return_dict=True)["accuracy"])
            line = {"epoch": epoch + 1, "seconds": round(self.seconds, 3), "accuracy": reached}
            print(json.dumps(line), flush=True)
            self.model.stop_training = reached >= target

    return StopWatch()


def limit_threads(backend: str, threads: int) -> None:
    """Before the back end is imported: jax has no setting for it, and takes the cores that the process may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if backend == "torch":
        os.environ["OMP_NUM_THREADS"] = str(threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--backend", choices=("torch", "jax"), default="jax")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--target", type=float, default=1.0, help="stop once the test accuracy is this high")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    choices = parser.parse_args()
    os.environ["KERAS_BACKEND"] = choices.backend
    limit_threads(choices.backend, choices.threads)
    import keras

    keras.utils.set_random_seed(choices.seed)
    with np.load(choices.data) as file:
        x, y, test = np.expand_dims(file["x"].astype("float32") / 255, -1), file["y"], file["split"] == "test"
    labels = keras.utils.to_categorical(y, 10)
    model = network(keras)
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    watch = stop_watch(keras, x[test], labels[test], choices.target)
    model.fit(x[~test], labels[~test], batch_size=128, epochs=choices.epochs, callbacks=[watch], verbose=0)


if __name__ == "__main__":
    main()

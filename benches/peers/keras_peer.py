"""Keras on TensorFlow: its own `train_on_batch` and `predict_on_batch`, and `tf.function`, with and without XLA."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import harness
import keras
import tensorflow as tf
from keras import layers

VARIANTS = ("on-batch", "function", "xla")


def lenet():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def build(variant, mode, batch, threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)
    images, labels = harness.batches(batch)
    net = lenet()
    is_whole = variant == "on-batch"
    if not is_whole:
        images, labels = [tf.constant(x) for x in images], [tf.constant(y) for y in labels]
    images, labels = harness.in_turn(images), harness.in_turn(labels)
    if mode == "infer":
        if is_whole:
            return lambda: net.predict_on_batch(next(images))
        predict = tf.function(
            lambda x: net(x, training=False),
            input_signature=[tf.TensorSpec((batch, 28, 28, 1), tf.float32)],
            jit_compile=variant == "xla",
        )
        return lambda: predict(next(images)).numpy()
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    optimizer = keras.optimizers.Adam(1e-3)
    if is_whole:
        net.compile(optimizer=optimizer, loss=loss_of)
        return lambda: net.train_on_batch(next(images), next(labels))
    optimizer.build(net.trainable_variables)

    @tf.function(jit_compile=variant == "xla")
    def train(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, net(x, training=True))
        gradients = tape.gradient(loss, net.trainable_variables)
        optimizer.apply_gradients(zip(gradients, net.trainable_variables))
        return loss

    return lambda: float(train(next(images), next(labels)))


if __name__ == "__main__":
    harness.run("keras", f"{keras.__version__} (tensorflow {tf.__version__})", VARIANTS, build)

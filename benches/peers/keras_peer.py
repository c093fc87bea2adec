"""Keras on TensorFlow: its own `train_on_batch` and `predict_on_batch`, and `tf.function`, with and without XLA."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import harness
import keras
import networks
import tensorflow as tf
from keras import layers

VARIANTS = ("on-batch", "function", "xla")


def layer_of(x, kind, sizes):
    """What a layer of networks.py makes of `x`."""
    if kind == "conv":
        filters, kernel, stride, pad = sizes
        return layers.Conv2D(filters, kernel, stride, activation="relu")(layers.ZeroPadding2D(pad)(x) if pad else x)
    if kind == "max_pool":
        kernel, stride, ceil = sizes
        sides = [(networks.pooled(side, kernel, stride, ceil) - 1) * stride + kernel - side for side in x.shape[1:3]]
        # Behind a relu zeros are no maxima that were not there.
        more = [(0, max(side, 0)) for side in sides]
        return layers.MaxPooling2D(kernel, stride)(layers.ZeroPadding2D(more)(x) if any(map(sum, more)) else x)
    if kind == "fire":
        squeeze, expand = sizes
        x = layers.Conv2D(squeeze, 1, activation="relu")(x)
        one = layers.Conv2D(expand, 1, activation="relu")(x)
        return layers.Concatenate()([one, layers.Conv2D(expand, 3, padding="same", activation="relu")(x)])
    if kind == "gate":
        channels = x.shape[-1]
        gate = layers.GlobalAveragePooling2D()(x)
        gate = layers.Dense(channels // sizes[0], activation="relu")(gate)
        gate = layers.Dense(channels, activation="sigmoid")(gate)
        return layers.Multiply()([x, layers.Reshape((1, 1, channels))(gate)])
    if kind == "dense":
        return layers.Dense(sizes[0], activation="relu" if sizes[1] else None)(x)
    made = {"flatten": layers.Flatten, "dropout": layers.Dropout, "global_avg_pool": layers.GlobalAveragePooling2D}
    return made[kind](*sizes)(x)


def network(name):
    """Images to probabilities."""
    shape, _, rest = networks.NETWORKS[name]
    image = x = keras.Input(shape)
    for kind, *sizes in rest:
        x = layer_of(x, kind, sizes)
    return keras.Model(image, layers.Softmax()(x))


def build(variant, workload, threads):
    name, mode, batch = networks.WORKLOADS[workload]
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)
    images, labels = harness.batches(name, batch)
    net = network(name)
    is_whole = variant == "on-batch"
    if not is_whole:
        images, labels = [tf.constant(x) for x in images], [tf.constant(y) for y in labels]
    images, labels = harness.in_turn(images), harness.in_turn(labels)
    if mode == "infer":
        if is_whole:
            return lambda: net.predict_on_batch(next(images))
        predict = tf.function(
            lambda x: net(x, training=False),
            input_signature=[tf.TensorSpec((batch, *networks.NETWORKS[name][0]), tf.float32)],
            jit_compile=variant == "xla",
        )
        return lambda: predict(next(images)).numpy()
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    large = networks.is_large(name)
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9) if large else keras.optimizers.Adam(1e-3)
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

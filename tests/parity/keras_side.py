"""Keras, on TensorFlow, behind the names that `layers.py` and `training.py` use.

Images are channels last and weights `[KH, KW, C / groups, F]` or `[inputs, outputs]`, as Netwright has them.

All is computed in f64: what the comparison then measures is the error of the f32 side alone.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from unsupported import Unsupported

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(1)
keras.backend.set_floatx("float64")


class Keras:
    """Keras's functions and, where it has state, its layers; on TensorFlow."""

    name = "keras"

    @staticmethod
    def versions():
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    @staticmethod
    def constant(array):
        return tf.constant(np.array(array, dtype=np.float64))

    @staticmethod
    def variable(array):
        return keras.Variable(np.array(array, dtype=np.float64), dtype="float64")

    @staticmethod
    def state(array):
        """What training changes without a gradient."""
        return Keras.variable(array)

    @staticmethod
    def numpy(value):
        return np.array(value)

    @staticmethod
    def gradients(variables, loss_of):
        with tf.GradientTape() as tape:
            loss = loss_of()
        return loss, tape.gradient(loss, [variable.value for variable in variables])

    @staticmethod
    def conv(x, weight, bias=None, stride=(1, 1), pad=(0, 0), dilation=(1, 1), groups=1):
        x = keras.layers.ZeroPadding2D(pad)(x) if any(pad) else x
        if groups == 1:
            y = keras.ops.conv(x, weight, stride, "valid", "channels_last", dilation)
        elif groups == x.shape[-1] == weight.shape[-1] and stride[0] == stride[1]:
            y = keras.ops.depthwise_conv(
                x, keras.ops.transpose(weight, (0, 1, 3, 2)), stride, "valid", "channels_last", dilation
            )
        else:
            raise Unsupported("no gradient of grouped convolutions on this processor")
        return y if bias is None else y + bias

    @staticmethod
    def dense(x, weight, bias=None):
        y = keras.ops.matmul(x, weight)
        return y if bias is None else y + bias

    relu = staticmethod(keras.ops.relu)
    sigmoid = staticmethod(keras.ops.sigmoid)
    tanh = staticmethod(keras.ops.tanh)

    @staticmethod
    def leaky_relu(x, slope):
        return keras.ops.leaky_relu(x, slope)

    @staticmethod
    def softmax(x):
        return keras.ops.softmax(x, axis=-1)

    @staticmethod
    def max_pool(x, kernel, stride=None, pad=(0, 0), ceil=False):
        if any(pad) or ceil:
            raise Unsupported("Keras pads to `same` or not at all")
        return keras.ops.max_pool(x, kernel, stride, "valid", "channels_last")

    @staticmethod
    def avg_pool(x, kernel, stride=None, pad=(0, 0), ceil=False, count_include_pad=False):
        if any(pad) or ceil:
            raise Unsupported("Keras pads to `same` or not at all")
        return keras.ops.average_pool(x, kernel, stride, "valid", "channels_last")

    @staticmethod
    def global_avg_pool(x):
        return keras.layers.GlobalAveragePooling2D()(x)

    @staticmethod
    def flatten(x):
        return keras.layers.Flatten()(x)

    @staticmethod
    def dropout(x, rate):
        return keras.layers.Dropout(rate)(x, training=False)

    @staticmethod
    def concat(tensors, axis):
        return keras.ops.concatenate(tensors, axis)

    @staticmethod
    def gate(x, factors):
        return keras.ops.reshape(factors, (-1, 1, 1, factors.shape[-1]))

    @staticmethod
    def batch_norm(x, state, scale, shift, epsilon, keep, training):
        layer = keras.layers.BatchNormalization(momentum=keep, epsilon=epsilon)
        layer.build(x.shape)
        # Past the layer's own bookkeeping, which takes no new variables once built.
        for name, variable in zip(("gamma", "beta", "moving_mean", "moving_variance"), (scale, shift, *state)):
            object.__setattr__(layer, name, variable)
        return layer(x, training=training)

    @staticmethod
    def cross_entropy(scores, classes):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(classes, scores)

    @staticmethod
    def mean_squared_error(y, values):
        return keras.losses.MeanSquaredError()(Keras.constant(values), y)

    @staticmethod
    def stepper(variables, optimizer, factor):
        return KerasStepper(variables, optimizer, factor)

    @staticmethod
    def rates():
        """Learning rates by schedule, step by step."""
        schedules = keras.optimizers.schedules
        cases = {
            "step": (schedules.ExponentialDecay(0.1, 4, 0.3, staircase=True), 20),
            "exponential": (schedules.ExponentialDecay(0.1, 4, 0.3), 20),
            "cosine": (schedules.CosineDecay(0.1, 15, alpha=0.2), 20),
            "polynomial_end": (schedules.PolynomialDecay(0.1, 15, 0.02, 2.0), 20),
            "inverse_power_1": (schedules.InverseTimeDecay(0.1, 1, 0.2), 20),
        }
        return {
            name: [float(Keras.numpy(schedule(np.float64(step)))) for step in range(count)]
            for name, (schedule, count) in cases.items()
        }


# PyTorch's names of settings, in Keras's.
SETTINGS = {"lr": "learning_rate", "eps": "epsilon", "alpha": "rho"}


class KerasStepper:
    """`keras.optimizers`, the rate set before each step."""

    def __init__(self, variables, optimizer, factor):
        name, settings = optimizer
        settings = dict(settings)
        # Keras keeps all decay apart from the gradient. Only AdamW's rule does; elsewhere it is added by hand, as an L2
        # regulariser would.
        self.decay = 0.0 if name == "AdamW" else settings.pop("weight_decay", 0.0)
        settings = {SETTINGS.get(key, key): value for key, value in settings.items()}
        self.optimizer = getattr(keras.optimizers, name)(**settings)
        self.optimizer.build(variables)
        self.variables, self.factor = variables, factor or (lambda step: 1.0)
        self.rate, self.steps = settings["learning_rate"], 0

    def step(self, gradients):
        self.optimizer.learning_rate.assign(self.rate * self.factor(self.steps))
        self.steps += 1
        self.optimizer.apply([g + self.decay * v.value for g, v in zip(gradients, self.variables)])

"""Ten optimiser steps, of a layer, of the three LeNets and of a small dense network for each optimiser; and learning rates.

Every step has a batch of its own, so that no step's mistake is hidden by the next. `tests/parity/lenets.rs`,
`optimizers.rs` and `schedules.rs` have the other side.
"""

import formula
import numpy as np

STEPS = 10


def lenet(fw, p, x):
    h = fw.max_pool(fw.relu(fw.conv(x, p["conv1.weight"], p["conv1.bias"])), (2, 2))
    h = fw.max_pool(fw.relu(fw.conv(h, p["conv2.weight"], p["conv2.bias"])), (2, 2))
    h = fw.relu(fw.dense(fw.flatten(h), p["dense1.weight"], p["dense1.bias"]))
    return fw.dense(h, p["dense2.weight"], p["dense2.bias"])


def lenet5(fw, p, x):
    h = fw.avg_pool(fw.tanh(fw.conv(x, p["conv1.weight"], p["conv1.bias"], pad=(2, 2))), (2, 2))
    h = fw.avg_pool(fw.tanh(fw.conv(h, p["conv2.weight"], p["conv2.bias"])), (2, 2))
    h = fw.tanh(fw.dense(fw.flatten(h), p["dense1.weight"], p["dense1.bias"]))
    h = fw.tanh(fw.dense(h, p["dense2.weight"], p["dense2.bias"]))
    return fw.dense(h, p["dense3.weight"], p["dense3.bias"])


def lenet_caffe(fw, p, x):
    h = fw.max_pool(fw.conv(x, p["conv1.weight"], p["conv1.bias"]), (2, 2))
    h = fw.max_pool(fw.conv(h, p["conv2.weight"], p["conv2.bias"]), (2, 2))
    h = fw.relu(fw.dense(fw.flatten(h), p["dense1.weight"], p["dense1.bias"]))
    return fw.dense(h, p["dense2.weight"], p["dense2.bias"])


def small(fw, p, x):
    return fw.dense(fw.tanh(fw.dense(x, p["dense1.weight"], p["dense1.bias"])), p["dense2.weight"], p["dense2.bias"])


def shapes(*layers):
    """Weight and bias of each layer, by name."""
    result = {}
    for name, *shape in layers:
        result |= {f"{name}.weight": tuple(shape), f"{name}.bias": (shape[-1],)}
    return result


def inverse(step):
    """Caffe's schedule of the LeNet solver, as a factor."""
    return (1 + 1e-4 * step) ** -0.75


# (network, parameters, (optimiser, settings), the factor of the learning rate by step)
LENETS = {
    "lenet": (
        lenet,
        shapes(("conv1", 5, 5, 1, 32), ("conv2", 5, 5, 32, 64), ("dense1", 1024, 128), ("dense2", 128, 10)),
        ("Adam", {"lr": 1e-3, "eps": 1e-7}),
        None,
    ),
    "lenet5": (
        lenet5,
        shapes(
            ("conv1", 5, 5, 1, 6), ("conv2", 5, 5, 6, 16), ("dense1", 400, 120), ("dense2", 120, 84), ("dense3", 84, 10)
        ),
        ("Adam", {"lr": 1e-3, "eps": 1e-7}),
        None,
    ),
    "lenet_caffe": (
        lenet_caffe,
        shapes(("conv1", 5, 5, 1, 20), ("conv2", 5, 5, 20, 50), ("dense1", 800, 500), ("dense2", 500, 10)),
        ("SGD", {"lr": 1e-2, "momentum": 0.9, "weight_decay": 5e-4}),
        inverse,
    ),
}

SMALL = shapes(("dense1", 5, 7), ("dense2", 7, 3))


def halved(step):
    """Half the rate after every third step."""
    return 0.5 ** (step // 3)


# By framework, spelt as PyTorch spells them: its own rules, each with every setting at work and an epsilon large enough
# to matter; and Keras's where they are the same (momentum at a constant rate, RMSprop with an epsilon too small to
# matter) or, as Adam's, can be had from ours by an epsilon that changes with the step.
OPTIMIZERS = {
    "torch": {
        "sgd": (("SGD", {"lr": 0.1, "weight_decay": 0.05}), None),
        "momentum": (("SGD", {"lr": 0.05, "momentum": 0.9}), halved),
        "nesterov": (("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}), halved),
        "adam": (("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.05}), halved),
        "adamw": (("AdamW", {"lr": 0.01, "betas": (0.9, 0.99), "eps": 0.01, "weight_decay": 0.2}), halved),
        "rmsprop": (("RMSprop", {"lr": 0.01, "alpha": 0.95, "eps": 0.01}), None),
        "rmsprop_momentum": (("RMSprop", {"lr": 0.005, "alpha": 0.95, "eps": 0.01, "momentum": 0.8}), halved),
    },
    "keras": {
        "keras_sgd": (("SGD", {"lr": 0.1}), None),
        "keras_momentum": (("SGD", {"lr": 0.05, "momentum": 0.9}), None),
        "keras_nesterov": (("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}), None),
        "keras_adam": (("Adam", {"lr": 0.01, "eps": 0.01}), halved),
        "keras_adamw": (("AdamW", {"lr": 0.01, "eps": 0.01, "weight_decay": 0.2}), halved),
        "keras_rmsprop": (("RMSprop", {"lr": 0.01, "alpha": 0.95, "eps": 1e-12}), None),
    },
}


def train(fw, name, parameters, loss_of_step, stepper, state=None):
    """Ten steps: the losses, and how far each parameter and state array moved from where it started.

    `loss_of_step` takes a step's number and all arrays by name.
    """
    state = state or {}
    start = {key: formula.parameter(f"{name}/{key}", shape) for key, shape in (parameters | state).items()}
    variables = {key: fw.variable(start[key]) for key in parameters}
    p = variables | {key: fw.state(start[key]) for key in state}
    stepper = stepper(list(variables.values()))
    losses = []
    for step in range(STEPS):
        loss, gradients = fw.gradients(list(variables.values()), lambda: loss_of_step(step, p))
        losses.append(float(fw.numpy(loss)))
        stepper.step(gradients)
    moved = {key: fw.numpy(value) - np.asarray(start[key], dtype=np.float64) for key, value in p.items()}
    return losses, moved


def generate_lenet(fw, name):
    network, parameters, optimizer, factor = LENETS[name]

    def images(step):
        return fw.constant(formula.uniform(f"{name}/images{step}", (8, 28, 28, 1), 0, 1))

    def loss_of_step(step, p):
        return fw.cross_entropy(network(fw, p, images(step)), formula.labels(f"{name}/labels{step}", 8, 10))

    def stepper(variables):
        # Keras's velocity holds the rate, so that its rule is PyTorch's as long as the rate stays.
        return fw.stepper(variables, optimizer, factor if fw.name == "torch" else None)

    p = {key: fw.variable(formula.parameter(f"{name}/{key}", shape)) for key, shape in parameters.items()}
    probabilities = fw.numpy(fw.softmax(network(fw, p, images(0))))
    loss, gradients = fw.gradients(list(p.values()), lambda: loss_of_step(0, p))
    losses, moved = train(fw, name, parameters, loss_of_step, stepper)
    return {
        "output": probabilities,
        "loss": float(fw.numpy(loss)),
        "gradients": {key: formula.summary(fw.numpy(gradient)) for key, gradient in zip(p, gradients)},
        "losses": losses,
        "moved": {key: formula.summary(value) for key, value in moved.items()},
    }


def generate_optimizers(fw):
    results = {}
    for name, (optimizer, factor) in OPTIMIZERS[fw.name].items():

        def loss_of_step(step, p):
            x = fw.constant(formula.uniform(f"{name}/x{step}", (6, 5), -1, 1))
            return fw.mean_squared_error(small(fw, p, x), formula.uniform(f"{name}/values{step}", (6, 3), -2, 2))

        losses, moved = train(
            fw, name, SMALL, loss_of_step, lambda variables: fw.stepper(variables, optimizer, factor)
        )
        results[name] = {"losses": losses, "moved": moved}
    return results


def generate(fw):
    return {
        "lenets": {name: generate_lenet(fw, name) for name in LENETS},
        "optimizers": generate_optimizers(fw),
        "schedules": fw.rates(),
    }

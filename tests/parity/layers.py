"""One small network for each layer and setting: what it predicts, its loss, every parameter's gradient, and ten steps.

The layer stands between a `stem`, whose gradients tell the layer's input gradient, and a dense `head`, which gives each
of the layer's outputs a gradient of its own. `tests/parity/layers.rs` has the same networks, by the same names.
"""

import math
from dataclasses import dataclass, field

import formula
import training
from unsupported import Unsupported

BATCH = 3
IMAGE = (7, 6, 3)
STEM = 4
CLASSES = 3


@dataclass
class Case:
    """A layer between stem and head."""

    name: str
    # (framework, parameters by name, stem's output) -> the layer's output
    layer: object
    parameters: dict = field(default_factory=dict)
    state: dict = field(default_factory=dict)
    input: tuple = IMAGE
    loss: str = "mean_squared_error"
    # What follows in the loss's call.
    loss_settings: dict = field(default_factory=dict)
    # Whether the layer is another one in training: it is told so then, and the step's number.
    has_mode: bool = False
    # The learning rate of the ten steps.
    rate: float = 0.01
    # The frameworks whose rule the layer's settings spell.
    only: tuple = ("torch", "keras")


def weighted(*shape, bias=True):
    """A weight of this shape, and its bias."""
    return {"layer.weight": shape} | ({"layer.bias": shape[-1:]} if bias else {})


def conv(name, kernel, channels, filters, bias=True, **settings):
    """A convolution after the stem; `channels` are those of one group."""

    def layer(fw, p, h):
        return fw.conv(h, p["layer.weight"], p.get("layer.bias"), **settings)

    return Case(name, layer, weighted(*kernel, channels, filters, bias=bias))


def plain(name, layer, **settings):
    """A layer without parameters."""
    return Case(name, lambda fw, p, h: layer(fw, h), **settings)


def branch(fw, p, h, name):
    """A second way from the stem: a convolution of one pixel."""
    return fw.conv(h, p[f"{name}.weight"], p[f"{name}.bias"])


def side(filters, name="side"):
    return {f"{name}.weight": (1, 1, STEM, filters), f"{name}.bias": (filters,)}


def gate(fw, p, h):
    """A factor for each channel, from the means of all."""
    return fw.gate(h, fw.sigmoid(fw.dense(fw.global_avg_pool(h), p["gate.weight"], p["gate.bias"])))


GATE = {"gate.weight": (STEM, STEM), "gate.bias": (STEM,)}


def batch_norm(name, shape, only, epsilon, keep):
    def layer(fw, p, h, training=False, step=0):
        state = (p["layer.running_mean"], p["layer.running_variance"])
        return fw.batch_norm(h, state, p["layer.scale"], p["layer.shift"], epsilon, keep, training)

    return Case(
        name,
        layer,
        {"layer.scale": (STEM,), "layer.shift": (STEM,)},
        {"layer.running_mean": (STEM,), "layer.running_variance": (STEM,)},
        input=shape,
        has_mode=True,
        only=only,
    )


def dropout(name, rate):
    """Frameworks draw numbers of their own, so training takes Netwright's mask, of its first dropout layer."""

    def layer(fw, p, h, training=False, step=0):
        return h * fw.constant(formula.dropout_mask(rate, 0, 0, step, h.shape)) if training else fw.dropout(h, rate)

    return Case(name, layer, has_mode=True)


def norm(name, norm, shape):
    """A normalisation with a scale and a shift for each channel."""
    parameters = {"layer.scale": (STEM,), "layer.shift": (STEM,)}
    layer = lambda fw, p, h: norm(fw, h, p["layer.scale"], p["layer.shift"])
    return Case(name, layer, parameters, input=shape, only=("torch",))


def prelu(name, shape):
    return Case(name, lambda fw, p, h: fw.prelu(h, p["layer.slope"]), {"layer.slope": (STEM,)}, input=shape, only=("torch",))


def torch_only(name, layer, **settings):
    """A layer without parameters, of which one reference is enough."""
    return plain(name, layer, only=("torch",), **settings)


def loss(name, loss, **settings):
    """A loss after a layer that keeps numbers small."""
    return torch_only(name, lambda fw, h: fw.tanh(h), loss=loss, loss_settings=settings)


FLAT = (5,)

CASES = [
    conv("conv", (3, 3), STEM, 5),
    conv("conv_pixel", (1, 1), STEM, 5),
    conv("conv_rectangle", (3, 2), STEM, 5),
    conv("conv_pad", (3, 3), STEM, 5, pad=(1, 2)),
    conv("conv_stride", (3, 3), STEM, 5, stride=(2, 2), pad=(1, 1)),
    conv("conv_strides", (2, 3), STEM, 5, stride=(3, 2), pad=(0, 1)),
    conv("conv_dilation", (3, 3), STEM, 5, dilation=(2, 2), pad=(1, 1)),
    conv("conv_groups", (3, 3), STEM // 2, 6, groups=2, pad=(1, 1)),
    conv("conv_groups_stride", (3, 3), STEM // 2, 6, groups=2, stride=(2, 2)),
    conv("conv_depthwise", (3, 3), 1, STEM, groups=STEM, pad=(1, 1)),
    conv("conv_depthwise_stride", (3, 3), 1, STEM, groups=STEM, stride=(2, 2), pad=(1, 1)),
    conv("conv_no_bias", (3, 3), STEM, 5, bias=False),
    Case("dense", lambda fw, p, h: fw.dense(h, p["layer.weight"], p["layer.bias"]), weighted(STEM, 6), input=FLAT),
    Case("dense_no_bias", lambda fw, p, h: fw.dense(h, p["layer.weight"]), weighted(STEM, 6, bias=False), input=FLAT),
    plain("relu", lambda fw, h: fw.relu(h)),
    plain("leaky_relu", lambda fw, h: fw.leaky_relu(h, 0.2)),
    plain("sigmoid", lambda fw, h: fw.sigmoid(h)),
    plain("tanh", lambda fw, h: fw.tanh(h)),
    plain("softmax", lambda fw, h: fw.softmax(h)),
    plain("softmax_flat", lambda fw, h: fw.softmax(h), input=FLAT),
    plain("max_pool", lambda fw, h: fw.max_pool(h, (2, 2))),
    plain("max_pool_overlap", lambda fw, h: fw.max_pool(h, (3, 3), (2, 1))),
    plain("max_pool_pad", lambda fw, h: fw.max_pool(h, (3, 3), (2, 2), pad=(1, 1))),
    plain("max_pool_ceil", lambda fw, h: fw.max_pool(h, (3, 2), (3, 2), ceil=True)),
    plain("max_pool_ceil_pad", lambda fw, h: fw.max_pool(h, (2, 3), (2, 2), pad=(1, 1), ceil=True)),
    plain("avg_pool", lambda fw, h: fw.avg_pool(h, (2, 2))),
    plain("avg_pool_overlap", lambda fw, h: fw.avg_pool(h, (3, 3), (2, 1))),
    plain("avg_pool_pad", lambda fw, h: fw.avg_pool(h, (3, 3), (2, 2), pad=(1, 1))),
    plain("avg_pool_count", lambda fw, h: fw.avg_pool(h, (3, 3), (2, 2), pad=(1, 1), count_include_pad=True)),
    plain("avg_pool_ceil", lambda fw, h: fw.avg_pool(h, (3, 2), (3, 2), ceil=True)),
    plain("avg_pool_ceil_pad", lambda fw, h: fw.avg_pool(h, (2, 3), (2, 2), pad=(1, 1), ceil=True)),
    plain(
        "avg_pool_ceil_count",
        lambda fw, h: fw.avg_pool(h, (2, 3), (2, 2), pad=(1, 1), ceil=True, count_include_pad=True),
    ),
    plain("global_avg_pool", lambda fw, h: fw.global_avg_pool(h)),
    plain("flatten", lambda fw, h: fw.flatten(h)),
    dropout("dropout", 0.4),
    batch_norm("batch_norm_torch", IMAGE, ("torch",), 1e-5, 0.9),
    batch_norm("batch_norm_keras", IMAGE, ("keras",), 1e-3, 0.99),
    batch_norm("batch_norm_flat", FLAT, ("torch",), 1e-5, 0.9),
    Case("concat", lambda fw, p, h: fw.concat([h, branch(fw, p, h, "side"), h], 3), side(3)),
    Case("concat_rows", lambda fw, p, h: fw.concat([h, branch(fw, p, h, "side")], 1), side(STEM)),
    Case("add", lambda fw, p, h: h + branch(fw, p, h, "side"), side(STEM)),
    Case("add_gate", lambda fw, p, h: h + gate(fw, p, h), GATE),
    Case("multiply", lambda fw, p, h: h * branch(fw, p, h, "side"), side(STEM)),
    Case("multiply_gate", lambda fw, p, h: h * gate(fw, p, h), GATE),
    plain("cross_entropy", lambda fw, h: fw.tanh(h), loss="cross_entropy"),
    torch_only("elu", lambda fw, h: fw.elu(h)),
    torch_only("elu_alpha", lambda fw, h: fw.elu(h, 0.4)),
    torch_only("gelu", lambda fw, h: fw.gelu(h)),
    torch_only("silu", lambda fw, h: fw.silu(h)),
    # Six times as much, so that there is something beyond each bend.
    torch_only("hard_sigmoid", lambda fw, h: fw.hard_sigmoid(6 * h)),
    torch_only("hard_swish", lambda fw, h: fw.hard_swish(6 * h)),
    torch_only("relu6", lambda fw, h: fw.relu6(6 * h)),
    prelu("prelu", IMAGE),
    prelu("prelu_flat", FLAT),
    torch_only("log_softmax", lambda fw, h: fw.log_softmax(h)),
    torch_only("log_softmax_flat", lambda fw, h: fw.log_softmax(h), input=FLAT),
    torch_only("lrn", lambda fw, h: fw.lrn(6 * h, 5, 1e-4, 0.75, 1.0), rate=0.0005),
    torch_only("lrn_settings", lambda fw, h: fw.lrn(h, 2, 1.5, 0.6, 0.5)),
    norm("layer_norm", lambda fw, h, scale, shift: fw.layer_norm(h, scale, shift, 1e-5), IMAGE),
    norm("layer_norm_flat", lambda fw, h, scale, shift: fw.layer_norm(h, scale, shift, 0.01), FLAT),
    norm("group_norm", lambda fw, h, scale, shift: fw.group_norm(h, 2, scale, shift, 1e-5), IMAGE),
    norm("group_norm_one", lambda fw, h, scale, shift: fw.group_norm(h, 1, scale, shift, 1e-5), IMAGE),
    norm("group_norm_each", lambda fw, h, scale, shift: fw.group_norm(h, STEM, scale, shift, 0.01), IMAGE),
    loss("cross_entropy_smoothing", "cross_entropy", smoothing=0.1),
    loss("cross_entropy_weights", "cross_entropy", weights=[1.0, 2.5, 0.5]),
    loss("cross_entropy_both", "cross_entropy", smoothing=0.3, weights=[1.0, 2.5, 0.5]),
    loss("binary_cross_entropy", "binary_cross_entropy"),
    loss("l1", "l1"),
    loss("huber", "huber", delta=1.0),
    loss("huber_delta", "huber", delta=0.5),
]


def stem_of(fw, case, p, x):
    layer = fw.dense if case.input == FLAT else fw.conv
    return layer(x, p["stem.weight"], p["stem.bias"])


def parameters_of(fw, case):
    """The shape of every trained parameter; the head's follows from the layer's output."""
    stem = (5, STEM) if case.input == FLAT else (1, 1, case.input[-1], STEM)
    before = {"stem.weight": stem, "stem.bias": (STEM,)} | case.parameters
    fakes = {name: fw.state(formula.parameter(name, shape)) for name, shape in (before | case.state).items()}
    x = fw.constant(formula.uniform("x", (BATCH, *case.input), -1, 1))
    features = math.prod(case.layer(fw, fakes, stem_of(fw, case, fakes, x)).shape[1:])
    return before | {"head.weight": (features, CLASSES), "head.bias": (CLASSES,)}


def run(fw, case):
    """The case's numbers from one framework."""
    shapes = parameters_of(fw, case)
    p = {name: fw.variable(formula.parameter(f"{case.name}/{name}", shape)) for name, shape in shapes.items()}
    trained = list(p)
    for name, shape in case.state.items():
        p[name] = fw.state(formula.parameter(f"{case.name}/{name}", shape))
    x = fw.constant(formula.uniform(f"{case.name}/x", (BATCH, *case.input), -1, 1))
    output = fw.numpy(case.layer(fw, p, stem_of(fw, case, p, x)))
    loss, gradients = fw.gradients([p[name] for name in trained], lambda: loss_of(fw, case, p, "", 0))
    losses, moved = training.train(
        fw,
        case.name,
        shapes,
        lambda step, p: loss_of(fw, case, p, str(step), step),
        lambda variables: fw.stepper(variables, ("SGD", {"lr": case.rate, "momentum": 0.9}), None),
        case.state,
    )
    return {
        "output": output,
        "loss": float(fw.numpy(loss)),
        "gradients": {name: fw.numpy(gradient) for name, gradient in zip(trained, gradients)},
        "state": {name: fw.numpy(p[name]) for name in case.state},
        "rate": case.rate,
        "losses": losses,
        "moved": {name: formula.brief(way) for name, way in moved.items()},
    }


def loss_of(fw, case, p, suffix, step):
    """The loss of a batch, whose arrays have this suffix to their names."""
    x = fw.constant(formula.uniform(f"{case.name}/x{suffix}", (BATCH, *case.input), -1, 1))
    mode = {"training": True, "step": step} if case.has_mode else {}
    y = case.layer(fw, p, stem_of(fw, case, p, x), **mode)
    scores = fw.dense(fw.flatten(y), p["head.weight"], p["head.bias"])
    loss = getattr(fw, case.loss)
    if case.loss == "cross_entropy":
        return loss(scores, formula.labels(f"{case.name}/labels{suffix}", BATCH, CLASSES), **case.loss_settings)
    low, high = (0, 1) if case.loss == "binary_cross_entropy" else (-2, 2)
    values = formula.uniform(f"{case.name}/values{suffix}", (BATCH, CLASSES), low, high)
    return loss(scores, values, **case.loss_settings)


def generate(fw, cases):
    results = {}
    for case in cases:
        if fw.name in case.only:
            try:
                results[case.name] = run(fw, case)
            except Unsupported:
                pass
    return results

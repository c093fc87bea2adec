"""Cases of layers that change sizes, cut tensors up, or join tensors of different shapes; as those of `layers.py`.

One reference is enough for them, and PyTorch has them all.
"""

from layers import GATE, IMAGE, STEM, Case, branch, gate, side, weighted

ROWS, COLUMNS, _ = IMAGE


def case(name, layer, parameters=None):
    """A layer with the parameters that it names."""
    return Case(name, layer, parameters or {}, only=("torch",))


def plain(name, layer):
    return case(name, lambda fw, p, h: layer(fw, h))


def depthwise(name, kernel, multiplier=1, bias=True, **settings):
    def layer(fw, p, h):
        return fw.conv(h, p["layer.weight"], p.get("layer.bias"), groups=STEM, **settings)

    return case(name, layer, weighted(*kernel, 1, STEM * multiplier, bias=bias))


def separable(name, kernel, filters, multiplier=1, bias=True, **settings):
    def layer(fw, p, h):
        between = fw.conv(h, p["layer.depthwise"], groups=STEM, **settings)
        return fw.conv(between, p["layer.pointwise"], p.get("layer.bias"))

    weights = {
        "layer.depthwise": (*kernel, 1, STEM * multiplier),
        "layer.pointwise": (1, 1, STEM * multiplier, filters),
    }
    return case(name, layer, weights | ({"layer.bias": (filters,)} if bias else {}))


def conv_transpose(name, kernel, filters, bias=True, **settings):
    def layer(fw, p, h):
        return fw.conv_transpose(h, p["layer.weight"], p.get("layer.bias"), **settings)

    return case(name, layer, weighted(*kernel, STEM, filters, bias=bias))


def spot(fw, p, h):
    """A factor for each pixel."""
    return fw.sigmoid(branch(fw, p, h, "spot"))


SPOT = side(1, "spot")

CASES = [
    depthwise("depthwise_conv", (3, 3)),
    depthwise("depthwise_conv_multiplier", (3, 3), multiplier=3, pad=(1, 1)),
    depthwise("depthwise_conv_wide", (2, 3), multiplier=9, stride=(2, 1), dilation=(1, 2), bias=False),
    separable("separable_conv", (3, 3), 5, pad=(1, 1)),
    separable("separable_conv_multiplier", (3, 2), 5, multiplier=2, stride=(2, 2), bias=False),
    conv_transpose("conv_transpose", (3, 3), 5),
    conv_transpose("conv_transpose_stride", (3, 2), 5, stride=(2, 3), pad=(1, 0), output_pad=(1, 2)),
    conv_transpose("conv_transpose_gaps", (1, 1), 3, stride=(2, 2), bias=False),
    plain("global_max_pool", lambda fw, h: fw.global_max_pool(h)),
    plain("mean_pixels", lambda fw, h: h.mean((1, 2))),
    plain("mean_channels", lambda fw, h: h.mean(3)),
    plain("mean_apart", lambda fw, h: h.mean((1, 3))),
    plain("mean_all", lambda fw, h: h.mean((1, 2, 3))[:, None]),
    plain("pad", lambda fw, h: fw.pad(h, 1, 1, 1, 1)),
    plain("pad_sides", lambda fw, h: fw.pad(h, 0, 2, 1, 3)),
    plain("upsample", lambda fw, h: fw.upsample(h, (2, 3), "nearest")),
    plain("upsample_bilinear", lambda fw, h: fw.upsample(h, (2, 2), "bilinear")),
    plain("upsample_bilinear_odd", lambda fw, h: fw.upsample(h, (3, 1), "bilinear")),
    plain("reshape", lambda fw, h: fw.sigmoid(h.reshape(-1, COLUMNS * 2, ROWS, 2))),
    plain("slice", lambda fw, h: h[:, :, 1:4]),
    plain("split", lambda fw, h: h[..., :1] * h[..., 1:3]),
    plain("affine", lambda fw, h: 1.5 - 0.5 * fw.tanh(h / 2 + 0.25)),
    case("subtract", lambda fw, p, h: h - branch(fw, p, h, "side"), side(STEM)),
    case("subtract_gate", lambda fw, p, h: gate(fw, p, h) - h, GATE),
    case("multiply_pixels", lambda fw, p, h: h * spot(fw, p, h), SPOT),
    case("add_pixels", lambda fw, p, h: h + spot(fw, p, h), SPOT),
    case("subtract_pixels", lambda fw, p, h: spot(fw, p, h) - h, SPOT),
    plain("multiply_channels", lambda fw, h: h * fw.avg_pool(h, (ROWS, COLUMNS))),
]

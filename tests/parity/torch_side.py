"""PyTorch behind the names that `layers.py` and `training.py` use.

Images are channels last and weights `[KH, KW, C / groups, F]` or `[inputs, outputs]`, as Netwright has them;
PyTorch's own order is made and unmade around each call, so that gradients come back in ours.

All is computed in f64: what the comparison then measures is the error of the f32 side alone.
"""

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.use_deterministic_algorithms(True)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


class Torch:
    """PyTorch's functions."""

    name = "torch"

    @staticmethod
    def versions():
        return {"torch": torch.__version__.split("+")[0]}

    @staticmethod
    def constant(array):
        return torch.from_numpy(np.array(array, dtype=np.float64))

    @staticmethod
    def variable(array):
        return Torch.constant(array).requires_grad_()

    @staticmethod
    def state(array):
        """What training changes without a gradient."""
        return Torch.constant(array)

    @staticmethod
    def numpy(value):
        return value.detach().numpy()

    @staticmethod
    def gradients(variables, loss_of):
        """The loss, and its gradient for each variable."""
        loss = loss_of()
        return loss, torch.autograd.grad(loss, variables)

    @staticmethod
    def conv(x, weight, bias=None, stride=(1, 1), pad=(0, 0), dilation=(1, 1), groups=1):
        weight = weight.permute(3, 2, 0, 1)
        return channels_last(F.conv2d(channels_first(x), weight, bias, stride, pad, dilation, groups))

    @staticmethod
    def dense(x, weight, bias=None):
        return F.linear(x, weight.t(), bias)

    relu = staticmethod(F.relu)
    sigmoid = staticmethod(torch.sigmoid)
    tanh = staticmethod(torch.tanh)

    @staticmethod
    def leaky_relu(x, slope):
        return F.leaky_relu(x, slope)

    @staticmethod
    def softmax(x):
        return F.softmax(x, dim=-1)

    @staticmethod
    def max_pool(x, kernel, stride=None, pad=(0, 0), ceil=False):
        return channels_last(F.max_pool2d(channels_first(x), kernel, stride, pad, ceil_mode=ceil))

    @staticmethod
    def avg_pool(x, kernel, stride=None, pad=(0, 0), ceil=False, count_include_pad=False):
        return channels_last(F.avg_pool2d(channels_first(x), kernel, stride, pad, ceil, count_include_pad))

    @staticmethod
    def global_avg_pool(x):
        return F.adaptive_avg_pool2d(channels_first(x), 1).flatten(1)

    @staticmethod
    def conv_transpose(x, weight, bias=None, stride=(1, 1), pad=(0, 0), output_pad=(0, 0)):
        weight = weight.permute(2, 3, 0, 1)
        return channels_last(F.conv_transpose2d(channels_first(x), weight, bias, stride, pad, output_pad))

    @staticmethod
    def global_max_pool(x):
        return F.adaptive_max_pool2d(channels_first(x), 1).flatten(1)

    @staticmethod
    def pad(x, top, bottom, left, right):
        return F.pad(x, (0, 0, left, right, top, bottom))

    @staticmethod
    def upsample(x, factor, mode):
        settings = {"align_corners": False} if mode == "bilinear" else {}
        return channels_last(F.interpolate(channels_first(x), scale_factor=factor, mode=mode, **settings))

    @staticmethod
    def flatten(x):
        return x.flatten(1)

    @staticmethod
    def dropout(x, rate):
        """As in prediction."""
        return F.dropout(x, rate, training=False)

    @staticmethod
    def concat(tensors, axis):
        return torch.cat(tensors, axis)

    @staticmethod
    def gate(x, factors):
        """`[C]` for every pixel."""
        return factors[:, None, None, :]

    @staticmethod
    def batch_norm(x, state, scale, shift, epsilon, keep, training):
        """`state` is the running mean and variance, changed in training; `keep` is how much of it stays."""
        first = channels_first(x) if x.dim() == 4 else x
        y = F.batch_norm(first, *state, scale, shift, training, 1.0 - keep, epsilon)
        return channels_last(y) if x.dim() == 4 else y

    silu = staticmethod(F.silu)
    relu6 = staticmethod(F.relu6)
    hard_sigmoid = staticmethod(F.hardsigmoid)
    hard_swish = staticmethod(F.hardswish)

    @staticmethod
    def elu(x, alpha=1.0):
        return F.elu(x, alpha)

    @staticmethod
    def gelu(x):
        return F.gelu(x, approximate="none")

    @staticmethod
    def prelu(x, slope):
        return channels_last(F.prelu(channels_first(x), slope)) if x.dim() == 4 else F.prelu(x, slope)

    @staticmethod
    def log_softmax(x):
        return F.log_softmax(x, dim=-1)

    @staticmethod
    def lrn(x, size, alpha, beta, k):
        return channels_last(F.local_response_norm(channels_first(x), size, alpha, beta, k))

    @staticmethod
    def layer_norm(x, scale, shift, epsilon):
        return F.layer_norm(x, scale.shape, scale, shift, epsilon)

    @staticmethod
    def group_norm(x, groups, scale, shift, epsilon):
        return channels_last(F.group_norm(channels_first(x), groups, scale, shift, epsilon))

    @staticmethod
    def cross_entropy(scores, classes, smoothing=0.0, weights=None):
        weights = None if weights is None else Torch.constant(weights)
        return F.cross_entropy(scores, torch.from_numpy(classes), weights, label_smoothing=smoothing)

    @staticmethod
    def loss_sum(scores, classes):
        return Torch.cross_entropy(scores, classes) + 0.3 * Torch.cross_entropy(scores, classes, smoothing=0.2)

    @staticmethod
    def binary_cross_entropy(scores, values):
        return F.binary_cross_entropy_with_logits(scores, Torch.constant(values))

    @staticmethod
    def l1(y, values):
        return F.l1_loss(y, Torch.constant(values))

    @staticmethod
    def huber(y, values, delta):
        return F.huber_loss(y, Torch.constant(values), delta=delta)

    @staticmethod
    def mean_squared_error(y, values):
        return F.mse_loss(y, Torch.constant(values))

    @staticmethod
    def stepper(variables, optimizer, factor):
        return TorchStepper(variables, optimizer, factor)

    @staticmethod
    def rates():
        """Learning rates by schedule, step by step."""
        schedules = torch.optim.lr_scheduler
        return {
            "constant": rates_of(0.1, lambda o: schedules.ConstantLR(o, 1.0, 1), 5),
            "step": rates_of(0.1, lambda o: schedules.StepLR(o, 4, 0.3), 20),
            "exponential": rates_of(0.1, lambda o: schedules.ExponentialLR(o, 0.3 ** (1 / 4)), 20),
            # PyTorch's cosine rises again after its end, so only up to there.
            "cosine": rates_of(0.1, lambda o: schedules.CosineAnnealingLR(o, 15, 0.02), 16),
            "polynomial": rates_of(0.1, lambda o: schedules.PolynomialLR(o, 15, 2.0), 20),
            "inverse": rates_of(0.1, lambda o: schedules.LambdaLR(o, lambda step: (1 + 0.2 * step) ** -0.75), 20),
            # The last of the warm-up's steps has the full rate.
            "warmup": rates_of(0.1, lambda o: schedules.LinearLR(o, 1 / 6, 1.0, 5), 10),
        }


class TorchStepper:
    """`torch.optim`, with the rate multiplied by a factor of the step."""

    def __init__(self, variables, optimizer, factor):
        name, settings = optimizer
        self.variables = variables
        self.optimizer = getattr(torch.optim, name)(variables, **settings)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor or (lambda step: 1.0))

    def step(self, gradients):
        for variable, gradient in zip(self.variables, gradients):
            variable.grad = gradient
        self.optimizer.step()
        self.schedule.step()


def rates_of(base, make, count):
    """The rates of a PyTorch schedule, step by step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = make(optimizer)
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates

//! The convolutions and dense layers that are measured: every geometry of LeNet, of the network with squeeze and
//! excitation, and of SqueezeNet 1.0 and 1.1 at 224 x 224, and some that others have.

use netwright_kernels::conv::Conv;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Images of a call: several where images are small.
    pub(crate) n: usize,
    pub(crate) g: Conv,
}

pub(crate) const fn conv(h: usize, c: usize, k: usize, f: usize, stride: usize, pad: usize) -> Conv {
    Conv { h, w: h, c, kh: k, kw: k, f, stride: [stride, stride], pad: [pad, pad], dilation: [1, 1], groups: 1 }
}

const fn dense(inputs: usize, outputs: usize) -> Conv {
    conv(1, inputs, 1, outputs, 1, 0)
}

const fn case(name: &'static str, n: usize, g: Conv) -> Case {
    Case { name, n, g }
}

pub(crate) const CASES: &[Case] = &[
    case("lenet conv1", 8, conv(28, 1, 5, 32, 1, 0)),
    case("lenet conv2", 8, conv(12, 32, 5, 64, 1, 0)),
    case("lenet dense1", 8, dense(1024, 128)),
    case("lenet dense1 n=64", 64, dense(1024, 128)),
    case("lenet dense2", 8, dense(128, 10)),
    case("lenet conv1 n=1", 1, conv(28, 1, 5, 32, 1, 0)),
    case("lenet conv2 n=1", 1, conv(12, 32, 5, 64, 1, 0)),
    case("lenet dense1 n=1", 1, dense(1024, 128)),
    case("caffe conv2", 8, conv(12, 20, 5, 50, 1, 0)),
    case("lenet5 conv1", 8, conv(28, 1, 5, 6, 1, 2)),
    case("lenet5 conv2", 8, conv(14, 6, 5, 16, 1, 0)),
    case("se conv1", 8, conv(28, 1, 3, 32, 1, 0)),
    case("se conv2", 8, conv(13, 32, 3, 64, 1, 0)),
    case("se reduce1", 8, dense(32, 8)),
    case("se expand1", 8, dense(8, 32)),
    case("se reduce2", 8, dense(64, 16)),
    case("se expand2", 8, dense(16, 64)),
    case("se dense1", 8, dense(1600, 128)),
    case("1.1 conv1", 1, conv(224, 3, 3, 64, 2, 0)),
    case("1.1 fire2 squeeze", 1, conv(55, 64, 1, 16, 1, 0)),
    case("1.1 fire2 expand1", 1, conv(55, 16, 1, 64, 1, 0)),
    case("1.1 fire2 expand3", 1, conv(55, 16, 3, 64, 1, 1)),
    case("1.1 fire3 squeeze", 1, conv(55, 128, 1, 16, 1, 0)),
    case("1.1 fire4 squeeze", 1, conv(27, 128, 1, 32, 1, 0)),
    case("1.1 fire4 expand1", 1, conv(27, 32, 1, 128, 1, 0)),
    case("1.1 fire4 expand3", 1, conv(27, 32, 3, 128, 1, 1)),
    case("1.1 fire5 squeeze", 1, conv(27, 256, 1, 32, 1, 0)),
    case("1.1 fire6 squeeze", 1, conv(13, 256, 1, 48, 1, 0)),
    case("1.1 fire6 expand1", 1, conv(13, 48, 1, 192, 1, 0)),
    case("1.1 fire6 expand3", 1, conv(13, 48, 3, 192, 1, 1)),
    case("1.1 fire7 squeeze", 1, conv(13, 384, 1, 48, 1, 0)),
    case("1.1 fire8 squeeze", 1, conv(13, 384, 1, 64, 1, 0)),
    case("1.1 fire8 expand1", 1, conv(13, 64, 1, 256, 1, 0)),
    case("1.1 fire8 expand3", 1, conv(13, 64, 3, 256, 1, 1)),
    case("1.1 fire9 squeeze", 1, conv(13, 512, 1, 64, 1, 0)),
    case("1.1 conv10", 1, conv(13, 512, 1, 1000, 1, 0)),
    case("1.0 conv1", 1, conv(224, 3, 7, 96, 2, 0)),
    case("1.0 fire2 squeeze", 1, conv(54, 96, 1, 16, 1, 0)),
    case("1.0 fire2 expand1", 1, conv(54, 16, 1, 64, 1, 0)),
    case("1.0 fire2 expand3", 1, conv(54, 16, 3, 64, 1, 1)),
    case("1.0 fire3 squeeze", 1, conv(54, 128, 1, 16, 1, 0)),
    case("1.0 fire4 squeeze", 1, conv(54, 128, 1, 32, 1, 0)),
    case("1.0 fire4 expand1", 1, conv(54, 32, 1, 128, 1, 0)),
    case("1.0 fire4 expand3", 1, conv(54, 32, 3, 128, 1, 1)),
    case("1.0 fire6 squeeze", 1, conv(27, 256, 1, 48, 1, 0)),
    case("1.0 fire6 expand1", 1, conv(27, 48, 1, 192, 1, 0)),
    case("1.0 fire6 expand3", 1, conv(27, 48, 3, 192, 1, 1)),
    case("1.0 fire7 squeeze", 1, conv(27, 384, 1, 48, 1, 0)),
    case("1.0 fire8 squeeze", 1, conv(27, 384, 1, 64, 1, 0)),
    case("1.0 fire8 expand1", 1, conv(27, 64, 1, 256, 1, 0)),
    case("1.0 fire8 expand3", 1, conv(27, 64, 3, 256, 1, 1)),
    case("vgg 3x3 of 64", 1, conv(56, 64, 3, 64, 1, 1)),
    case("vgg 3x3 of 256", 1, conv(28, 256, 3, 256, 1, 1)),
    case("vgg 3x3 of 512", 1, conv(14, 512, 3, 512, 1, 1)),
    case("resnet 3x3 of 512", 1, conv(7, 512, 3, 512, 1, 1)),
];

/// Depthwise convolutions of 64 channels with one, two and four outputs to each, and of 63 with three.
pub(crate) const DEPTHWISE: [(&str, Conv); 4] = [
    ("depthwise 3x3", Conv { groups: 64, ..conv(28, 64, 3, 64, 1, 1) }),
    ("depthwise 3x3, multiplier 2", Conv { groups: 64, ..conv(28, 64, 3, 128, 1, 1) }),
    ("depthwise 3x3, multiplier 3", Conv { groups: 63, ..conv(28, 63, 3, 189, 1, 1) }),
    ("depthwise 3x3, multiplier 4", Conv { groups: 64, ..conv(28, 64, 3, 256, 1, 1) }),
];

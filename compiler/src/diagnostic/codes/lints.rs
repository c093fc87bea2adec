//! N06xx: lints.

use super::super::code::codes;

codes! {
N0601, "a value that is never used",
"Lint `unused_value`: an input, parameter, constant or binding that nothing reads, perhaps because another name was meant. \
A name that starts with `_` is left alone.

```net
network N { input x: [4]; hidden = x -> dense(3) -> relu; output y = x -> dense(2); }
```

Use it, or remove it:

```net
network N { input x: [4]; hidden = x -> dense(3) -> relu; output y = hidden -> dense(2); }
```";

N0602, "a name that hides another",
"Lint `hidden_name`: the name of a loop, or what a network or block calls an input, a parameter or a value, is that of something \
outside of it, which cannot be reached inside. Binding a name again is not hiding.

```net
network N(i: int = 2) { input x: [4]; for i in 0..2 { x = x -> dense(i + 1) -> relu; } output y = x -> dense(i); }
```

Give one of them another name:

```net
network N(n: int = 2) { input x: [4]; for i in 0..2 { x = x -> dense(i + 1) -> relu; } output y = x -> dense(n); }
```";

N0603, "padding around a 1x1 kernel",
"Lint `padded_1x1`: a 1x1 convolution sees one pixel at a time; padding only adds a frame that holds the bias.

```net
network N { input x: [8, 8, 3]; output y = x -> conv(4, kernel: 1, pad: 1) -> global_avg_pool; }
```

Leave out the padding:

```net
network N { input x: [8, 8, 3]; output y = x -> conv(4, kernel: 1) -> global_avg_pool; }
```";

N0604, "a pooling that drops pixels",
"Lint `truncated_pool`: the windows of a pooling do not reach the last rows or columns, which nothing then reads.

```net
network N { input x: [7, 7, 3]; output y = x -> max_pool(2) -> global_avg_pool; }
```

Let the last windows overlap the end:

```net
network N { input x: [7, 7, 3]; output y = x -> max_pool(2, ceil: true) -> global_avg_pool; }
```";

N0605, "two layers without an activation between them",
"Lint `no_activation`: two linear layers in a row compute what one could. Pooling by the mean, normalisation, dropout and \
`flatten` are linear too.

```net
network N { input x: [4]; output y = x -> dense(8) -> dense(2); }
```

Put an activation between them:

```net
network N { input x: [4]; output y = x -> dense(8) -> relu -> dense(2); }
```";

N0606, "one layer with most of the parameters",
"Lint `dominant_layer`: one layer has four fifths or more of the parameters of a network with at least 100,000. Usually it \
is the first dense layer after a convolution.

```net
network N { input x: [32, 32, 3]; output y = x -> conv(32, kernel: 3) -> relu -> flatten -> dense(64) -> relu -> dense(2); }
```

Pool before it:

```net
network N { input x: [32, 32, 3]; output y = x -> conv(32, kernel: 3) -> relu -> global_avg_pool -> dense(64) -> relu -> dense(2); }
```";

N0607, "dropout after the last layer",
"Lint `last_dropout`: dropout that no layer with weights follows drops what the network says.

```net
network N { input x: [4]; output y = x -> dense(2) -> dropout(0.5) -> softmax; }
```

Put it before the last layer:

```net
network N { input x: [4]; output y = x -> dropout(0.5) -> dense(2) -> softmax; }
```";

N0608, "an image with the channels first",
"Lint `channels_first`: an input of 1 or 3 rows looks like an image in the order of other frameworks, [channels, height, width]. \
Here images are [height, width, channels], and a convolution would go over the channels as if they were rows.

```net
network N { input x: [3, 32, 32]; output y = x -> conv(4, kernel: 3, pad: 1) -> global_avg_pool; }
```

Declare the channels last, and give the numbers in that order:

```net
network N { input x: [32, 32, 3]; output y = x -> conv(4, kernel: 3, pad: 1) -> global_avg_pool; }
```";

N0609, "a mistake with another value of a parameter",
"Lint `broken_variant`: truth values and enumerated parameters of a network are tried with each of their values. With this one \
there is a mistake, which would be an error where a program gives that value.

```net
network N(deep: bool = false) {
    input x: [4];
    h = x -> dense(8) -> relu;
    if deep { h = g -> dense(8) -> relu; }
    output y = h -> dense(2);
}
```

Mend the branch; or say with `assert` which values go together.

```net
network N(deep: bool = false) {
    input x: [4];
    h = x -> dense(8) -> relu;
    if deep { h = h -> dense(8) -> relu; }
    output y = h -> dense(2);
}
```";
}

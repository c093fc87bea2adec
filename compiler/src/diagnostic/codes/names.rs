//! N01xx: names and definitions.

use super::super::code::codes;

codes! {
N0101, "a name that is not defined",
"Bindings, inputs and parameters are known from their definition on, not before it.

```net
network N { input x: [4]; output y = z -> dense(2); }
```

Use a name that is defined above:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0102, "a layer that does not exist",
"What follows `->`, and what stands before parentheses, is one of the language's layers.

The layers: `conv`, `depthwise_conv`, `separable_conv`, `conv_transpose`, `dense`, `relu`, `relu6`,
`leaky_relu`, `prelu`, `elu`, `gelu`, `silu`, `sigmoid`, `hard_sigmoid`, `hard_swish`, `tanh`,
`softmax`, `log_softmax`, `max_pool`, `avg_pool`, `global_avg_pool`, `global_max_pool`, `mean`,
`pad`, `upsample`, `flatten`, `reshape`, `dropout`, `batch_norm`, `layer_norm`, `group_norm`, `lrn`,
`concat`, `slice`, `split`, `add`, `subtract`, `multiply`, `affine`. `docs/layers.md` has what each
computes.

```net
network N { input x: [4]; output y = x -> linear(2); }
```

Use the language's name for it:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0103, "something is defined twice",
"An input or a parameter keeps its name throughout, the names of one statement differ, an output is declared once, a file is used \
once, a layer is frozen once, and a section or an entry stands once.

```net
network N { input x: [4]; input x: [2]; output y = x -> dense(2); }
```

Bindings may be bound again:

```net
network N { input x: [4]; x = x -> dense(3) -> relu; output y = x -> dense(2); }
```";

N0104, "a tensor and a number mixed up",
"Layers take tensors; sizes and settings are numbers. A number can be added to a tensor, \
or multiplied with it, but it is none.

```net
network N { input x: [4]; output y = 3 -> dense(2); }
```

Start from an input or a binding:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0105, "two layers of one name",
"Layers have a namespace of their own, by which their parameters are found: `dense1.weight`. A layer is named by `as`, \
or by the binding whose only weighted layer it is, or by its kind and a counter.

```net
network N { input x: [4]; output y = x -> dense(3) as a -> relu -> dense(2) as a; }
```

Give each a name of its own:

```net
network N { input x: [4]; output y = x -> dense(3) as a -> relu -> dense(2) as b; }
```";

N0106, "a network without input or output",
"A network takes an input and gives an output.

```net
network N { input x: [4]; y = x -> dense(2); }
```

Declare what it gives:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0108, "no network, or more than one",
"A file that is compiled has one network. One that others only use may have any number of them, or none.

```net
network A { input x: [4]; output y = x -> dense(2); }
network B { input x: [4]; output y = x -> dense(2); }
```

Keep one in each file:

```net
network A { input x: [4]; output y = x -> dense(2); }
```";

N0109, "the compiler cannot go on",
"The description is correct, but no code can be made of it: it is too large for a machine's memory, or there is a bug in \
the compiler, which its own checks have found. Nothing wrong is generated. Make the network smaller, or report the bug \
with the description.

```net
network N { input x: [40_000]; output y = x -> dense(40_000) -> relu -> dense(40_000); }
```

Make the largest layer smaller, or pool before it:

```net
network N { input x: [40_000]; output y = x -> dense(40) -> relu -> dense(40_000); }
```";

N0110, "a statement where it does not belong",
"A network has inputs, outputs and sections; a block takes tensors as parameters and gives its results with `return`. \
Inputs and outputs stand outside of loops.

```net
network N { input x: [4]; output y = x -> dense(2); return y; }
```

Declare an output:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0111, "a statement after `return`",
"A block ends with `return`; nothing after it is carried out.

```net
block Twice(x: [N]) -> [N] { return x + x; y = x * x; }
network N { input x: [4]; output y = x -> Twice; }
```

Leave it out, or return what it makes:

```net
block Twice(x: [N]) -> [N] { return x + x; }
network N { input x: [4]; output y = x -> Twice; }
```";

N0112, "too much to unroll",
"Loops and blocks are unrolled while the network is compiled: at most 10,000 layers, 200,000 statements and 128 blocks \
inside each other. A list holds at most 50,000 values, those of lists in it counted.

```net
network N { input x: [4]; y = x; for i in 0..20_000 { y = y -> relu; } output z = y; }
```

Make the loop shorter:

```net
network N { input x: [4]; y = x; for i in 0..20 { y = y -> relu; } output z = y; }
```";

N0113, "a wrong number of results",
"A binding has as many names as its value has results, and a block returns as many tensors as it declares.

```net
network N { input x: [4]; a, b = x -> dense(2); output y = a; }
```

Give each result its name:

```net
network N { input x: [4]; a = x -> dense(2); output y = a; }
```";

N0114, "an assertion that does not hold",
"What `assert` says must hold wherever the network or block is used.

```net
network N(size: int = 4) { input x: [size]; assert size >= 8, \"too small\"; output y = x -> dense(2); }
```

Use it with values for which it does:

```net
network N(size: int = 8) { input x: [size]; assert size >= 8, \"too small\"; output y = x -> dense(2); }
```";

N0115, "a block that contains itself",
"Blocks are unrolled where they are called, so that none can contain itself, directly or through others.

```net
block A(x: [N]) -> [N] { return x -> A; }
network N { input x: [4]; output y = x -> A; }
```

Repeat with a loop:

```net
block A(x: [N]) -> [N] { return x + x; }
network N { input x: [4]; for i in 0..3 { x = x -> A; } output y = x; }
```";

N0116, "a block that returns nothing",
"Every way through a block ends with `return`.

```net
block A(x: [N]) -> [N] { y = x + x; }
network N { input x: [4]; output y = x -> A; }
```

Return what it makes:

```net
block A(x: [N]) -> [N] { return x + x; }
network N { input x: [4]; output y = x -> A; }
```";

N0117, "a path that names no layer",
"`freeze` and `lr` name layers and instances of blocks by the names under which their parameters are found.

```net
network N { input x: [4]; freeze first; output y = x -> dense(3) as hidden -> relu -> dense(2); }
```

`netwright summary` lists the names:

```net
network N { input x: [4]; freeze hidden; output y = x -> dense(3) as hidden -> relu -> dense(2); }
```";

N0118, "a constant that needs itself",
"The value of a constant cannot depend on the constant, directly or through others.

```net
const a = b + 1;
const b = a + 1;
network N { input x: [4]; output y = x -> dense(a); }
```

Start from a number:

```net
const a = 1;
const b = a + 1;
network N { input x: [4]; output y = x -> dense(b); }
```";

N0119, "a lint that does not exist",
"`allow`, `warn` and `deny` name lints: `double_softmax`, `unused_value`, `hidden_name`, `padded_1x1`, `truncated_pool`, `no_activation`, \
`dominant_layer` and `last_dropout`.

```net
network N { allow(unused); input x: [4]; output y = x -> dense(2); }
```

Use the lint's name:

```net
network N { allow(unused_value); input x: [4]; output y = x -> dense(2); }
```";
}

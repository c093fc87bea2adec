//! N02xx: arguments and parameters.

use super::super::code::codes;

codes! {
N0201, "a parameter without a value",
"A network's parameter needs a default, or a value where the network is used: `model!(\"n.net\", width = 3)`.

```net
network N(width: int) { input x: [width]; output y = x -> dense(2); }
```

Give it a default:

```net
network N(width: int = 4) { input x: [width]; output y = x -> dense(2); }
```";

N0202, "a name that the layer, setting or network does not take",
"Arguments are named as the layer's documentation names them.

```net
network N { input x: [8, 8, 1]; output y = x -> conv(4, kernel: 3, padding: 1) -> relu -> flatten -> dense(2); }
```

Use the layer's own name:

```net
network N { input x: [8, 8, 1]; output y = x -> conv(4, kernel: 3, pad: 1) -> relu -> flatten -> dense(2); }
```";

N0203, "a value of the wrong kind",
"Sizes are whole numbers, rates are numbers, switches are `true` or `false`.

```net
network N { input x: [4]; output y = x -> dense(2.5); }
```

Give a value of the right kind:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0204, "a value out of range",
"The message says which values will do.

```net
network N { input x: [4]; output y = x -> dropout(1.5) -> dense(2); }
```

Stay in the range:

```net
network N { input x: [4]; output y = x -> dropout(0.5) -> dense(2); }
```";

N0205, "arithmetic that has no result",
"Whole numbers have 64 bits; nothing is divided by zero.

```net
network N { input x: [4 / 0]; output y = x -> dense(2); }
```

Compute something that exists:

```net
network N { input x: [4 / 2]; output y = x -> dense(2); }
```";

N0206, "something is missing in a call",
"A layer needs its tensor and those arguments that have no default.

```net
network N { input x: [8, 8, 1]; output y = x -> conv(4) -> relu -> flatten -> dense(2); }
```

Give what is missing:

```net
network N { input x: [8, 8, 1]; output y = x -> conv(4, kernel: 3) -> relu -> flatten -> dense(2); }
```";

N0207, "something is too much in a call",
"An argument is given once, and there are no more than the layer takes.

```net
network N { input x: [4]; output y = x -> relu(2) -> dense(2); }
```

Leave it out:

```net
network N { input x: [4]; output y = x -> relu -> dense(2); }
```";

N0208, "an initialiser that does not exist",
"Weights start as `glorot_uniform` unless `init:` says otherwise; the initialisers are `zeros`, `ones`, \
`glorot_uniform`, `glorot_normal`, `he_uniform`, `he_normal`, `constant(x)`, `normal(std)` and `uniform(limit)`.

```net
network N { input x: [4]; output y = x -> dense(2, init: kaiming); }
```

Use the language's name:

```net
network N { input x: [4]; output y = x -> dense(2, init: he_normal); }
```";
}

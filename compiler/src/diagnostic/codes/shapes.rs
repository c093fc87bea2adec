//! N03xx: shapes.

use super::super::code::codes;

codes! {
N0301, "not an image",
"Convolution and pooling take `[height, width, channels]`; the batch axis is implied and never written.

```net
network N { input x: [28, 28]; output y = x -> conv(4, kernel: 3) -> relu -> flatten -> dense(2); }
```

A grey image has one channel:

```net
network N { input x: [28, 28, 1]; output y = x -> conv(4, kernel: 3) -> relu -> flatten -> dense(2); }
```";

N0302, "`dense` takes a flat input",
"A dense layer multiplies a vector of features by a matrix; an image has to be made flat first.

```net
network N { input x: [8, 8, 1]; output y = x -> dense(2); }
```

Insert `flatten`:

```net
network N { input x: [8, 8, 1]; output y = x -> flatten -> dense(2); }
```";

N0303, "a window larger than its input",
"A kernel or pooling window must fit into the image it slides over, padding included. Layers before it may have made the \
image small.

```net
network N { input x: [4, 4, 1]; output y = x -> conv(4, kernel: 5) -> relu -> flatten -> dense(2); }
```

Take a smaller one, or pad:

```net
network N { input x: [4, 4, 1]; output y = x -> conv(4, kernel: 5, pad: 2) -> relu -> flatten -> dense(2); }
```";

N0304, "groups that do not divide",
"A grouped convolution cuts both the channels of its input and its filters into equal parts, `group_norm` the channels.

```net
network N { input x: [8, 8, 6]; output y = x -> conv(8, kernel: 3, groups: 4) -> relu -> flatten -> dense(2); }
```

Use a number that divides both:

```net
network N { input x: [8, 8, 6]; output y = x -> conv(8, kernel: 3, groups: 2) -> relu -> flatten -> dense(2); }
```";

N0305, "a shape of another number of elements",
"The same numbers can be given another shape only if it has as many elements. `flatten` always fits.

```net
network N { input x: [28, 28]; output y = x -> reshape([28, 1]) -> conv(4, kernel: 3) -> relu -> flatten -> dense(2); }
```

Count again; an image in grey has one channel:

```net
network N { input x: [28, 28]; output y = x -> reshape([28, 28, 1]) -> conv(4, kernel: 3) -> relu -> flatten -> dense(2); }
```";

N0306, "shapes that cannot be joined",
"`concat` joins along one axis; on the others the shapes must agree.

```net
network N { input x: [8, 8, 2]; output y = concat(x, x -> max_pool(2)) -> flatten -> dense(2); }
```

Bring them to one size first:

```net
network N { input x: [8, 8, 2]; output y = concat(x, x -> max_pool(3, stride: 1, pad: 1)) -> flatten -> dense(2); }
```";

N0307, "shapes that cannot be added or multiplied",
"`+`, `-` and `*` take tensors of one shape; or an image `[H, W, C]` and one number for each of its channels, `[C]` or \
`[1, 1, C]`, or for each of its pixels, `[H, W, 1]`.

```net
network N { input x: [4]; output y = (x -> dense(3)) + x -> relu; }
```

Make them one shape:

```net
network N { input x: [4]; output y = (x -> dense(4)) + x -> relu; }
```";

N0308, "not the shape that was promised",
"A shape written after a name is a promise that the compiler checks.

```net
network N { input x: [4]; output y = x -> dense(2): [3]; }
```

Correct the promise, or what it is about:

```net
network N { input x: [4]; output y = x -> dense(2): [2]; }
```";

N0309, "a tensor that is too large",
"No tensor has more than 2,147,483,648 elements for one image.

```net
network N { input x: [100_000, 100_000, 10]; output y = x -> flatten -> dense(2); }
```

Describe something smaller:

```net
network N { input x: [100, 100, 10]; output y = x -> flatten -> dense(2); }
```";

N0310, "a tensor that a block does not take",
"A block declares the shapes that it takes. A name that stands alone in them is bound to what it finds; everything else \
must agree.

```net
block Pair(x: [N], y: [N]) -> [N] { return x + y; }
network N { input x: [4]; output y = Pair(x, x -> dense(3)); }
```

Give it what it declares:

```net
block Pair(x: [N], y: [N]) -> [N] { return x + y; }
network N { input x: [4]; output y = Pair(x, x -> dense(4)); }
```";

N0311, "a block that returns another shape than it declares",
"What a block declares must hold for every instance. It is checked at the definition, with variables for sizes.

```net
block Wide(x: [N], width: int) -> [N] { return x -> dense(width); }
network N { input x: [4]; output y = x -> Wide(4); }
```

Declare what it makes:

```net
block Wide(x: [N], width: int) -> [width] { return x -> dense(width); }
network N { input x: [4]; output y = x -> Wide(4); }
```";
}

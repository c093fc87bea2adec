//! N04xx: the sections `train`, `prune` and `budget`.

use super::super::code::codes;

codes! {
N0401, "a `train` section without a loss",
"Training makes a loss small; the section says which, and of what. A loss of an input is none: nothing trains it.

```net
network N { input x: [4]; output y = x -> dense(2); train { epochs: 3; } }
```

Name it:

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); epochs: 3; } }
```";

N0402, "an entry that the `train` section does not have",
"The entries are loss, optimizer, schedule, warmup_steps, batch, epochs, seed, patience, validation, clip_norm, augment \
and, for some layers, lr: `lr(stem): 0.1`.

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); batch_size: 8; } }
```

Use the section's own word:

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); batch: 8; } }
```";

N0403, "a loss, optimiser, schedule or augmentation that does not exist",
"The message lists those that do.

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: hinge(y); } }
```

Use one of them:

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); } }
```";

N0404, "a loss of something of the wrong shape",
"Cross entropy compares one score for each class with the class that is right; where classes have weights, there is one \
weight for each.

```net
network N { input x: [8, 8, 2]; output y = x -> conv(4, kernel: 3); train { loss: cross_entropy(y); } }
```

End in a flat tensor:

```net
network N { input x: [8, 8, 2]; output y = x -> conv(4, kernel: 3) -> global_avg_pool; train { loss: cross_entropy(y); } }
```";

N0405, "cross entropy of probabilities",
"`cross_entropy` takes scores and applies softmax itself, which is faster and does not lose precision. Given \
probabilities it would apply softmax twice, and training would go slowly and end early. The same goes for \
`binary_cross_entropy` and sigmoid.

```net
network N { input x: [4]; output y = x -> dense(2) -> softmax; train { loss: cross_entropy(y); } }
```

Give it what goes into softmax:

```net
network N { input x: [4]; z = x -> dense(2); output y = softmax(z); train { loss: cross_entropy(z); } }
```";

N0406, "a limit that cannot be read",
"A budget compares what a network costs with a number: `parameters`, `macs`, `inference_bytes(batch: N)` or \
`training_bytes(batch: N)`, with `<=`, `<` or `==`.

```net
network N { input x: [4]; output y = x -> dense(2); budget { weights <= 100; } }
```

Use the quantity's name:

```net
network N { input x: [4]; output y = x -> dense(2); budget { parameters <= 100; } }
```";

N0407, "over budget",
"The network costs more than its `budget` allows, or not what it says.

```net
network N { input x: [4]; output y = x -> dense(100); budget { parameters <= 100; } }
```

Make it smaller, or the budget larger:

```net
network N { input x: [4]; output y = x -> dense(20); budget { parameters <= 100; } }
```";

N0408, "an entry that the `prune` section does not have",
"The entries are method, keep, schedule, epochs, lr_factor and scale_dropout. `keep` may be set for single layers.

```net
network N {
    input x: [4]; y = x -> dense(2); output p = softmax(y); train { loss: cross_entropy(y); }
    prune { sparsity: 0.9; }
}
```

Use the section's own word:

```net
network N {
    input x: [4]; y = x -> dense(2); output p = softmax(y); train { loss: cross_entropy(y); }
    prune { keep: 0.1; }
}
```";

N0409, "a `prune` section without a `train` section",
"A network that has lost most of its weights is trained on, so that the others make up for it; the `train` section says \
how.

```net
network N { input x: [4]; output y = x -> dense(2); prune { keep: 0.5; } }
```

Say how to train:

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); } prune { keep: 0.5; } }
```";

N0410, "nothing to prune",
"Either the section does not say what to keep, or it names layers without weights to prune: the matrices of convolutions \
and dense layers are pruned; biases, scales, shifts and what is frozen are not.

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); } prune { epochs: 3; } }
```

Say what fraction of the weights stays:

```net
network N { input x: [4]; output y = x -> dense(2); train { loss: cross_entropy(y); } prune { keep: 0.5; epochs: 3; } }
```";

N0411, "an augmentation that does not fit the images",
"An augmentation changes images, inputs of [height, width, channels]; a shift is smaller than their sides, and a cutout \
no larger.

```net
network N {
    input x: [8, 8, 1];
    output y = x -> flatten -> dense(2);
    train { loss: cross_entropy(y); augment: shift(8); }
}
```

Move by less:

```net
network N {
    input x: [8, 8, 1];
    output y = x -> flatten -> dense(2);
    train { loss: cross_entropy(y); augment: shift(1); }
}
```";

N0412, "losses that cannot be added",
"A sample has one target, a class or some values, and all losses of a sum compare with it: those of classes with scores for \
as many classes, those of values with outputs of as many values. Class weights are for a loss that stands alone.

```net
network N {
    input x: [8];
    a = x -> dense(2);
    output y = x -> dense(3);
    train { loss: cross_entropy(y) + cross_entropy(a); }
}
```

Give all of them the same sizes:

```net
network N {
    input x: [8];
    a = x -> dense(3);
    output y = x -> dense(3);
    train { loss: cross_entropy(y) + cross_entropy(a); }
}
```";

N0413, "training that changes nothing",
"The loss of a `train` section depends on a parameter that is trained, and a learning rate is set for one: not for what \
`freeze` names, nor for layers without weights.

```net
network N { input x: [4]; output y = x -> dense(2) as head; freeze head; train { loss: cross_entropy(y); } }
```

Leave something to train:

```net
network N {
    input x: [4];
    output y = x -> dense(8) as stem -> relu -> dense(2) as head;
    freeze stem;
    train { loss: cross_entropy(y); }
}
```";
}

//! N07xx: photographs and labels.

use super::super::code::codes;

codes! {
N0701, "an input that is not made from photographs",
"`from photo(…)` says how a photograph becomes the input: an image `[height, width, channels]` of 1 or 3 channels.

```net
network N { input x: [4] from photo; output y = x -> dense(2); }
```

Leave it out where the input is no image:

```net
network N { input x: [4]; output y = x -> dense(2); }
```";

N0702, "labels that do not fit",
"`labels` gives a name to each class of a flat output: as many as the output has numbers.

```net
network N { input x: [4]; output y = x -> dense(2) -> softmax; labels y: [\"cat\"]; }
```

Name every class:

```net
network N { input x: [4]; output y = x -> dense(2) -> softmax; labels y: [\"cat\", \"dog\"]; }
```";

N0703, "labels that cannot be read",
"The path of `labels y: \"names.txt\";` starts at the folder of the file, and leads to a text with one name on each line. \
Absolute paths, `..`, links that lead out of the project and devices are refused, as for `use`.

```net
network N { input x: [4]; output y = x -> dense(2); labels y: \"no_such_file.txt\"; }
```

Give the path of a text that is there, or the names themselves:

```net
network N { input x: [4]; output y = x -> dense(2); labels y: [\"cat\", \"dog\"]; }
```";
}

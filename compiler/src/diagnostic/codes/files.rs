//! N05xx: files that use each other.

use super::super::code::codes;

codes! {
N0501, "a file that cannot be used",
"`use <fire>;` takes a file that comes with Netwright, `use \"blocks/fire.net\";` one beside the file or in a folder below \
it. Absolute paths, `..`, links that lead out of the project and devices are refused.

```net
use <fier>;
network N { input x: [8, 8, 3]; output y = x -> Fire(3, 4); }
```

Give the name or the path of a file that is there:

```net
use <fire>;
network N { input x: [8, 8, 3]; output y = x -> Fire(3, 4); }
```";

N0502, "files that use each other",
"A file cannot use itself, directly or through others.

```text
a.net:  use \"b.net\";  block A(x: [F]) -> [F] { return x -> B; }
b.net:  use \"a.net\";  block B(x: [F]) -> [F] { return x -> relu; }  block C(x: [F]) -> [F] { return x -> A; }
```

Move what both need into a file of its own, and use that:

```text
a.net:  use \"b.net\";  block A(x: [F]) -> [F] { return x -> B; }
b.net:  block B(x: [F]) -> [F] { return x -> relu; }
c.net:  use \"a.net\";  block C(x: [F]) -> [F] { return x -> A; }
```";

N0503, "too many files",
"A description has at most 256 files with 16 MiB together, and at most 128 of them use each other in a row.

```text
use \"cells/1.net\"; use \"cells/2.net\"; … three hundred lines …
```

A file may have any number of blocks: put those that belong together into one, and let parameters say what sets them apart:

```text
use \"cells.net\";
```";
}

//! N05xx: files that use each other.

use super::super::code::codes;

codes! {
N0501, "a file that cannot be used",
"`use <fire>;` takes a file that comes with Netwright, `use \"blocks/fire.net\";` one beside the file or in a folder below \
it. Absolute paths, `..`, links that lead out of the project and devices are refused.";

N0502, "files that use each other",
"A file cannot use itself, directly or through others. Move what both need into a file of its own, and use that.";

N0503, "too many files",
"A description has at most 256 files with 16 MiB together, and at most 128 of them use each other in a row.";
}

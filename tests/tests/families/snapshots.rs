//! The texts of the families' graphs, in `tests/stages/families`: whole where they are short, else the first nodes and a
//! digest of all.

use crate::MEMBERS;

/// Lines of a text that is shown whole.
const WHOLE: usize = 200;

/// Lines that are shown of a longer one, from the input on: the parameters stand before it.
const FIRST: usize = 60;

#[test]
fn graphs() {
    for member in MEMBERS {
        let text = member.compile(None).graph.to_string();
        assert_eq!(text, member.compile(None).graph.to_string(), "{}: the same for the same input", member.key);
        let lines = text.lines().count();
        let shown = if lines <= WHOLE {
            text
        } else {
            let nodes = text.lines().skip_while(|line| !line.starts_with("  input ")).take(FIRST);
            let first: String = nodes.map(|line| format!("{line}\n")).collect();
            format!("{first}\n{FIRST} of {lines} lines, from the input on; digest of all {:016x}\n", digest(&text))
        };
        insta::with_settings!({ snapshot_path => "../../stages/families", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(member.key, shown);
        });
    }
}

/// FNV-1a in 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

//! The scanner and the grammar agree on what the words of the language are, and so do the lists of keywords.

use pest::Parser as _;

use super::LENET;
use crate::diagnostic::Sink;
use crate::source::SourceId;
use crate::syntax::grammar::{Grammar, Rule};
use crate::syntax::keywords::{KEYWORDS, RESERVED};
use crate::syntax::scan::{TokenKind, scan};

/// Every token of a text is what one rule of the grammar reads there, and a bad one what none does.
fn grammar_agrees(text: &str) {
    let mut sink = Sink::new();
    let tokens = scan(SourceId(0), text, &mut sink);
    for token in tokens {
        let word = &text[token.span.range()];
        let rest = &text[token.span.start as usize..];
        let reads = |rule: &&Rule| Grammar::parse(**rule, rest).is_ok_and(|pairs| pairs.as_str() == word);
        let rules: &[Rule] = match token.kind {
            TokenKind::Word => &[Rule::name, Rule::keyword, Rule::reserved],
            TokenKind::Number => &[Rule::integer, Rule::float],
            TokenKind::Text => &[Rule::string],
            TokenKind::Doc => &[Rule::doc],
            TokenKind::Bad => {
                let rule = [Rule::name, Rule::integer, Rule::float, Rule::string].iter().find(reads);
                assert_eq!(rule, None, "{word:?}");
                continue;
            }
            TokenKind::Open | TokenKind::Close | TokenKind::Sign => continue,
        };
        assert_eq!(rules.iter().filter(reads).count(), 1, "{word:?} is not one of {rules:?}");
    }
}

#[test]
fn words_are_those_of_the_grammar() {
    grammar_agrees(LENET);
    for text in [
        "0 00 1_ 1__0 1_000 0.5 1.5e3 1e3 1E-3 1e+3 1_0.5_0e1_0 2.e3 .5 5. 1.2.3 1e 1e+ 1_e3 0x1 1f32 1..2 3.x 1.e 0b1",
        "a _ _a a_ a1 A if iff in int input inputs _input true trueish notx",
        "\"\" \"a\" \"\\\"\" \"\\\\\" \"\\n\\t\" \"\\r\" \"é\" \"//\" \"/*\"",
        "/// doc\n///doc\n///\n",
        "\"a\"b \"a\"_ \"a\"1 and\"a\" x\"a\" 1\"a\"",
        "\"open",
        "\"\\",
        "é aé 1é",
    ] {
        grammar_agrees(text);
    }
}

#[test]
fn comments_are_those_of_the_grammar() {
    for text in
        ["// c", "//", "////", "//// c\n", "/**/", "/***/", "/* /* */ */", "/*/ */", "//! c", "/* é */", "//\r\n"]
    {
        let mut sink = Sink::new();
        assert_eq!(scan(SourceId(0), text, &mut sink), [], "{text}");
        assert!(sink.is_empty(), "{text}");
        assert!(Grammar::parse(Rule::file, text).is_ok(), "{text}");
    }
    for text in ["/*", "/*/", "/* /*/", "/* /* */", "/**"] {
        let mut sink = Sink::new();
        scan(SourceId(0), text, &mut sink);
        assert!(sink.has_errors() && Grammar::parse(Rule::file, text).is_err(), "{text}");
    }
}

#[test]
fn keywords_are_those_of_the_grammar() {
    let whole = |rule, word: &str| Grammar::parse(rule, word).is_ok_and(|pairs| pairs.as_str() == word);
    for word in KEYWORDS {
        assert!(whole(Rule::keyword, word) && !whole(Rule::name, word), "{word}");
    }
    for (word, _) in RESERVED {
        assert!(whole(Rule::reserved, word) && !whole(Rule::name, word), "{word}");
    }
    let grammar = include_str!("../grammar.pest");
    let listed = |rule: &str| {
        let start = grammar.find(rule).unwrap();
        let end = start + grammar[start..].find("word_end").unwrap();
        grammar[start..end].matches('"').count() / 2
    };
    assert_eq!(listed("keyword = @{"), KEYWORDS.len());
    assert_eq!(listed("reserved = @{"), RESERVED.len());
}

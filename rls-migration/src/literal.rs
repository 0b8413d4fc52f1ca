//! Texts as Rust literals.

/// A Rust literal of `text`, raw if that reads better, as clippy recommends.
pub(crate) fn literal(text: &str) -> String {
    // A raw literal cannot hold a carriage return, and rustc refuses characters in it that change
    // the order in which text is shown.
    let escaped = |c: char| c.escape_debug().len() > 1 && !matches!(c, '\n' | '"' | '\'' | '\\');
    if text.chars().any(escaped) {
        return format!("{text:?}");
    }

    if !text.contains(['"', '\\', '\n']) {
        return format!("\"{text}\"");
    }

    let mut hashes = String::new();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }

    format!("r{hashes}\"{text}\"{hashes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_ends_where_its_text_ends() {
        assert_eq!(literal("a"), "\"a\"");
        assert_eq!(literal("a\\b"), "r\"a\\b\"");
        assert_eq!(literal("a \"b\""), "r#\"a \"b\"\"#");
        assert_eq!(literal("a\"#b"), "r##\"a\"#b\"##");
        assert_eq!(literal("a\rb"), "\"a\\rb\"");
        assert_eq!(literal("a\u{202e}b"), "\"a\\u{202e}b\"");
    }
}

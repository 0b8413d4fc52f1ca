//! Text for terminals: colours, and names without control characters.

/// Colours as `SGR` codes (ECMA-48).
pub(crate) mod colour {
    pub(crate) const BOLD: &str = "1";
    pub(crate) const DIM: &str = "2";
    pub(crate) const RED: &str = "31";
    pub(crate) const GREEN: &str = "32";
    pub(crate) const YELLOW: &str = "33";
}

/// Paints the text, if colours are on.
pub(crate) fn paint(colours: bool, colour: &str, text: &str) -> String {
    if colours {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Escapes what a terminal would obey. A name in the database may contain control characters, or a
/// line break and a line that looks like ours.
#[must_use]
pub fn shown(text: &str) -> String {
    let visible = |character: char| match character {
        control if control.is_control() => control.escape_default().to_string(),
        // Characters that change the order of letters, or are invisible.
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => character.escape_unicode().to_string(),
        other => other.to_string(),
    };

    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn name_shows_what_it_is_made_of() {
        assert_eq!(
            shown("safe\u{202e}elbat\n\u{200b}é"),
            "safe\\u{202e}elbat\\n\\u{200b}é"
        );
        assert_eq!(shown("\u{feff}\u{2066}\u{1b}"), "\\u{feff}\\u{2066}\\u{1b}");
    }
}

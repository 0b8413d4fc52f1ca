/// How the server reads a plain string, as `standard_conforming_strings` says, which a role, a
/// database or a function can have switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// A backslash is a character as any other.
    Standard,
    /// A backslash escapes the character behind it.
    Escapes,
}

impl Strings {
    /// The ways to read this text, since the setting is not known. A reading in which a string or
    /// comment does not end does not count: the server would report an error before it runs
    /// anything.
    pub(super) fn of(sql: &str) -> &'static [Self] {
        if !sql.contains('\\') {
            return &[Self::Standard];
        }

        match (is_whole(sql, Self::Standard), is_whole(sql, Self::Escapes)) {
            (true, true) => &[Self::Standard, Self::Escapes],
            (false, true) => &[Self::Escapes],
            (_, false) => &[Self::Standard],
        }
    }
}

fn is_whole(sql: &str, strings: Strings) -> bool {
    let mut tokens = tokens(sql, strings);
    while tokens.next().is_some() {}
    !tokens.breaks_off
}

/// A token of SQL text, as PostgreSQL's lexer (`src/backend/parser/scan.l`) splits it; literals,
/// numbers and comments are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An unquoted name or key word.
    Word(&'a str),
    /// A quoted name, without its quotes.
    Quoted(&'a str),
    /// A name in Unicode escapes, `U&"…"`, which can be any.
    Escaped,
    /// A plain string literal, without its quotes.
    Text(&'a str),
    /// Any other literal: an escape or dollar-quoted string, or a number.
    Literal,
    /// A placeholder, by its number.
    Parameter(usize),
    /// Any other character.
    Symbol(char),
}

pub(super) fn tokens(sql: &str, strings: Strings) -> Tokens<'_> {
    Tokens {
        rest: sql,
        strings,
        breaks_off: false,
    }
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
    strings: Strings,
    /// Whether the text ended within a string, a quoted name or a comment.
    breaks_off: bool,
}

impl<'a> Tokens<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// Takes the bytes at the start that are `wanted`, which all bytes of a character must be, or
    /// none.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self
            .rest
            .bytes()
            .position(|byte| !wanted(byte))
            .unwrap_or(self.rest.len());
        self.take(bytes)
    }

    /// Takes everything through `end`, or the rest of the text if `end` is missing.
    fn take_through(&mut self, end: &str) -> &'a str {
        let found = self.rest.find(end);
        self.breaks_off |= found.is_none();
        self.take(found.map_or(self.rest.len(), |at| at + end.len()))
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            match self.rest.as_bytes() {
                [first, ..] if is_space(*first) => _ = self.take_while(is_space),
                [b'-', b'-', ..] => _ = self.take_while(|byte| !matches!(byte, b'\n' | b'\r')),
                [b'/', b'*', ..] => self.skip_nested_comment(),
                _ => return,
            }
        }
    }

    fn skip_nested_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return;
                }
            } else {
                let first = self.rest.chars().next().map_or(0, char::len_utf8);
                self.take(first);
            }
        }

        self.breaks_off = true;
    }

    /// The rest of a string or quoted name after its opening quote, without the closing one.
    fn take_quoted(&mut self, quote: u8, backslashes: bool) -> &'a str {
        let bytes = self.rest.as_bytes();
        let mut at = 0;

        while at < bytes.len() {
            if backslashes && bytes[at] == b'\\' {
                at += 2;
            } else if bytes[at] == quote {
                if bytes.get(at + 1) == Some(&quote) {
                    at += 2;
                } else {
                    let inside = self.take(at);
                    self.take(1);
                    return inside;
                }
            } else {
                at += 1;
            }
        }

        self.breaks_off = true;
        self.take(self.rest.len())
    }

    /// The quote that continues a string after a line break: the next part is read as the first
    /// was.
    fn take_continuation(&mut self) -> bool {
        let ahead = &mut tokens(self.rest, self.strings);
        loop {
            match ahead.rest.as_bytes() {
                [first, ..] if is_space(*first) => _ = ahead.take_while(is_space),
                [b'-', b'-', ..] => _ = ahead.take_while(|byte| !matches!(byte, b'\n' | b'\r')),
                _ => break,
            }
        }

        let between = &self.rest[..self.rest.len() - ahead.rest.len()];
        let continues = between.contains(['\n', '\r']) && ahead.rest.starts_with('\'');

        if continues {
            ahead.take(1);
            self.rest = ahead.rest;
        }

        continues
    }

    /// Takes a dollar-quoted string, if one starts here.
    fn take_dollar_quoted(&mut self) -> bool {
        let bytes = self.rest.as_bytes();
        let name = bytes[1..]
            .iter()
            .position(|byte| !is_word(*byte))
            .unwrap_or(bytes.len() - 1);

        let is_tag = bytes.get(1 + name) == Some(&b'$') && !bytes[1].is_ascii_digit();
        if is_tag {
            let tag = self.take(name + 2);
            self.take_through(tag);
        }

        is_tag
    }

    /// A name or key word, or the literal or escaped name that it begins.
    fn take_word(&mut self) -> Token<'a> {
        let word = self.take_while(|byte| is_word(byte) || byte == b'$');

        // Bit strings have no escapes, whatever plain ones have.
        let prefix = ["e", "b", "x"]
            .into_iter()
            .find(|prefix| word.eq_ignore_ascii_case(prefix));
        if let (Some(prefix), true) = (prefix, self.rest.starts_with('\'')) {
            self.take(1);
            self.take_quoted(b'\'', prefix == "e");
            while self.take_continuation() {
                self.take_quoted(b'\'', prefix == "e");
            }

            return Token::Literal;
        }

        if word.eq_ignore_ascii_case("u") && self.rest.starts_with("&\"") {
            self.take(2);
            self.take_quoted(b'"', false);
            return Token::Escaped;
        }

        Token::Word(word)
    }
}

/// The server's own white space; others, such as U+00A0, are parts of names to it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c')
}

/// Whether a byte can be in a name; of a character that is not ASCII all can.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space_and_comments();

        let first = *self.rest.as_bytes().first()?;

        Some(match first {
            b'\'' => {
                self.take(1);

                let escapes = self.strings == Strings::Escapes;
                let text = self.take_quoted(b'\'', escapes);

                // What it says is not what is written.
                if escapes && text.contains('\\') {
                    Token::Literal
                } else {
                    Token::Text(text)
                }
            }
            b'"' => {
                self.take(1);
                Token::Quoted(self.take_quoted(b'"', false))
            }
            b'$' if self.take_dollar_quoted() => Token::Literal,
            b'$' => {
                self.take(1);
                let digits = self.take_while(|byte| byte.is_ascii_digit());
                match digits.parse() {
                    Ok(number) => Token::Parameter(number),
                    // No digits, which is no placeholder, or a number too high for any.
                    Err(_) if digits.is_empty() => Token::Literal,
                    Err(_) => Token::Parameter(usize::MAX),
                }
            }
            digit if digit.is_ascii_digit() => {
                self.take_while(|byte| is_word(byte) || byte == b'.');
                Token::Literal
            }
            letter if is_word(letter) => self.take_word(),
            symbol => {
                self.take(1);
                Token::Symbol(char::from(symbol))
            }
        })
    }
}

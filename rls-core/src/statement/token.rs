/// A token of SQL text, as PostgreSQL's lexer (`src/backend/parser/scan.l`) splits it with
/// `standard_conforming_strings` on; literals, numbers and comments are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An unquoted name or key word.
    Word(&'a str),
    /// A quoted name, without its quotes.
    Quoted(&'a str),
    /// A plain string literal, without its quotes.
    Text(&'a str),
    /// Any other literal: an escape or dollar-quoted string, a number or a parameter.
    Literal,
    /// Any other character.
    Symbol(char),
}

pub(super) fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { rest: sql }
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// Takes up to and with `end`; to the end of the text where it is missing.
    fn take_through(&mut self, end: &str) -> &'a str {
        let bytes = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(bytes)
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            // The server's own white space; others, such as U+00A0, are parts of names to it.
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            if self.rest.starts_with("--") {
                let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
                self.take(end);
            } else if self.rest.starts_with("/*") {
                self.skip_nested_comment();
            } else {
                return;
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
        self.take(self.rest.len())
    }

    /// A dollar-quoted string, where one starts here.
    fn take_dollar_quoted(&mut self) -> bool {
        let tag_end = self.rest[1..].find('$').map(|at| at + 2);
        let Some(tag) = tag_end.map(|end| &self.rest[..end]) else {
            return false;
        };
        let name = &tag[1..tag.len() - 1];
        let is_tag = name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit());
        if is_tag {
            self.take(tag.len());
            self.take_through(tag);
            return true;
        }
        false
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space_and_comments();
        let first = self.rest.chars().next()?;
        if first == '\'' {
            self.take(1);
            return Some(Token::Text(self.take_quoted(b'\'', false)));
        }
        if first == '"' {
            self.take(1);
            return Some(Token::Quoted(self.take_quoted(b'"', false)));
        }
        if first == '$' {
            if !self.take_dollar_quoted() {
                self.take(1);
                let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
                self.take(digits);
            }
            return Some(Token::Literal);
        }
        if first.is_ascii_digit() {
            let end = self.rest.find(|c: char| !(is_word(c) || c == '.')).unwrap_or(self.rest.len());
            self.take(end);
            return Some(Token::Literal);
        }
        if is_word(first) {
            let end = self.rest.find(|c: char| !(is_word(c) || c == '$')).unwrap_or(self.rest.len());
            let word = self.take(end);
            if word.eq_ignore_ascii_case("e") && self.rest.starts_with('\'') {
                self.take(1);
                self.take_quoted(b'\'', true);
                return Some(Token::Literal);
            }
            return Some(Token::Word(word));
        }
        self.take(first.len_utf8());
        Some(Token::Symbol(first))
    }
}

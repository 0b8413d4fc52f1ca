//! The values of keys.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitStr, Result, Token};

use crate::symbol::Word;

/// The name of a field, column or relation: a string or an identifier, without `r#`.
pub(crate) struct Name {
    pub value: String,
    pub span: Span,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self {
                value: literal.value(),
                span: literal.span(),
            });
        }

        let ident = input.call(Ident::parse_any)?;

        Ok(Self {
            value: ident.unraw().to_string(),
            span: ident.span(),
        })
    }
}

/// Takes the tokens that follow a key.
pub(crate) fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }

    Ok(tokens)
}

/// A key and the tokens that follow it.
pub(crate) struct Value {
    pub word: Word,
    /// An example of the key, for messages.
    pub usage: &'static str,
    pub span: Span,
    pub rest: TokenStream,
}

impl Value {
    pub(super) fn none(self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }

        Err(Error::new_spanned(
            self.rest,
            format!("`{}` takes no value", self.word.as_str()),
        ))
    }

    pub(super) fn string(self) -> Result<LitStr> {
        self.after_equals(<LitStr as Parse>::parse)
    }

    pub(super) fn name(self) -> Result<Name> {
        self.after_equals(Name::parse)
    }

    /// A value that may be within a string.
    pub(crate) fn parsed<T>(self, parser: fn(ParseStream<'_>) -> Result<T>) -> Result<T> {
        self.after_equals(|input| bare_or_in_string(input, parser))
    }

    /// `index(a, "b")`.
    pub(super) fn names(self) -> Result<Vec<Name>> {
        self.in_parentheses(Name::parse)
    }

    /// `via = a`, or `via(a, b)`.
    pub(super) fn one_or_more<T>(self, parser: fn(ParseStream<'_>) -> Result<T>) -> Result<Vec<T>> {
        match self.rest.clone().into_iter().next() {
            Some(TokenTree::Group(_)) => self.in_parentheses(parser),
            _ => self.after_equals(parser).map(|one| vec![one]),
        }
    }

    pub(super) fn in_parentheses<T>(
        self,
        parser: fn(ParseStream<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let values = |input: ParseStream<'_>| {
            let content;
            syn::parenthesized!(content in input);
            Punctuated::<T, Token![,]>::parse_terminated_with(&content, parser)
        };

        match values.parse2(self.rest.clone()) {
            Ok(values) if !values.is_empty() => Ok(values.into_iter().collect()),
            _ => Err(self.unexpected(&self.rest)),
        }
    }

    fn after_equals<T>(self, parser: impl FnOnce(ParseStream<'_>) -> Result<T>) -> Result<T> {
        let mut tokens = self.rest.clone().into_iter();
        match tokens.next() {
            Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {}
            _ => return Err(self.unexpected(&self.rest)),
        }

        let tokens: TokenStream = tokens.collect();

        parser
            .parse2(tokens.clone())
            .map_err(|_| self.unexpected(&tokens))
    }

    fn unexpected(&self, found: &TokenStream) -> Error {
        let message = format!("expected `{}`", self.usage);
        if found.is_empty() {
            Error::new(self.span, message)
        } else {
            Error::new_spanned(found, message)
        }
    }
}

pub(super) fn bare_or_in_string<T>(
    input: ParseStream<'_>,
    parser: fn(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    if input.peek(LitStr) {
        input.parse::<LitStr>()?.parse_with(parser)
    } else {
        parser(input)
    }
}

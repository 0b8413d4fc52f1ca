//! Reads `#[user_scoped(…)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, LitStr, Path, Result, Token, TypePath};

use crate::ctxt::Ctxt;
use crate::symbol::{Word, closest, list};

/// The helper attribute's name.
pub const USER_SCOPED: &str = "user_scoped";

/// What `#[user_scoped(…)]` says.
#[derive(Default)]
pub struct Attr {
    pub root: Option<Path>,
    pub identity: Option<Span>,
    pub owner: Option<Name>,
    pub setting: Option<LitStr>,
    pub user: Option<TypePath>,
    pub to: Option<Name>,
    pub on_delete: Option<OnDelete>,
    pub index: Vec<Name>,
    pub no_default: bool,
    pub no_foreign_key: bool,
    pub backfill: Option<LitStr>,
    /// The keys in the order they were written.
    pub keys: Vec<(Word, Span)>,
}

/// The name of a field or column: a string or an identifier, without `r#`.
pub struct Name {
    pub value: String,
    pub span: Span,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self { value: literal.value(), span: literal.span() });
        }
        let ident = input.call(Ident::parse_any)?;
        Ok(Self { value: ident.unraw().to_string(), span: ident.span() })
    }
}

/// The foreign key's action.
#[derive(Clone, Copy)]
pub enum OnDelete {
    Cascade,
    Restrict,
    NoAction,
}

impl OnDelete {
    /// The variant's name, which is SeaORM's word too.
    pub fn variant(self) -> &'static str {
        match self {
            Self::Cascade => "Cascade",
            Self::Restrict => "Restrict",
            Self::NoAction => "NoAction",
        }
    }

    fn new(name: &Name) -> Result<Self> {
        let folded: String = name.value.chars().filter(char::is_ascii_alphanumeric).collect();
        let wrong = match folded.to_ascii_lowercase().as_str() {
            "cascade" => return Ok(Self::Cascade),
            "restrict" => return Ok(Self::Restrict),
            "noaction" => return Ok(Self::NoAction),
            "setnull" => "an owner is never NULL",
            "setdefault" => "the rows of a deleted user would belong to the one who deletes",
            _ => "unknown action",
        };
        let expected = list(["cascade", "restrict", "no_action"]);
        Err(Error::new(name.span, format!("{wrong}: expected {expected}")))
    }
}

impl Attr {
    /// Reads all `#[user_scoped(…)]` of a struct.
    pub fn parse(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut attr = Self::default();
        for one in attrs.iter().filter(|attr| attr.path().is_ident(USER_SCOPED)) {
            if one.meta.require_list().is_err() {
                ctxt.error_spanned_by(&one.meta, "expected `#[user_scoped(…)]`");
                continue;
            }
            let read = one.parse_nested_meta(|meta| {
                let rest = until_comma(meta.input)?;
                if let Err(error) = attr.parse_key(&meta, rest) {
                    ctxt.push(error);
                }
                Ok(())
            });
            if let Err(error) = read {
                ctxt.push(error);
            }
        }
        attr
    }

    /// Reads one key; `rest` is what follows it, up to the comma.
    fn parse_key(&mut self, meta: &ParseNestedMeta<'_>, rest: TokenStream) -> Result<()> {
        let path = &meta.path;
        let key = path.get_ident().map(|ident| ident.unraw().to_string());
        let Some(word) = key.as_deref().and_then(Word::find) else {
            let key = path.to_token_stream().to_string();
            let words = Word::ALL.map(Word::as_str);
            let hint = closest(&key, words).map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
            return Err(Error::new_spanned(path, format!("unknown key `{key}`, expected {}{hint}", list(words))));
        };
        let span = path.get_ident().map_or_else(Span::call_site, Ident::span);
        if self.keys.iter().any(|(earlier, _)| *earlier == word) {
            return Err(Error::new(span, format!("`{}` is given twice", word.as_str())));
        }
        self.keys.push((word, span));
        let value = Value { word, span, rest };
        match word {
            Word::Backfill => self.backfill = Some(value.string()?),
            Word::Crate => self.root = Some(value.parsed(Path::parse_mod_style)?),
            Word::Identity => {
                self.identity = Some(span);
                value.none()?;
            }
            Word::Index => self.index = value.names()?,
            Word::NoDefault => {
                self.no_default = true;
                value.none()?;
            }
            Word::NoForeignKey => {
                self.no_foreign_key = true;
                value.none()?;
            }
            Word::OnDelete => self.on_delete = Some(OnDelete::new(&value.name()?)?),
            Word::Owner => self.owner = Some(value.name()?),
            Word::Setting => self.setting = Some(value.string()?),
            Word::To => self.to = Some(value.name()?),
            Word::User => self.user = Some(value.parsed(TypePath::parse)?),
        }
        Ok(())
    }
}

/// The tokens that follow a key.
pub fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

/// A key and the tokens that follow it.
pub struct Value {
    pub word: Word,
    pub span: Span,
    pub rest: TokenStream,
}

impl Value {
    fn none(self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::new_spanned(self.rest, format!("`{}` takes no value", self.word.as_str())))
    }

    fn string(self) -> Result<LitStr> {
        self.after_equals(<LitStr as Parse>::parse)
    }

    fn name(self) -> Result<Name> {
        self.after_equals(Name::parse)
    }

    /// A value that may stand in a string.
    pub fn parsed<T>(self, parser: fn(ParseStream<'_>) -> Result<T>) -> Result<T> {
        self.after_equals(
            |input| {
                if input.peek(LitStr) { input.parse::<LitStr>()?.parse_with(parser) } else { parser(input) }
            },
        )
    }

    /// `index(a, "b")`.
    fn names(self) -> Result<Vec<Name>> {
        let names = |input: ParseStream<'_>| {
            let content;
            syn::parenthesized!(content in input);
            Punctuated::<Name, Token![,]>::parse_terminated(&content)
        };
        match names.parse2(self.rest.clone()) {
            Ok(names) if !names.is_empty() => Ok(names.into_iter().collect()),
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
        parser.parse2(tokens.clone()).map_err(|_| self.unexpected(&tokens))
    }

    fn unexpected(&self, found: &TokenStream) -> Error {
        let message = format!("expected `{}`", self.word.usage());
        if found.is_empty() { Error::new(self.span, message) } else { Error::new_spanned(found, message) }
    }
}

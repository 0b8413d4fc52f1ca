//! Reads a derive's attribute, such as `#[user_scoped(…)]`.

mod action;
mod privilege;
mod value;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, ExprPath, Ident, LitStr, Path, Result, TypePath};

use crate::ctxt::Ctxt;
use crate::derive::Derive;
use crate::spelling::{did_you_mean, list, quoted};
use crate::symbol::Word;

pub(crate) use action::OnDelete;
pub(crate) use privilege::{Granted, Privilege};
pub(crate) use value::{Name, Value, until_comma};

use privilege::Written;

/// The keys of a derive's attribute.
#[derive(Default)]
pub(crate) struct Attr {
    pub root: Option<Path>,
    /// The column that `owner` or `column` names.
    pub column: Option<Name>,
    pub setting: Option<LitStr>,
    /// The entity that `user` or `tenant` names.
    pub holder: Option<TypePath>,
    pub to: Option<Name>,
    pub on_delete: Option<OnDelete>,
    pub index: Vec<Name>,
    pub backfill: Option<LitStr>,
    pub via: Vec<Name>,
    pub bind: Vec<Name>,
    pub read: Option<Name>,
    pub soft_delete: Option<Name>,
    pub grant: Option<Vec<Granted>>,
    pub admin: Option<Vec<Granted>>,
    pub policies: Vec<ExprPath>,
    pub reason: Option<LitStr>,
    /// The keys, in the order in which they were written.
    pub keys: Vec<(Word, Span)>,
}

impl Attr {
    /// Reads all attributes of the derive on a struct.
    pub(crate) fn parse(ctxt: &Ctxt, derive: Derive, attrs: &[Attribute]) -> Self {
        let mut attr = Self::default();
        for one in attrs
            .iter()
            .filter(|attr| attr.path().is_ident(derive.attribute()))
        {
            if one.meta.require_list().is_err() {
                ctxt.error_spanned_by(
                    &one.meta,
                    format!("expected `#[{}(…)]`", derive.attribute()),
                );
                continue;
            }

            let read = one.parse_nested_meta(|meta| {
                let rest = until_comma(meta.input)?;
                if let Err(error) = attr.parse_key(derive, &meta, rest) {
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

    pub(crate) fn says(&self, word: Word) -> bool {
        self.span_of(word).is_some()
    }

    /// Where the key was written.
    pub(crate) fn span_of(&self, word: Word) -> Option<Span> {
        self.keys
            .iter()
            .find(|(key, _)| *key == word)
            .map(|(_, span)| *span)
    }

    /// Reads one key; `rest` is the tokens up to the comma.
    fn parse_key(
        &mut self,
        derive: Derive,
        meta: &ParseNestedMeta<'_>,
        rest: TokenStream,
    ) -> Result<()> {
        let word = word(derive, &meta.path)?;
        let span = meta
            .path
            .get_ident()
            .map_or_else(Span::call_site, Ident::span);

        if word != Word::Policies && self.says(word) {
            return Err(Error::new(
                span,
                format!("`{}` is given twice", word.as_str()),
            ));
        }

        self.keys.push((word, span));

        let value = Value {
            word,
            usage: derive.usage(word),
            span,
            rest,
        };

        match word {
            Word::Admin => {
                let (granted, read) = Granted::all(value.in_parentheses(Written::parse)?);
                self.admin = Some(granted);
                read?;
            }
            Word::Backfill => self.backfill = Some(value.string()?),
            Word::Bind => self.bind = value.one_or_more(Name::parse)?,
            Word::Column | Word::Owner => self.column = Some(value.name()?),
            Word::Crate => self.root = Some(value.parsed(Path::parse_mod_style)?),
            Word::Grant => {
                let (granted, read) = Granted::all(value.in_parentheses(Written::parse)?);
                self.grant = Some(granted);
                read?;
            }
            Word::Distribute
            | Word::Identity
            | Word::NoDefault
            | Word::NoForeignKey
            | Word::TableOnly => {
                value.none()?;
            }
            Word::Index => self.index = value.names()?,
            Word::OnDelete => self.on_delete = Some(OnDelete::new(&value.name()?)?),
            Word::Policies => self.policies.extend(value.one_or_more(function)?),
            Word::Read => self.read = Some(value.name()?),
            Word::Reason => self.reason = Some(value.string()?),
            Word::Setting => self.setting = Some(value.string()?),
            Word::SoftDelete => self.soft_delete = Some(value.name()?),
            Word::Tenant | Word::User => self.holder = Some(value.parsed(TypePath::parse)?),
            Word::To => self.to = Some(value.name()?),
            Word::Via => self.via = value.one_or_more(Name::parse)?,
        }

        Ok(())
    }
}

/// The word of a key, if the derive knows it.
fn word(derive: Derive, path: &Path) -> Result<Word> {
    let key = path.get_ident().map_or_else(
        || path.to_token_stream().to_string(),
        |key| key.unraw().to_string(),
    );

    let words = derive.words().iter().map(|word| word.as_str());
    let message = match Word::find(&key) {
        Some(word) if derive.knows(word) => return Ok(word),
        Some(word) => {
            let homes = Derive::ALL
                .into_iter()
                .filter(|derive| derive.knows(word))
                .map(Derive::attribute);

            let homes = quoted(homes);

            match word.counterpart().filter(|word| derive.knows(*word)) {
                Some(here) => format!("`{key}` belongs to {homes}; here it is `{}`", here.as_str()),
                None => format!("`{key}` belongs to {homes}; expected {}", list(words)),
            }
        }
        None => format!(
            "unknown key `{key}`, expected {}{}",
            list(words.clone()),
            did_you_mean(&key, words)
        ),
    };

    Err(Error::new_spanned(path, message))
}

fn function(input: ParseStream<'_>) -> Result<ExprPath> {
    value::bare_or_in_string(input, ExprPath::parse)
}

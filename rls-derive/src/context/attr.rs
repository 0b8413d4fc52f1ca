//! Reads `#[rls_context(…)]` and `#[setting(…)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, LitStr, Path, Result};

use crate::attr::{Value, until_comma};
use crate::ctxt::Ctxt;
use crate::spelling::did_you_mean;
use crate::symbol::Word;

/// The helper attribute of the struct.
pub(super) const RLS_CONTEXT: &str = "rls_context";

/// The helper attribute of a field.
pub(super) const SETTING: &str = "setting";

/// The word that leaves a field out.
const SKIP: &str = "skip";

/// The content of a field's `#[setting(…)]`.
pub(super) enum Said {
    Name(LitStr),
    Skip,
}

/// The path that `#[rls_context(crate = …)]` gives.
pub(super) fn root(ctxt: &Ctxt, attrs: &[Attribute]) -> Option<Path> {
    misplaced(ctxt, attrs, SETTING, "`#[setting(…)]` belongs on a field");

    let mut root = None;
    for attr in attrs
        .iter()
        .filter(|attr| attr.path().is_ident(RLS_CONTEXT))
    {
        if attr.meta.require_list().is_err() {
            ctxt.error_spanned_by(&attr.meta, "expected `#[rls_context(…)]`");
            continue;
        }

        let read = attr.parse_nested_meta(|meta| {
            let rest = until_comma(meta.input)?;
            match crate_path(&meta.path, rest) {
                Ok(_) if root.is_some() => {
                    ctxt.error_spanned_by(&meta.path, "`crate` is given twice");
                }
                Ok(path) => root = Some(path),
                Err(error) => ctxt.push(error),
            }

            Ok(())
        });

        if let Err(error) = read {
            ctxt.push(error);
        }
    }

    root
}

fn crate_path(key: &Path, rest: TokenStream) -> Result<Path> {
    let word = Word::Crate;
    if let Some(ident) = key.get_ident()
        && ident.unraw() == word.as_str()
    {
        return Value {
            word,
            usage: word.usage(),
            span: ident.span(),
            rest,
        }
        .parsed(Path::parse_mod_style);
    }

    let name = key.to_token_stream().to_string();
    let hint = did_you_mean(&name, [word.as_str()]);

    Err(Error::new_spanned(
        key,
        format!("unknown key `{name}`, expected `{}`{hint}", word.as_str()),
    ))
}

/// Reads the `#[setting(…)]` of a field. Reports an error, and returns `None`, if there is none, if
/// there are several or if it cannot be read.
pub(super) fn said(ctxt: &Ctxt, field: &Ident, attrs: &[Attribute]) -> Option<Said> {
    misplaced(
        ctxt,
        attrs,
        RLS_CONTEXT,
        "`#[rls_context(…)]` belongs on the struct",
    );

    let mut attrs = attrs.iter().filter(|attr| attr.path().is_ident(SETTING));
    let Some(first) = attrs.next() else {
        let name = field.unraw().to_string().to_lowercase();
        let name = if name.is_ascii() {
            name
        } else {
            "user_id".to_owned()
        };

        ctxt.error_spanned_by(
            field,
            format!(
                "`{field}` names no setting: write `#[setting(\"app.{name}\")]`, or \
                 `#[setting(skip)]` to leave the field out"
            ),
        );
        return None;
    };

    for again in attrs {
        ctxt.error_spanned_by(
            &again.meta,
            format!("`{field}` has a `#[setting(…)]` already: one field is one setting"),
        );
    }

    let read = match first.meta.require_list() {
        Ok(list) if !list.tokens.is_empty() => first.parse_args(),
        _ => Err(Error::new_spanned(&first.meta, USAGE)),
    };

    read.map_err(|error| ctxt.push(error)).ok()
}

const USAGE: &str = "expected `#[setting(\"app.tenant_id\")]` or `#[setting(skip)]`";

impl Parse for Said {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let tokens = input.cursor().token_stream();
        let said = if input.peek(LitStr) {
            Self::Name(input.parse()?)
        } else {
            match input.call(Ident::parse_any).map(|word| word.to_string()) {
                Ok(word) if word == SKIP => Self::Skip,
                Ok(word) if input.is_empty() => {
                    let hint = did_you_mean(&word, [SKIP]);
                    return Err(Error::new_spanned(
                        tokens,
                        format!("unknown word `{word}`, {USAGE}{hint}"),
                    ));
                }
                _ => return Err(Error::new_spanned(&tokens, USAGE)),
            }
        };

        if input.is_empty() {
            Ok(said)
        } else {
            Err(Error::new_spanned(input.cursor().token_stream(), USAGE))
        }
    }
}

fn misplaced(ctxt: &Ctxt, attrs: &[Attribute], name: &str, message: &str) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        ctxt.error_spanned_by(&attr.meta, message);
    }
}

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Expr, Lit, Token, parenthesized};

/// The keys of `#[name(key, key = "text", key(…))]`, over several attributes.
pub(super) struct Keys(Vec<(String, Option<String>)>);

impl Keys {
    pub(super) fn of(attributes: &[Attribute], name: &str) -> Self {
        let mut keys = Vec::new();
        for attribute in attributes {
            if !attribute.path().is_ident(name) {
                continue;
            }

            // The compiler reports what is wrong with an attribute; the keys before it count.
            let _read = attribute.parse_nested_meta(|meta| {
                let key = meta.path.to_token_stream().to_string();
                let mut text = None;

                if meta.input.peek(Token![=]) {
                    let value: Expr = meta.value()?.parse()?;
                    text = Some(match &value {
                        Expr::Lit(literal) => match &literal.lit {
                            Lit::Str(text) => text.value(),
                            other => other.to_token_stream().to_string(),
                        },
                        other => other.to_token_stream().to_string(),
                    });
                } else if meta.input.peek(syn::token::Paren) {
                    let inside;
                    parenthesized!(inside in meta.input);
                    inside.parse::<TokenStream>()?;
                }

                keys.push((key, text));
                Ok(())
            });
        }

        Self(keys)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.and_then(|(_, text)| text.as_deref())
    }
}

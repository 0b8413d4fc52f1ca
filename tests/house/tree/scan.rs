//! What a module names of its crate, by its tokens: `use`, and paths in bodies and macros.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The path of a module or of an item, by its names from the root of the crate.
pub(crate) type Names = Vec<String>;

#[derive(Default)]
pub(crate) struct Module {
    /// The file the module is in.
    pub(crate) file: String,
    /// The modules declared in it, in their order.
    pub(crate) children: Vec<String>,
    /// What it names of its crate.
    pub(crate) paths: BTreeSet<Names>,
    /// What `use` brings into it, by the name it has here.
    pub(crate) brought: BTreeMap<String, Names>,
    /// The modules in it that are files.
    pub(crate) files: Vec<Names>,
}

/// The module in a file, with those written out in it. What is for tests alone is left out.
pub(crate) fn modules(path: Names, file: &str, tokens: TokenStream) -> Vec<(Names, Module)> {
    let mut scan = Scan::default();
    scan.tokens(tokens);

    let mut module = Module {
        file: file.to_owned(),
        ..Module::default()
    };
    let mut modules = Vec::new();

    for (name, body) in scan.children {
        let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
        module.children.push(name);
        match body {
            Some(body) => modules.extend(self::modules(child, file, body)),
            None => module.files.push(child),
        }
    }

    for (name, written) in scan.paths {
        if let Some(absolute) = absolute(&path, &module.children, &written) {
            module.paths.insert(absolute.clone());
            module.brought.extend(name.map(|name| (name, absolute)));
        }
    }

    modules.push((path, module));
    modules
}

/// The path from the root; `None` if it begins in another crate.
fn absolute(module: &[String], children: &[String], written: &[String]) -> Option<Names> {
    let first = written.first()?.as_str();
    let (base, rest) = match first {
        "crate" => (0, 1),
        "self" => (module.len(), 1),
        "super" => {
            let supers = written.iter().take_while(|name| *name == "super").count();
            (module.len().checked_sub(supers)?, supers)
        }
        _ if children.contains(&written[0]) => (module.len(), 0),
        _ => return None,
    };

    Some([&module[..base], &written[rest..]].concat())
}

#[derive(Default)]
struct Scan {
    children: Vec<(String, Option<TokenStream>)>,
    /// Paths as they are written, each with the name that `use` gives it.
    paths: Vec<(Option<String>, Names)>,
}

impl Scan {
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at += self.next(&tokens[at..]);
        }
    }

    /// Reads what the tokens begin with; returns how many tokens that is.
    fn next(&mut self, tokens: &[TokenTree]) -> usize {
        let second = tokens.get(1);
        match &tokens[0] {
            TokenTree::Punct(hash) if hash.as_char() == '#' => match second {
                Some(TokenTree::Group(attribute)) if is_for_tests(attribute) => {
                    2 + item(&tokens[2..])
                }
                _ => 1,
            },
            // `$crate` is a path in the crate that calls the macro.
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => 2,
            TokenTree::Group(group) => {
                self.tokens(group.stream());
                1
            }
            TokenTree::Ident(word) if word == "mod" => {
                let (Some(TokenTree::Ident(name)), Some(body)) = (second, tokens.get(2)) else {
                    return 1;
                };
                let body = match body {
                    TokenTree::Group(body) => Some(body.stream()),
                    _ => None,
                };
                self.children.push((name.to_string(), body));
                3
            }
            TokenTree::Ident(word) if word == "use" => {
                let end = tokens
                    .iter()
                    .position(|token| is(token, ';'))
                    .unwrap_or(tokens.len());
                self.tree(&[], &tokens[1..end]);
                end + 1
            }
            TokenTree::Ident(word) if word == "crate" || word == "super" || word == "self" => {
                let path = path(tokens);
                let length = 3 * path.len() - 2;
                if path.len() > 1 {
                    self.paths.push((None, path));
                }
                length
            }
            _ => 1,
        }
    }

    /// Reads the tree of a `use`, or one of its branches.
    fn tree(&mut self, base: &[String], tokens: &[TokenTree]) {
        for branch in tokens.split(|token| is(token, ',')) {
            let mut path = base.to_vec();
            let mut name = None;

            for token in branch {
                match token {
                    TokenTree::Ident(word) if word == "as" => name = Some(String::new()),
                    TokenTree::Ident(word) if name.is_some() => name = Some(word.to_string()),
                    TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                    TokenTree::Ident(word) => path.push(word.to_string()),
                    TokenTree::Group(branches) => {
                        let branches: Vec<_> = branches.stream().into_iter().collect();
                        self.tree(&path, &branches);
                    }
                    _ => {}
                }
            }

            let is_leaf = branch
                .last()
                .is_some_and(|last| matches!(last, TokenTree::Ident(_)));
            let name = name.or_else(|| path.last().cloned()).filter(|_| is_leaf);
            self.paths.push((name, path));
        }
    }
}

/// The names of a path, up to where it is no plain path any more.
fn path(tokens: &[TokenTree]) -> Names {
    let names = tokens.chunks(3).map_while(|part| match part {
        [TokenTree::Ident(name), ..] => Some((name.to_string(), is_followed(part))),
        _ => None,
    });

    let mut path = Names::new();
    for (name, is_followed) in names {
        path.push(name);
        if !is_followed {
            break;
        }
    }

    path
}

fn is_followed(part: &[TokenTree]) -> bool {
    matches!(part, [_, one, two] if is(one, ':') && is(two, ':'))
}

/// How many tokens the item that begins here has.
fn item(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is(token, ';'),
    };
    tokens
        .iter()
        .position(is_end)
        .map_or(tokens.len(), |end| end + 1)
}

fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)"
}

fn is(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

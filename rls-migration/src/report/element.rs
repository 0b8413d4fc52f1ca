use std::fmt;

use rls_core::shown;

/// An element of HTML. Names are the program's own; every text and every attribute's value is
/// escaped here, and markup is put together nowhere else.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Element(Element),
    Text(String),
    /// The page's own style, which holds no input.
    Style(&'static str),
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            nodes: Vec::new(),
        }
    }

    /// An element with a class.
    pub(super) fn of(name: &'static str, class: &str) -> Self {
        Self::new(name).with("class", class)
    }

    pub(super) fn with(mut self, attribute: &'static str, value: impl fmt::Display) -> Self {
        self.attributes.push((attribute, value.to_string()));
        self
    }

    pub(super) fn text(mut self, text: impl fmt::Display) -> Self {
        self.nodes.push(Node::Text(text.to_string()));
        self
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        self.nodes.push(Node::Element(child));
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.nodes.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Adds a child if `condition` holds.
    pub(super) fn when(self, condition: bool, child: impl FnOnce() -> Element) -> Self {
        if condition { self.child(child()) } else { self }
    }

    pub(super) fn style(css: &'static str) -> Self {
        Self {
            name: "style",
            attributes: Vec::new(),
            nodes: vec![Node::Style(css)],
        }
    }
}

/// Elements that have no end (<https://html.spec.whatwg.org/multipage/syntax.html#void-elements>).
fn is_void(name: &str) -> bool {
    name == "meta"
}

/// Elements that end with a line break, which changes nothing that is seen.
fn is_block(name: &str) -> bool {
    !matches!(name, "code" | "strong" | "span" | "a" | "title" | "pre")
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for (attribute, value) in &self.attributes {
            write!(f, " {attribute}=\"{}\"", Escaped(value))?;
        }

        f.write_str(">")?;
        if !is_void(self.name) {
            for node in &self.nodes {
                match node {
                    Node::Element(element) => write!(f, "{element}")?,
                    Node::Text(text) => write!(f, "{}", Escaped(text))?,
                    Node::Style(css) => f.write_str(css)?,
                }
            }

            write!(f, "</{}>", self.name)?;
        }

        if is_block(self.name) {
            f.write_str("\n")
        } else {
            Ok(())
        }
    }
}

/// Text without markup, for an element or an attribute's double quotes. Characters that a document
/// must not hold, and those that are not seen, are shown by their number.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                _ => f.write_str(&shown(character.encode_utf8(&mut [0; 4])))?,
            }
        }

        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_a_text_or_an_attribute() {
        let hostile = "\"><script>alert('&')</script>\u{202e}\u{7}";
        let shown = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;\\u{202e}\\u{7}";
        let element = Element::of("code", hostile).text(hostile);

        assert_eq!(
            element.to_string(),
            format!("<code class=\"{shown}\">{shown}</code>")
        );
    }

    #[test]
    fn void_elements_have_no_end() {
        assert_eq!(
            Element::new("meta").with("charset", "utf-8").to_string(),
            "<meta charset=\"utf-8\">\n"
        );
    }
}

//! Lists as values of settings.

use std::borrow::Cow;

use super::{SettingElement, SettingType, SettingValue};

impl<T: SettingElement> SettingValue for [T] {
    const SQL_TYPE: SettingType = SettingType::Array(&T::SQL_TYPE);

    fn to_setting(&self) -> Cow<'_, str> {
        let mut text = String::from("{");
        for (position, element) in self.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }

            match element.to_element() {
                Some(element) => push_quoted(&mut text, &element),
                None => text.push_str("NULL"),
            }
        }

        text.push('}');
        Cow::Owned(text)
    }
}

impl<T: SettingElement> SettingValue for Vec<T> {
    const SQL_TYPE: SettingType = <[T]>::SQL_TYPE;

    fn to_setting(&self) -> Cow<'_, str> {
        self.as_slice().to_setting()
    }
}

impl<T: SettingElement, const N: usize> SettingValue for [T; N] {
    const SQL_TYPE: SettingType = <[T]>::SQL_TYPE;

    fn to_setting(&self) -> Cow<'_, str> {
        self.as_slice().to_setting()
    }
}

/// Within quotes, only the quote and the backslash need an escape (`array_in` in
/// `src/backend/utils/adt/arrayfuncs.c`).
fn push_quoted(text: &mut String, element: &str) {
    text.push('"');
    for character in element.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }

        text.push(character);
    }

    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_quoted_and_escaped() {
        let hostile = ["a\"b", r"a\b", "{a,b}", "NULL", "", " ", "it's", "ü"];
        assert_eq!(
            hostile.to_setting(),
            r#"{"a\"b","a\\b","{a,b}","NULL",""," ","it's","ü"}"#
        );
    }

    #[test]
    fn empty_list_is_a_value_and_none_is_not() {
        assert_eq!(Vec::<i32>::new().to_setting(), "{}");
        assert_eq!(None::<Vec<i32>>.to_setting(), "");
    }

    #[test]
    fn none_in_a_list_is_null() {
        let list: &[Option<&Option<i64>>] = &[Some(&Some(1)), Some(&None), None];
        assert_eq!(list.to_setting(), r#"{"1",NULL,NULL}"#);
    }

    #[test]
    fn list_has_the_array_type_of_its_elements() {
        assert_eq!(
            <Option<Vec<Option<bool>>>>::SQL_TYPE,
            SettingType::Array(&SettingType::Boolean)
        );
        assert_eq!(<&[&str]>::SQL_TYPE, <[String; 2]>::SQL_TYPE);
    }
}

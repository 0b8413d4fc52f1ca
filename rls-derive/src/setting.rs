//! The names of settings.

/// The rule of [`is_setting`], as a message.
pub(crate) const RULE: &str = "a setting is two or more names joined by dots, like `app.user_id`: \
                               letters, digits, `_` and `$`, no digit or `$` first, at most 63 \
                               bytes";

/// PostgreSQL cuts longer names (`NAMEDATALEN - 1`).
pub(crate) const MAX_NAME_BYTES: usize = 63;

/// PostgreSQL's `valid_custom_variable_name`, without letters beyond ASCII.
pub(crate) fn is_setting(name: &str) -> bool {
    let is_part = |part: &str| {
        let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let later = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'$';
        part.bytes().next().is_some_and(first) && part.bytes().all(later)
    };
    name.len() <= MAX_NAME_BYTES && name.contains('.') && name.split('.').all(is_part)
}

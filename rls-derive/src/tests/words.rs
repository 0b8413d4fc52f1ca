//! The words and the guesses at misspelt ones.

use crate::symbol::{Word, closest};

#[test]
fn words_are_found_by_their_own_names() {
    for word in Word::ALL {
        assert_eq!(Word::find(word.as_str()), Some(word));
        assert!(word.usage().starts_with(word.as_str()));
    }
}

#[test]
fn words_are_listed_in_order() {
    assert!(Word::ALL.is_sorted_by_key(|word| word.as_str()));
}

#[test]
fn closest_word_is_found_within_a_third_of_its_length() {
    let guess = |word| closest(word, Word::ALL.map(Word::as_str));
    assert_eq!(guess("ownr"), Some("owner"));
    assert_eq!(guess("onwer"), Some("owner"));
    assert_eq!(guess("no_foreignkey"), Some("no_foreign_key"));
    assert_eq!(guess("ondelete"), Some("on_delete"));
    assert_eq!(guess("indices"), None);
    assert_eq!(guess("tenant"), None);
    assert_eq!(guess("x"), None);
}

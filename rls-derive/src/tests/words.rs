//! The words and the guesses at misspelt ones.

use crate::derive::Derive;
use crate::spelling::closest;
use crate::symbol::Word;

#[test]
fn words_are_found_by_their_own_names() {
    for &word in Word::ALL {
        assert_eq!(Word::find(word.as_str()), Some(word));
        assert!(word.usage().starts_with(word.as_str()));
        assert!(Derive::ALL.into_iter().any(|derive| derive.knows(word)));
    }
}

#[test]
fn words_are_listed_in_order() {
    assert!(Word::ALL.is_sorted_by_key(|word| word.as_str()));
    for derive in Derive::ALL {
        assert!(
            derive.words().is_sorted_by_key(|word| word.as_str()),
            "{derive:?}"
        );
    }
}

#[test]
fn counterparts_are_each_others() {
    for &word in Word::ALL {
        assert!(
            word.counterpart()
                .is_none_or(|other| other.counterpart() == Some(word)),
            "{word:?}"
        );
    }
}

#[test]
fn closest_word_is_found_within_a_third_of_its_length() {
    let guess = |word| closest(word, Word::ALL.iter().map(|word| word.as_str()));
    assert_eq!(guess("ownr"), Some("owner"));
    assert_eq!(guess("onwer"), Some("owner"));
    assert_eq!(guess("no_foreignkey"), Some("no_foreign_key"));
    assert_eq!(guess("ondelete"), Some("on_delete"));
    assert_eq!(guess("indices"), None);
    assert_eq!(guess("tennis"), None);
    assert_eq!(guess("x"), None);
}

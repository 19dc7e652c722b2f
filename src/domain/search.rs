//! Search for a part of a text, whatever the case of its letters.
//!
//! `lower` and `ILIKE` of PostgreSQL follow the collation of the database. With `C`, a usual one, they change only ASCII letters, and
//! no collation that knows more exists in every build of PostgreSQL 14 to 18. So the program writes out the forms of each letter,
//! and the database compares characters.

use std::collections::HashMap;
use std::sync::LazyLock;

/// No character from this one on has an upper or lower case.
const CASELESS: u32 = 0x1_F000;

/// The forms of each letter that has several, by their common form.
static FORMS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut forms: HashMap<char, Vec<char>> = HashMap::new();
    for form in (0..CASELESS).filter_map(char::from_u32) {
        forms.entry(folded(form)).or_default().push(form);
    }
    forms.retain(|_, all| all.len() > 1);
    forms
});

/// A regular expression of PostgreSQL that matches this text in every case. It contains no case of its own, so that it means the same
/// under every collation.
pub fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 4);
    for letter in text.chars() {
        match FORMS.get(&folded(letter)) {
            Some(forms) => {
                pattern.push('[');
                pattern.extend(forms);
                pattern.push(']');
            }
            None => {
                if letter.is_ascii_punctuation() && letter != '_' {
                    pattern.push('\\');
                }
                pattern.push(letter);
            }
        }
    }
    pattern
}

/// Whether a text contains another one, whatever the case of their letters.
pub fn contains(text: &str, part: &str) -> bool {
    let folded = |text: &str| text.chars().map(folded).collect::<String>();
    folded(text).contains(&folded(part))
}

/// The common form of a letter in every case: `ς`, `σ` and `Σ` have the same. Letters whose other case is several letters keep theirs.
fn folded(letter: char) -> char {
    let upper = only(letter.to_uppercase()).unwrap_or(letter);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_lists_every_form_of_a_letter() {
        let cases = [
            ("1_a", "1_[Aa]"),
            ("ä", "[Ää]"),
            ("Σ", "[Σςσ]"),
            ("ß", "[ßẞ]"),
            ("я 字😀", "[Яя] 字😀"),
            ("a.b*", "[Aa]\\.[Bb]\\*"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(pattern(text), expected, "{text}");
        }
    }

    #[test]
    fn contains_ignores_case_and_nothing_else() {
        for (text, part) in [("Größe", "RÖẞE"), ("ΟΔΟΣ", "οδος"), ("οδος", "ΔΟΣ"), ("İstanbul", "STAN"), ("a", "")]
        {
            assert!(contains(text, part), "{text} contains {part}");
        }
        for (text, part) in [("a", "ä"), ("ab", "ba"), ("", "a")] {
            assert!(!contains(text, part), "{text} does not contain {part}");
        }
    }

    #[test]
    fn letters_with_a_case_are_below_the_bound() {
        assert!((CASELESS..=u32::from(char::MAX)).filter_map(char::from_u32).all(|it| folded(it) == it));
    }
}

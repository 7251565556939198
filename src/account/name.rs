//! The names of accounts, and which other names look like them.

use std::{collections::BTreeSet, str::FromStr};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::{GeneralSecurityProfile, skeleton};

use super::AccountError;
use crate::room::{Name, is_empty};

/// How many combining marks a letter may carry.
const MARKS: usize = 4;

/// How the generated names of guests begin, as skeletons.
const GUEST: [&str; 2] = ["guest", "A:GUEST"];

/// The prefix of the skeleton in capitals: no other skeleton has a capital in it.
pub(super) const CAPITALS: &str = "A:";

/// The name of an account: 2 to 32 characters after NFKC. Allowed are the characters that Unicode recommends for
/// identifiers (UTS 39) and single spaces, with at least one letter or digit. The rules of [`Name`] hold, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountName {
    name: Name,
    folded: String,
}

impl AccountName {
    /// The shortest name, in characters.
    pub const MIN_CHARS: usize = 2;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// The name with its case folded: unique.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}

impl FromStr for AccountName {
    type Err = AccountError;

    fn from_str(given: &str) -> Result<Self, AccountError> {
        // A character normalises into at most 18 bytes: a longer input is refused before it is normalised.
        if given.len() > Name::MAX_CHARS * 18 {
            return Err(AccountError::BadUser);
        }
        let name: Name =
            given.nfkc().collect::<String>().parse().map_err(|_| AccountError::BadUser)?;
        let text = name.as_str();
        let allowed = |c: char| c == ' ' || (c.identifier_allowed() && !is_invisible(c));
        let folded = fold(text);
        let fits = text.chars().count() >= Self::MIN_CHARS
            && text.chars().all(allowed)
            && text.chars().any(char::is_alphanumeric)
            && !text.contains("  ")
            && !is_heaped(text)
            && !skeleton_of(text)
                .iter()
                .any(|look| GUEST.iter().any(|guest| look.starts_with(guest)));
        if fits { Ok(Self { name, folded }) } else { Err(AccountError::BadUser) }
    }
}

/// The skeletons of a name: as written, case-folded and in capitals. Names that share one look alike. All three are
/// needed, because some letters look alike in one case only (`I` and `l`, `T` and the Cyrillic `Т`). The capitals keep
/// their case: their `I` is an `l` to the skeleton, and `ALI` must not match `ALL`.
pub(super) fn skeleton_of(name: &str) -> BTreeSet<String> {
    let name: String = name.nfkc().filter(|c| !is_invisible(*c)).collect();
    let folded = fold(&name);
    let look = |text: &str| fold(&skeleton(text).collect::<String>());
    let capitals = CAPITALS.chars().chain(skeleton(&folded.to_uppercase())).collect();
    BTreeSet::from([look(&name), look(&folded), capitals])
}

/// The same for all ways to write a name in capitals or not. By way of the capitals, so that `ß` equals `SS` and `ς`
/// equals `σ`.
fn fold(name: &str) -> String {
    let lower = |c: char| c.to_uppercase().flat_map(char::to_lowercase);
    name.nfkc().flat_map(lower).nfkc().collect()
}

/// Combining marks that hide each other: the same one twice in a row, or more than four. (UTS 39, 5.4)
fn is_heaped(name: &str) -> bool {
    let mut heap: Vec<char> = Vec::new();
    name.nfd().any(|c| {
        if !is_combining_mark(c) {
            heap.clear();
            return false;
        }
        let heaped = heap.last() == Some(&c) || heap.len() == MARKS;
        heap.push(c);
        heaped
    })
}

/// Empty characters, joiners and annotations; the skeleton drops all else that Unicode calls ignorable.
fn is_invisible(c: char) -> bool {
    is_empty(c) || matches!(c, '\u{200c}' | '\u{200d}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        !skeleton_of(a).is_disjoint(&skeleton_of(b))
    }

    #[test]
    fn names_are_normalised_and_held_to_the_rule() {
        for (given, name) in [
            ("  Ann ", "Ann"),
            ("Ａｎｎ", "Ann"),
            ("ﬁsh", "fish"),
            ("Zoe\u{308}", "Zoë"),
            ("Анна Сергеевна", "Анна Сергеевна"),
            ("O'Neil-2_x.y", "O'Neil-2_x.y"),
            ("部屋", "部屋"),
            ("ที่นี่", "ที่นี่"),
            ("Ngọc Nguyễn", "Ngọc Nguyễn"),
            (&"x".repeat(32), &"x".repeat(32)),
        ] {
            assert_eq!(given.parse::<AccountName>().unwrap().as_str(), name);
        }
        for bad in [
            "",
            "A",
            " A ",
            "a  b",
            "--",
            "a\nb",
            "a\0b",
            "An\u{ad}n",
            "An\u{200d}n",
            "\u{3164}\u{3164}",
            "\u{202e}nnA",
            "👩‍🚀👩‍🚀",
            "<b>",
            "a'; DROP TABLE accounts; --",
            "Guest 1a2b",
            "gUEST x",
            "Guеst1a2b",
            "guesт 1a2b",
            "Ann\u{301}\u{301}",
            "x\u{331}\u{302}\u{332}\u{303}\u{30b}",
            &"x".repeat(33),
            &"x".repeat(100_000),
        ] {
            assert!(matches!(bad.parse::<AccountName>(), Err(AccountError::BadUser)), "{bad:?}");
        }
    }

    #[test]
    fn names_that_would_be_taken_for_each_other_share_a_look() {
        for (name, other) in [
            ("Ann", "ANN"),
            ("Ann", "Аnn"),
            ("Oleg", "0leg"),
            ("paypal", "paypaI"),
            ("Mark", "rnark"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("Ann", "A\u{200b}n\u{ad}n\u{2800}"),
            ("Ann Lee", "Ann\u{a0}\u{2003}Lee"),
            ("Ann", "𝐀𝐧𝐧"),
            ("Иван", "ИВАН"),
            ("Tom", "ТОМ"),
            ("tom", "Том"),
            ("Tim", "ΤΙΜ"),
            ("Kim", "КІМ"),
            ("Amy", "ΑΜΥ"),
            ("Straße", "ЅТRАЅЅЕ"),
        ] {
            assert!(alike(name, other), "{name} {other:?}");
        }
        for (name, other) in [
            ("Ann", "Anna"),
            ("Ann", "Anne"),
            ("Иван", "Ivan"),
            ("Ali", "All"),
            ("ii", "ll"),
            ("Zoë", "Zoe"),
        ] {
            assert!(!alike(name, other), "{name} {other}");
        }
    }
}

//! The name under which a file is saved: RFC 6266, with RFC 8187 for what is not ASCII.

use hyper::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::room::FileName;

/// All but the `attr-char` of RFC 8187.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A file is saved and never shown in the place of a page. What is sealed is not a name for the disk.
pub(super) fn attachment(name: Option<&FileName>) -> HeaderValue {
    let plain = HeaderValue::from_static("attachment");
    let Some(name) = name.filter(|name| !name.is_sealed()) else { return plain };
    let name = name.as_str();
    // Some clients decode percent signs here, and none agree on backslashes.
    let safe = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%');
    let ascii: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, ENCODED));
    }
    HeaderValue::try_from(value).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_through_whatever_it_has() {
        for (name, value) in [
            ("cat.png", r#"attachment; filename="cat.png""#),
            ("my cat; 1.png", r#"attachment; filename="my cat; 1.png""#),
            ("50%.txt", r#"attachment; filename="50_.txt"; filename*=UTF-8''50%25.txt"#),
            ("\"a\".txt", r#"attachment; filename="_a_.txt"; filename*=UTF-8''%22a%22.txt"#),
            (
                "кот.png",
                r#"attachment; filename="___.png"; filename*=UTF-8''%D0%BA%D0%BE%D1%82.png"#,
            ),
            ("a'b(c)*", r#"attachment; filename="a'b(c)*""#),
            ("é'(*)", r#"attachment; filename="_'(*)"; filename*=UTF-8''%C3%A9%27%28%2A%29"#),
            ("sealed2.AbCd", "attachment"),
        ] {
            assert_eq!(attachment(Some(&name.parse().unwrap())), value, "{name}");
        }
        assert_eq!(attachment(None), "attachment");
    }
}

//! Lists in a cell.

/// The entries of a list, without empty ones. An entry may be quoted, with quotes doubled inside;
/// outside of quotes `escape` makes the next character a part of the entry.
pub(super) fn split(cell: &str, separator: char, escape: Option<char>) -> Vec<String> {
    let (mut entries, mut entry, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut rest = cell.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if is_quoted && rest.peek() == Some(&'"') => entry.extend(rest.next()),
            '"' if is_quoted => is_quoted = false,
            '"' if entry.trim().is_empty() => is_quoted = true,
            _ if is_quoted => entry.push(character),
            _ if escape == Some(character) && rest.peek().is_some() => entry.extend(rest.next()),
            _ if character == separator => entries.push(std::mem::take(&mut entry)),
            _ => entry.push(character),
        }
    }
    entries.push(entry);
    let entries = entries.iter().map(|it| it.trim().to_owned());
    entries.filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_may_be_quoted_or_escaped() {
        for (cell, entries) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("vip, denver ", vec!["vip", "denver"]),
            (r#""VIP","Blog, daily""#, vec!["VIP", "Blog, daily"]),
            (r#" "the ""big"" one" ,x"#, vec![r#"the "big" one"#, "x"]),
            (r"INDIE\, EGYPT, Other", vec!["INDIE, EGYPT", "Other"]),
            (r#"5" disk"#, vec![r#"5" disk"#]),
            (r#""open, end"#, vec!["open, end"]),
        ] {
            assert_eq!(split(cell, ',', Some('\\')), entries, "{cell}");
        }
        assert_eq!(split(r"a\;b,c", ';', None), [r"a\", "b,c"]);
    }
}

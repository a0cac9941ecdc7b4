use super::*;

#[test]
fn built_in_mappings_are_valid() {
    for (name, text) in BUILT_IN {
        ImportMapping::parse(name, text).expect("a valid mapping");
        assert!(text.starts_with("# "), "{name} says what it reads");
    }
}

/// Expects that a mapping is refused with these words and the line.
#[track_caller]
fn refuses(text: &str, line: usize, words: &str) {
    let refused = ImportMapping::parse("m.toml", text).expect_err("refused");
    let (message, place) = (refused.to_string(), format!("line {line}"));
    assert!(message.starts_with("m.toml: "), "{message}");
    assert!(
        message.contains(words) && message.contains(&place),
        "{line}: {message}"
    );
}

#[test]
fn a_mistake_is_named_with_its_line_and_what_would_be_right() {
    let file = "title = \"x\"\n[[file]]\ntitle = \"y\"\n";
    for (text, line, words) in [
        (
            "id = \"A\"\nkind = \"PERSON\"\nname = \"B\"\nemial = \"C\"",
            7,
            "unknown field `emial`, expected one of",
        ),
        ("id = \"A\"\nkind = \"ROBOT\"\nname = \"B\"", 5, "COMPANY"),
        (
            "id = \"A\"\nkind = \"PERSON\"",
            2,
            "has `id`, `kind` and `name`",
        ),
        ("id = \"A\"", 2, "or `groups`"),
        (
            "[[file.groups]]\ncolumn = \"A\"",
            2,
            "has `groups` with `code`",
        ),
        (
            "id = \"A\"\n[[file.groups]]\ncolumn = \"A\"\nvalues = [\"x\"]",
            5,
            "`values` go with `column` and `name`",
        ),
        (
            "id = \"A\"\n[[file.flags]]\nset = \"spam\"\nfilled = true",
            6,
            "unknown variant `spam`",
        ),
        ("id = {}", 4, "`column` or `digest`"),
        ("email = []", 4, "the name of a column is not empty"),
        ("id = { column = \"A\", prefx = \"x:\" }", 4, "`prefix`"),
        (
            "id = { column = \"A\", prefix = \"x y\" }",
            4,
            "an id with the `prefix` may hold",
        ),
        ("id = []", 4, "expected a column, or a table"),
        (
            "id = \"A\"\nkind = \"PERSON\"\nname = { join = [] }",
            6,
            "`join` has at least one",
        ),
        (
            "id = \"A\"\nkind = { column = \"K\", company = [], person = [\"P\"] }",
            5,
            "values for each",
        ),
        (
            "id = \"A\"\nkind = { column = \"K\", company = [\"x\"], person = [\"X\"] }",
            5,
            "`x` stands for `company` and for `person`",
        ),
        (
            "id = \"A\"\nkind = { column = \"K\", company_if_empty = \"X\" }",
            5,
            "or with `company_if_empty`",
        ),
        ("company = {}", 4, "`company` has `id`, `name` or both"),
        (
            "company = { prefix = \"x:\" }",
            4,
            "`company` has `id`, `name` or both",
        ),
        (
            "id = \"A\"\nkind = \"COMPANY\"\nname = \"B\"\ncompany = { id = \"C\" }",
            2,
            "`company` is of persons",
        ),
        (
            "id = \"A\"\n[[file.groups]]\nname = \" \"",
            6,
            "the name of a group is not empty",
        ),
        (
            "id = \"A\"\n[[file.groups]]\ncolumn = \"B\"\nname = \"C\"\nvalues = []",
            8,
            "at least one value",
        ),
        (
            "[[file.flags]]\nset = \"privacy_blocked\"\nfile_name = [\"\"]",
            4,
            "`file_name` has starts of names",
        ),
        (
            "[[file.flags]]\nset = \"privacy_blocked\"\ncolumn = \"A\"\nfilled = true\nclear = [\"x\"]",
            4,
            "`clear` never applies",
        ),
        (
            "id = \"A\"\nkind = \"PERSON\"\nname = \"B\"\n[[file.flags]]\nset = \"privacy_blocked\"\n\
             column = \"C\"\nvalues = [\"yes\"]\nclear = [\"Yes\", \"no\"]",
            2,
            "set and `clear` the same flag with the value `yes`",
        ),
        (
            "only = [{ column = \"A\", values = [\"x\"] }, { column = \"A\", values = [\"y\"] }]\n\
             [[file.groups]]\ncode = \"B\"",
            2,
            "two of its conditions exclude each other",
        ),
        (
            "only = [{ column = \"A\", values = [\"x\"] }]\n\
             except = [{ column = \"A\", values = [\"X\", \"y\"] }]\n[[file.groups]]\ncode = \"B\"",
            2,
            "`except` has what `only` demands",
        ),
        (
            "[[file.groups]]\ncode = \"B\"\n[[file]]\ntitle = \"z\"\n[[file.groups]]\ncode = \"B\"",
            6,
            "[[file]] `z` needs the same columns as `y`",
        ),
    ] {
        refuses(&format!("{file}{text}\n"), line, words);
    }
    for (start, line, words) in [
        (
            "codes = { \"A\" = \"A-B\" }",
            2,
            "the code `A-B` may hold letters and digits only",
        ),
        (
            "codes = { \" \" = \"AB\" }",
            2,
            "the name of a group is not empty",
        ),
        ("escape = \",\"", 2, "`escape` is another character"),
        ("separator = '\"'", 2, "`separator` is no quote"),
        ("separator = \"||\"", 2, "character"),
    ] {
        let text = format!(
            "title = \"x\"\n{start}\n[[file]]\ntitle = \"y\"\nid = \"A\"\n[[file.groups]]\ncode = \"B\"\n"
        );
        refuses(&text, line, words);
    }
    let missing = ImportMapping::of("mailchump")
        .expect_err("refused")
        .to_string();
    assert!(
        missing.contains("business-central, hubspot, listmonk, mailchimp"),
        "{missing}"
    );
}

//! YAML of values of JSON.

use serde_json::Value;

/// The value, with two spaces for each level.
pub(super) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                *text += &format!("{indent}{}:", self::key(key));
                nested(value, depth, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                *text += &format!("{indent}-");
                nested(item, depth, text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *text += &format!("{indent}{value}\n");
        }
    }
}

/// What follows a key or a dash.
fn nested(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            text.push('\n');
            write(value, depth + 1, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            write(value, depth + 1, text);
        }
        Value::String(lines) if lines.contains('\n') => {
            let indent = "  ".repeat(depth + 1);
            *text += " |-\n";
            for line in lines.lines() {
                *text += format!("{indent}{line}").trim_end();
                text.push('\n');
            }
        }
        _ => *text += &format!(" {value}\n"),
    }
}

fn key(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphabetic() || "-_./".contains(c);
    match key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_plain) {
        true => key.to_owned(),
        false => Value::from(key).to_string(),
    }
}

#[test]
fn a_value_is_written_in_lines() {
    let value = serde_json::json!({"a": {"b": [1, "x: y", {}]}, "200": "two\n\nlines"});
    let expected = "\"200\": |-\n  two\n\n  lines\na:\n  b:\n    - 1\n    - \"x: y\"\n    - {}\n";
    assert_eq!(yaml(&value), expected);
}

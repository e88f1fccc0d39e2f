//! JSON as YAML 1.2, in the plainest subset: blocks, plain words, and everything else in double quotes as JSON has it.

use serde_json::Value;

/// The whole value, ending in a newline.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Array(list) if !list.is_empty() => block(&mut out, value, 0),
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        value => {
            out.push_str(&scalar(value));
            out.push('\n');
        }
    }
    out
}

/// Writes a list or an object that is not empty, each entry on a line of its own.
fn block(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (i, (key, value)) in map.iter().enumerate() {
                // The first key of an object in a list stands behind the dash.
                if i > 0 || !out.ends_with("- ") {
                    out.push_str(&indent);
                }
                out.push_str(&word(key));
                out.push(':');
                entry(out, value, depth);
            }
        }
        Value::Array(list) => {
            for value in list {
                out.push_str(&indent);
                out.push_str("- ");
                if is_block(value) {
                    block(out, value, depth + 1);
                } else {
                    out.push_str(&scalar(value));
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

/// What follows a key.
fn entry(out: &mut String, value: &Value, depth: usize) {
    if is_block(value) {
        out.push('\n');
        block(out, value, depth + 1);
    } else {
        out.push(' ');
        out.push_str(&scalar(value));
        out.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty() && !list.iter().any(Value::is_array),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    }
}

/// What stands on one line; JSON is YAML, so a list of lists is written as JSON.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        value => value.to_string(),
    }
}

/// A text, plain when nobody could take it for anything else.
fn word(text: &str) -> String {
    const TAKEN: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let lower = text.to_ascii_lowercase();
    if first && text.chars().all(rest) && !TAKEN.contains(&lower.as_str()) && lower != "n" {
        return text.to_owned();
    }
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_indented_and_ambiguous_words_are_quoted() {
        let value = json!({
            "from": "2026-11-20T13:36:30.000Z",
            "rows": [
                { "service": "cart", "ports": [80, 81], "red": { "p50_ms": null } },
                { "service": "no", "ports": [] },
            ],
            "table": [[1, "a"]],
            "ok": true,
        });
        assert_eq!(
            yaml(&value),
            "from: \"2026-11-20T13:36:30.000Z\"\nrows:\n  - service: cart\n    ports:\n      - 80\n      - 81\n    red:\n      p50_ms: null\n  - service: \"no\"\n    ports: []\ntable: [[1,\"a\"]]\nok: true\n"
        );
        assert_eq!(yaml(&json!("a: b\n# c")), "\"a: b\\n# c\"\n");
        assert_eq!(yaml(&json!({})), "{}\n");
    }
}

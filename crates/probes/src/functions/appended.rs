//! What linkers and compilers append to a function's name: versions, and marks of code that was split or copied.

use super::PartKind;

/// A name without its version: `memcpy@@GLIBC_2.14` is `memcpy`.
pub(super) fn unversioned(name: &[u8]) -> &[u8] {
    let Some(at) = name
        .iter()
        .position(|byte| *byte == b'@')
        .filter(|at| *at > 0)
    else {
        return name;
    };
    let version = &name[at + 1..];
    let version = version.strip_prefix(b"@").unwrap_or(version);
    let is_version = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if version.is_empty() || !version.iter().all(is_version) {
        return name;
    }
    &name[..at]
}

/// A name without what the compiler appended, and what that says of the code.
pub(super) fn plain(name: &[u8]) -> (&[u8], Option<PartKind>) {
    let (mut plain, mut kind) = (unversioned(name), None);
    while let Some((before, mark)) = last_mark(plain) {
        plain = before;
        kind = kind.max(mark);
    }
    (plain, kind)
}

/// The last mark: `.cold`, or a word and a number: `.isra.0`.
fn last_mark(name: &[u8]) -> Option<(&[u8], Option<PartKind>)> {
    let (mut before, mut mark) = cut(name)?;
    if !mark.is_empty() && mark.iter().all(u8::is_ascii_digit) {
        (before, mark) = cut(before)?;
    } else if mark != b"cold" && mark != b"localalias" {
        return None;
    }
    let kind = match mark {
        b"cold" => Some(PartKind::Cold),
        b"part" => Some(PartKind::Split),
        b"isra" | b"constprop" | b"clone" | b"specialized" => Some(PartKind::Variant),
        b"lto_priv" | b"llvm" | b"localalias" | b"__uniq" => None,
        _ => return None,
    };
    (!before.is_empty()).then_some((before, kind))
}

fn cut(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    Some((&name[..dot], &name[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_marks_are_not_part_of_a_name() {
        let names = [
            ("memcpy@@GLIBC_2.14", "memcpy", None),
            ("memcpy@GLIBC_2.2.5", "memcpy", None),
            ("f.cold", "f", Some(PartKind::Cold)),
            ("f.isra.0.cold.3", "f", Some(PartKind::Cold)),
            ("f.part.0.isra.1", "f", Some(PartKind::Split)),
            ("_Z1fv.constprop.2", "_Z1fv", Some(PartKind::Variant)),
            ("f.llvm.1234567", "f", None),
            ("f.lto_priv.0", "f", None),
            ("main.init.0", "main.init.0", None),
            ("a.b", "a.b", None),
            (".cold", ".cold", None),
            ("@x", "@x", None),
            ("mail@", "mail@", None),
            ("a@b c", "a@b c", None),
        ];
        for (name, wanted, kind) in names {
            assert_eq!(plain(name.as_bytes()), (wanted.as_bytes(), kind), "{name}");
        }
    }
}

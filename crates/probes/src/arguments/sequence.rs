//! Text and lists of languages, recognised by the names of their members.

use super::{Form, Member, Type};

/// Members in members that are looked through for the pointer of a vector.
const MOST_DEPTH: usize = 8;

/// What a structure is, if it is text or a list. `element`: its first type parameter.
pub(super) fn of(
    of: &Type,
    members: &[Member],
    element: impl FnOnce() -> Option<Type>,
) -> Option<Form> {
    let member = |name: &str| members.iter().find(|member| member.name == name);
    // Rust: `&str`, `&[T]`, `Box<str>`.
    if let (Some(data), Some(length)) = (member("data_ptr"), member("length")) {
        return pointed(data, length, of.name.contains("str"));
    }
    // Rust: `Vec<T>`, and `String` around one.
    if let (Some(buffer), Some(length)) = (member("buf"), member("len"))
        && of.name.starts_with("Vec<")
    {
        return Some(Form::Sequence {
            element: Box::new(element()?),
            pointer: buffer.offset.checked_add(pointer_in(&buffer.of, 0)?)?,
            length: length.offset,
            is_text: false,
        });
    }
    if let ("String", Some(vector)) = (of.name.as_str(), member("vec"))
        && let Form::Sequence {
            element,
            pointer,
            length,
            ..
        } = &vector.of.form
    {
        return Some(Form::Sequence {
            element: element.clone(),
            pointer: vector.offset.checked_add(*pointer)?,
            length: vector.offset.checked_add(*length)?,
            is_text: true,
        });
    }
    // Go: `string`, and slices.
    if let (Some(data), Some(length)) = (member("str"), member("len")) {
        return pointed(data, length, true);
    }
    if let (Some(data), Some(length), Some(_)) = (member("array"), member("len"), member("cap")) {
        return pointed(data, length, false);
    }
    cpp(members, element)
}

/// `std::basic_string` and `std::basic_string_view` of libstdc++.
fn cpp(members: &[Member], element: impl FnOnce() -> Option<Type>) -> Option<Form> {
    let find = |name: &str| members.iter().find(|member| member.name == name);
    let (pointer, length) = match (find("_M_dataplus"), find("_M_str")) {
        (Some(data), _) => (data, find("_M_string_length")?),
        (None, Some(data)) => (data, find("_M_len")?),
        (None, None) => return None,
    };
    let element = element()?;
    let is_text = element.bytes == 1;
    Some(Form::Sequence {
        element: Box::new(element),
        pointer: pointer.offset,
        length: length.offset,
        is_text,
    })
}

fn pointed(data: &Member, length: &Member, is_text: bool) -> Option<Form> {
    let Form::Pointer(Some(element)) = &data.of.form else {
        return None;
    };
    Some(Form::Sequence {
        element: element.clone(),
        pointer: data.offset,
        length: length.offset,
        is_text: is_text && element.bytes == 1,
    })
}

/// Where the first pointer in a structure is.
fn pointer_in(of: &Type, depth: usize) -> Option<u64> {
    match &of.form {
        Form::Pointer(_) => Some(0),
        Form::Structure(members) if depth < MOST_DEPTH => members.iter().find_map(|member| {
            member
                .offset
                .checked_add(pointer_in(&member.of, depth + 1)?)
        }),
        _ => None,
    }
}

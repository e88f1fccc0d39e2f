//! Types as far as values of them are read and shown.

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// Its name in the source.
    pub name: String,
    /// How large a value is, bytes.
    pub bytes: u64,
    /// What a value is.
    pub form: Form,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A number that may be negative.
    Signed,
    /// One that may not.
    Unsigned,
    /// A register: nothing is known of what is in it.
    Raw,
    /// True or false.
    Bool,
    /// A character.
    Character,
    /// A number with a fraction.
    Float,
    /// An address; of what, where that was followed.
    Pointer(Option<Box<Type>>),
    /// One of these numbers, which have names.
    Choice(Vec<(i64, String)>),
    /// Several values one behind the other; of a union, in the same place.
    Structure(Vec<Member>),
    /// One of several values, by a number before or in them.
    Variants {
        /// Where the number is, and how many bytes it has.
        tag: (u64, u64),
        /// The values.
        all: Vec<Variant>,
    },
    /// As many values of the same type.
    Array(Box<Type>, u64),
    /// An address and a number of elements: text, lists, slices.
    Sequence {
        /// What is in it.
        element: Box<Type>,
        /// Where the address is.
        pointer: u64,
        /// Where the number is.
        length: u64,
        /// Whether the bytes are text.
        is_text: bool,
    },
    /// Something else.
    Unknown,
}

/// A member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it begins, bytes.
    pub offset: u64,
    /// Its type.
    pub of: Type,
}

/// One of the values of an enum with values.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The tag; `None`: all that no other one has.
    pub tag: Option<u64>,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub members: Vec<Member>,
}

/// A number in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar {
    pub offset: u64,
    pub bytes: u64,
    pub is_float: bool,
}

/// Most numbers in a value that is passed in registers; more are not in registers in any language.
const MOST_SCALARS: usize = 64;

impl Type {
    /// Of a register without a type.
    pub(super) fn raw() -> Self {
        Self {
            name: String::new(),
            bytes: 8,
            form: Form::Raw,
        }
    }

    pub(super) fn unknown() -> Self {
        Self {
            name: "?".to_owned(),
            bytes: 0,
            form: Form::Unknown,
        }
    }

    /// All numbers in it. `None`: not known, or too many.
    pub(super) fn scalars(&self) -> Option<Vec<Scalar>> {
        let mut scalars = Vec::new();
        self.flatten(0, &mut scalars)?;
        Some(scalars)
    }

    fn flatten(&self, offset: u64, into: &mut Vec<Scalar>) -> Option<()> {
        if self.bytes == 0 && self.form != Form::Unknown {
            return Some(());
        }
        let mut push = |offset: u64, bytes: u64, is_float: bool| {
            (into.len() < MOST_SCALARS).then(|| {
                into.push(Scalar {
                    offset,
                    bytes,
                    is_float,
                })
            })
        };
        match &self.form {
            Form::Unknown => None,
            Form::Float => push(offset, self.bytes, true),
            Form::Sequence {
                pointer, length, ..
            } => {
                push(offset.checked_add(*pointer)?, 8, false)?;
                push(offset.checked_add(*length)?, 8, false)?;
                // The capacity of a vector, or of a Go slice.
                let third = 24u64.checked_sub(pointer.checked_add(*length)?);
                match (self.bytes, third) {
                    (24, Some(third)) => push(offset.checked_add(third)?, 8, false),
                    (24.., _) => None,
                    _ => Some(()),
                }
            }
            Form::Structure(members) => members
                .iter()
                .try_for_each(|m| m.of.flatten(offset.checked_add(m.offset)?, into)),
            Form::Array(element, count) => (0..*count).try_for_each(|number| {
                element.flatten(
                    offset.checked_add(number.checked_mul(element.bytes)?)?,
                    into,
                )
            }),
            Form::Variants { .. } => None,
            _ => push(offset, self.bytes, false),
        }
    }

    /// Whether a value is one number, which may be signed.
    pub(super) fn number(&self) -> Option<(u8, bool)> {
        let is_signed = match &self.form {
            Form::Signed | Form::Raw => true,
            Form::Choice(names) => names.iter().any(|(number, _)| *number < 0),
            Form::Unsigned | Form::Bool | Form::Character | Form::Pointer(_) => false,
            _ => return None,
        };
        (1..=8)
            .contains(&self.bytes)
            .then_some((self.bytes as u8, is_signed))
    }
}

/// What is behind the tag of all variants, where they agree in it: its name and type by the first that has it.
pub(super) fn payload(all: &[Variant], tag: u64) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for member in all.iter().flat_map(|variant| &variant.members) {
        let same = members
            .iter_mut()
            .find(|other| other.offset == member.offset);
        match same {
            Some(other) if other.of.name != member.of.name => other.of = Type::raw(),
            Some(_) => {}
            None if member.offset != tag || member.of.bytes > 8 => members.push(member.clone()),
            None => {}
        }
    }
    members
}

/// The tag alone.
pub(super) fn tag(of: &Type, all: &[Variant]) -> Type {
    let bare = |variant: &Variant| Variant {
        members: Vec::new(),
        ..variant.clone()
    };
    let bytes = match &of.form {
        Form::Variants { tag, .. } => tag.1,
        _ => 0,
    };
    Type {
        name: of.name.clone(),
        bytes,
        form: Form::Variants {
            tag: (0, bytes),
            all: all.iter().map(bare).collect(),
        },
    }
}

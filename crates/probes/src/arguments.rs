//! What a function is called with and what it gives back: names and types from debug information, and how the kernel
//! program reads each value ([`Take`]) where the function begins or ends. What was read becomes text here ([`show()`]).
//!
//! Where a value is comes from the debug information when that holds for the first instruction, else from the calling
//! convention of the language. Without debug information there are the six registers of the calling convention.

mod build;
mod convention;
mod enums;
mod find;
mod go;
mod info;
mod kept;
mod location;
mod pointers;
mod read;
mod rust;
mod sequence;
mod show;
mod split;
mod system_v;
mod types;
mod words;

pub use find::Signatures;
pub use show::{OPTIMISED_OUT, UNREADABLE, show};
pub use types::{Form, Member, Type, Variant};

use crate::abi::calls::{Take, how};

/// Arguments of one function, at most.
pub const MOST_ARGUMENTS: usize = 32;
/// Longest name of an argument or type, bytes.
pub const MOST_NAME_BYTES: usize = 256;
/// Words of one argument that can be compared, at most.
pub const MOST_WORDS: usize = 32;

/// A value that a function gets or gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its name in the source, or `arg0` and so on; `ret` for what is given back. A value that is in two registers is two
    /// arguments, named by their members.
    pub name: String,
    /// Its type in the source.
    pub type_name: String,
    /// How it is read.
    pub take: Result<Take, Gone>,
    /// What the bytes are that are read.
    pub of: Type,
    /// What of it can be compared.
    pub words: Vec<Word>,
}

/// A number in an argument, which a condition can be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Empty for the argument itself, else the name of its member.
    pub member: String,
    /// How it is read: [`how::WORD`].
    pub take: Take,
    /// How many of its low bytes count.
    pub bytes: u8,
    /// Whether it may be negative.
    pub is_signed: bool,
}

/// Why a value is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// The compiler did away with it.
    #[error("optimised out")]
    OptimisedOut,
    /// It is in a register for floating point, which kernel programs do not see.
    #[error("in a floating point register")]
    Float,
    /// Where it is cannot be told.
    #[error("not where it can be read")]
    Nowhere,
}

/// What a function gets and gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signature {
    /// What it is called with, in order.
    pub arguments: Vec<Argument>,
    /// What it gives back, to be read where it returns; not where it jumps to another function, which has given nothing
    /// yet. None where it gives nothing.
    pub returns: Vec<Argument>,
    /// Whether debug information says so; else these are plain registers.
    pub is_typed: bool,
}

impl Signature {
    /// Registers that the arguments are read by, as in [`crate::sites::Wanted::registers`].
    pub fn registers(&self) -> u16 {
        let takes = self
            .arguments
            .iter()
            .filter_map(|argument| argument.take.as_ref().ok());
        let words = self.arguments.iter().flat_map(|argument| &argument.words);
        let all = takes.chain(words.map(|word| &word.take));
        let bit = |register: u8| if register < 16 { 1 << register } else { 0 };
        all.fold(0, |bits, take| {
            let is_counted = take.how == how::COUNTED && take.is_inside == 0;
            let length = if is_counted {
                bit(take.length_register)
            } else {
                0
            };
            bits | bit(take.register) | length
        })
    }
}

/// DWARF numbers of registers by the System V calling convention: arguments, and what is given back.
pub(crate) const ARGUMENTS: [u8; 6] = [5, 4, 1, 2, 8, 9];
pub(crate) const RETURNED: [u8; 2] = [0, 1];
/// The same for Go, both ways: rax, rbx, rcx, rdi, rsi, r8 to r11.
pub(crate) const GO: [u8; 9] = [0, 3, 2, 5, 4, 8, 9, 10, 11];

/// What is known of a function without debug information.
pub fn registers(is_go: bool) -> Signature {
    let (arguments, returned) = match is_go {
        true => (&GO[..6], &GO[..1]),
        false => (&ARGUMENTS[..], &RETURNED[..1]),
    };
    let argument =
        |(number, register): (usize, &u8)| register_named(format!("arg{number}"), *register);
    Signature {
        arguments: arguments.iter().enumerate().map(argument).collect(),
        returns: returned
            .iter()
            .map(|register| register_named("ret".to_owned(), *register))
            .collect(),
        is_typed: false,
    }
}

fn register_named(name: String, register: u8) -> Argument {
    let take = Take {
        how: how::WORD,
        register,
        ..Take::NOTHING
    };
    // Whether a number of four bytes is meant only the person knows; what is above it is anything then.
    let word = |(member, bytes, is_signed): (&str, u8, bool)| Word {
        member: member.to_owned(),
        take,
        bytes,
        is_signed,
    };
    Argument {
        name,
        type_name: String::new(),
        take: Ok(take),
        of: Type::raw(),
        words: [("", 8, true), ("i32", 4, true), ("u32", 4, false)]
            .map(word)
            .to_vec(),
    }
}

/// At most so much of a name.
fn cut(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(MOST_NAME_BYTES));
    name
}

/// Longest text of a value, bytes: members of members with their names.
pub const MOST_SHOWN_BYTES: usize = 64 * 64 * 2 * MOST_NAME_BYTES;
/// Functions of a program that are looked at by [`fuzz`].
const MOST_FUZZED: usize = 24;

/// Any bytes are a program whose functions have sites and arguments, or not.
pub fn fuzz(bytes: &[u8]) {
    use crate::sites::{Program, Wanted, plan};
    use crate::symbols::{Files, Sources};
    let Ok(file) = crate::symbols::memory(bytes) else {
        return;
    };
    let Ok(files) = Files::open(&file, Some(&file), None) else {
        return;
    };
    let Ok(sources) = Sources::of(&files) else {
        return;
    };
    let (program, signatures) = (Program::of(&sources), Signatures::of(&sources));
    for extent in program.extents().take(MOST_FUZZED) {
        let signature = signatures.of_function(extent.start, false);
        let wanted = Wanted {
            registers: signature.registers(),
            end: true,
        };
        if let Ok(function) = program.function(extent.start)
            && let Ok(plan) = plan(&function, &program, true, wanted)
        {
            assert!((extent.start..extent.end).contains(&plan.entry.address));
        }
        assert!(signature.arguments.len() <= MOST_ARGUMENTS);
        for argument in signature.arguments.iter().chain(&signature.returns) {
            assert!(argument.words.len() <= MOST_WORDS);
            let value = &bytes[..bytes.len().min(64)];
            assert!(show(argument, Some(value), 70).len() < MOST_SHOWN_BYTES);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Questions about one program: as long as it is the same, what was read of it is kept.

use super::super::sources::{Files, Sources};
use super::super::wire::{Answer, Kind, MOST_NAMED_BYTES, files};
use super::super::{Missing, Symbolizer};
use super::{Asked, REQUEST_TIME, ServeError, Socket, all, receive, refusal, send};
use crate::elf::ElfError;
use crate::functions::{Found, Function, Functions};
use crate::probeable::find;
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// For so long debug information is read for the functions of a program.
const READ_TIME: Duration = Duration::from_secs(10);
/// For so long functions are searched.
const SEARCH_TIME: Duration = Duration::from_secs(3);

/// Answers while questions are about the program of the first; gives the first about something else.
pub(super) fn serve(socket: &Socket<'_>, mut asked: Asked) -> Result<Option<Asked>, ServeError> {
    let (file, mut until) = (asked.request.file, Instant::now() + REQUEST_TIME);
    let files = match open(&asked) {
        Ok(files) => files,
        Err(missing) => return refuse(socket, missing),
    };
    let sources = match Sources::of(&files) {
        Ok(sources) => sources,
        Err(ElfError::OtherMachine) => return refuse(socket, Missing::OtherMachine),
        Err(_) => return refuse(socket, Missing::Corrupt),
    };
    let (names, functions) = (OnceCell::new(), OnceCell::new());
    loop {
        let symbolizer = || names.get_or_init(|| Symbolizer::new(&sources));
        let answer = match asked.request.kind {
            Kind::Functions => {
                let read = || Functions::of(&sources, Instant::now() + READ_TIME);
                Answer::Found(found(functions.get_or_init(read), &asked, symbolizer))
            }
            Kind::Probe => {
                let read = || Functions::of(&sources, Instant::now() + READ_TIME);
                let functions = functions.get_or_init(read);
                let until = Instant::now() + REQUEST_TIME;
                Answer::Probeables(find(&sources, functions, &asked.request.probe, until))
            }
            _ => {
                let (symbolizer, addresses) = (symbolizer(), &asked.request.addresses);
                Answer::Named(all(addresses, until, |at| symbolizer.find(at)))
            }
        };
        files.forget();
        send(socket, &answer)?;
        match receive(socket)? {
            Some(next) if is_of(&next, file) => {
                (asked, until) = (next, Instant::now() + REQUEST_TIME);
            }
            next => return Ok(next),
        }
    }
}

fn is_of(asked: &Asked, file: u64) -> bool {
    let is_kept = matches!(
        asked.request.kind,
        Kind::Names | Kind::Functions | Kind::Probe
    );
    is_kept && asked.request.file == file
}

/// Functions by name, as many as an answer may have bytes.
fn found<'a>(
    functions: &Functions<'_>,
    asked: &Asked,
    symbolizer: impl Fn() -> &'a Symbolizer<'a>,
) -> Found {
    let search = &asked.request.search;
    let until = Instant::now() + SEARCH_TIME;
    let mut found = functions.search(&search.pattern, search.limit as usize, until);
    if found.functions.iter().any(needs_line) && !has_no_lines(found.missing) {
        let symbolizer = symbolizer();
        let functions = found.functions.iter_mut();
        functions.for_each(|one| add_line(one, symbolizer));
    }
    cut(&mut found);
    found
}

fn needs_line(function: &Function) -> bool {
    function.line.is_none() && function.address.is_some()
}

fn has_no_lines(missing: Option<Missing>) -> bool {
    matches!(missing, Some(Missing::NoDebugInfo | Missing::NoSymbols))
}

/// Debug information that is made small has lines of code but none of declarations.
fn add_line(function: &mut Function, symbolizer: &Symbolizer<'_>) {
    let address = function.address.filter(|_| needs_line(function));
    let named = address.map(|address| symbolizer.find(address));
    let frame = named.and_then(|named| named.frames.into_iter().next());
    if let Some(frame) = frame.filter(|frame| frame.line.is_some()) {
        (function.file, function.line) = (frame.file, frame.line);
    }
}

/// Leaves as many functions as an answer may have bytes.
fn cut(found: &mut Found) {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let size = |one: &Function| {
        let names = one.inlined.names.iter().map(String::len).sum::<usize>();
        one.name.len() + text(&one.linkage) + text(&one.alias) + text(&one.file) + names
    };
    let mut bytes = 0;
    let mut fits = |one: &Function| {
        bytes += size(one);
        bytes <= MOST_NAMED_BYTES
    };
    let count = found
        .functions
        .iter()
        .map_while(|one| fits(one).then_some(()))
        .count();
    found.functions.truncate(count);
}

fn open(asked: &Asked) -> Result<Files, Missing> {
    let main = asked.file(files::MAIN).ok_or(Missing::Corrupt)?;
    let opened = Files::open(main, asked.file(files::DEBUG), asked.file(files::SHARED));
    opened.map_err(|error| refusal(&error))
}

fn refuse(socket: &Socket<'_>, missing: Missing) -> Result<Option<Asked>, ServeError> {
    send(socket, &Answer::Refused(missing))?;
    receive(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::Inlined;

    #[test]
    fn an_answer_that_is_too_long_is_cut_and_says_how_many_there_are() {
        let function = Function {
            name: "n".repeat(2048),
            linkage: Some("l".repeat(4096)),
            file: Some("f".repeat(1024)),
            inlined: Inlined {
                names: vec!["i".repeat(2048); 8],
                ..Inlined::default()
            },
            ..Function::default()
        };
        let mut found = Found {
            functions: vec![function; 1000],
            total: 5000,
            ..Found::default()
        };
        cut(&mut found);
        assert_eq!((found.functions.len(), found.total), (712, 5000));
        assert!(Answer::Found(found).encode().len() < MOST_NAMED_BYTES + (1 << 20));
    }
}

//! A command that asks the colony: once, or again and again with `--watch`.

use super::say::{print, written};
use crate::args::{Global, Output};
use crate::client;
use crate::failure::{Code, Failure};
use crate::place::Place;
use coral_model::{Answer, Question};
use coral_report::{Report, TableStyle};
use jiff::tz::TimeZone;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Goes to the first corner and clears what follows: less flicker than clearing first.
const TO_THE_TOP: &str = "\x1b[H\x1b[2J";

/// Asks and prints.
pub(super) async fn answer(
    place: &Place,
    question: &Question,
    global: &Global,
    all: bool,
) -> Result<(), Failure> {
    match global.watch {
        Some(seconds) => watch(place, question, global.output, all, seconds).await,
        None => {
            let answer = client::ask(place, question).await?;
            if global.output == Output::Table
                && let Some(note) = super::kept::note(question, &answer, &TimeZone::system())
            {
                eprintln!("{note}");
            }
            print(&form(&answer, global.output, all)?).map(drop)
        }
    }
}

/// Asks until Ctrl-C or the end of the reader. A colony that is away is waited for; anything else ends it.
async fn watch(
    place: &Place,
    question: &Question,
    output: Output,
    all: bool,
    seconds: u32,
) -> Result<(), Failure> {
    let pause = Duration::from_secs(seconds.into());
    let screen = output == Output::Table && std::io::stdout().is_terminal();
    let mut first = true;
    loop {
        let next = Instant::now() + pause;
        match client::ask(place, question).await {
            Ok(answer) => {
                let text = form(&answer, output, all)?;
                let text = apart(&text, output, screen, first);
                if !print(&text)? {
                    return Ok(());
                }
                first = false;
            }
            Err(failure) if failure.code == Code::NotReachable && !first => failure.print(output),
            Err(failure) => return Err(failure),
        }
        sleep_until(next).await;
    }
}

/// One answer among several: a new screen, a document, a line, or rows without their head.
fn apart(text: &str, output: Output, screen: bool, first: bool) -> String {
    match output {
        Output::Table if screen => format!("{TO_THE_TOP}{text}"),
        Output::Table | Output::Md if first => text.to_owned(),
        Output::Table | Output::Md => format!("\n{text}"),
        Output::Yaml => format!("---\n{text}"),
        Output::Csv if !first => text.split_inclusive('\n').skip(1).collect(),
        Output::Csv | Output::Folded | Output::Svg | Output::Pprof => text.to_owned(),
        // One answer a line, so that a reader knows where it ends.
        Output::Json => serde_json::from_str::<serde_json::Value>(text)
            .map_or_else(|_| text.to_owned(), |value| format!("{value}\n")),
    }
}

/// Prints an answer.
pub(super) fn shown(answer: &Answer, output: Output, all: bool) -> Result<(), Failure> {
    print(&form(answer, output, all)?).map(drop)
}

fn form(answer: &Answer, output: Output, all: bool) -> Result<String, Failure> {
    if output == Output::Csv {
        return coral_report::csv(answer)
            .map_err(|e| Failure::failed(format!("write CSV: {e}"), ""));
    }
    written(&Report::from(answer), output, || {
        let zone = TimeZone::system();
        coral_report::table(answer, &TableStyle { zone, all })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_in_every_form() {
        assert_eq!(apart("x\n", Output::Table, false, false), "\nx\n");
        assert!(apart("x\n", Output::Table, true, true).ends_with("Jx\n"));
        assert_eq!(
            apart("a,b\r\n1,2\r\n", Output::Csv, false, false),
            "1,2\r\n"
        );
        assert_eq!(
            apart("{\n  \"a\": 1\n}\n", Output::Json, false, true),
            "{\"a\":1}\n"
        );
        assert_eq!(apart("a: 1\n", Output::Yaml, false, true), "---\na: 1\n");
    }
}

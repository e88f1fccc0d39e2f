//! Runs the engine over a folder of incident bundles with `truth.json` beside them, or with `--synthetic` over synthetic
//! incidents of held-out seeds. Prints a table and, as its last line, one JSON object.

mod bundles;
mod made;

use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let found = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--synthetic"] => Ok(made::run(made::HELD_OUT)),
        ["--synthetic", "tuning"] => Ok(made::run(made::TUNING)),
        [folder] => bundles::run(Path::new(folder)),
        _ => Err("usage: bench_diagnose FOLDER | --synthetic [tuning]".to_owned()),
    };
    match found {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}

/// To so many digits.
fn rounded(value: f64) -> Value {
    ((value * 1e4).round() / 1e4).into()
}

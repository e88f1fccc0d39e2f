//! `coral`: the console and every command. All of it is in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(report) = color_eyre::install() {
        eprintln!("coral: {report}");
    }
    coral_tui::main(std::env::args_os())
}

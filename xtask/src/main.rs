//! `cargo xtask`: sets the machine up, runs the demo and the tests, builds the kernel programs and keeps the house tidy.
//! Everybody compiles this first, so it uses std and serde_json only and leaves work to the machine's own programs.

mod arguments;
mod bench;
mod demo;
mod ebpf;
mod failure;
mod generated;
mod house;
mod program;
mod setup;
mod steps;
mod suites;
mod tidy;
mod vm;

use arguments::Arguments;
use failure::Failure;
use std::process::ExitCode;

const USAGE: &str = "cargo xtask COMMAND

  setup                    find or fetch what a build needs (libduckdb)
  ebpf [--check]           build the kernel programs into crates/probes/object, or check that they are current
  gen [--check]            write the generated files that are committed, or check that they are current
  tidy [--aims]            check sizes, headers, crate edges and forbidden names; --aims lists what is above the aim
  test [--full] [NAME..]   run the suites of xtask/suites.toml
  demo [--fault NAME]      the console over the demo application, in a colony of its own that goes away with it
       [--headless --seconds N -o json]   watch instead, and print services, edges and loss
  vm [--kernel 6.1].. [--matrix]   load the kernel programs on Debian's kernels in qemu and count one request
  bench NAME [--seconds N] [--rounds N]   measure red, overhead or agent; writes docs/benchmarks/NAME.md";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.code()
        }
    }
}

fn run(mut words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let command = words.next().unwrap_or_default();
    let arguments = Arguments::new(&command, words);
    match command.as_str() {
        "setup" => setup::command(arguments),
        "ebpf" => ebpf::command(arguments),
        "gen" => generated::command(arguments),
        "tidy" => tidy::command(arguments),
        "test" => suites::command(arguments),
        "demo" => demo::command(arguments),
        "vm" => vm::command(arguments),
        "bench" => bench::command(arguments),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        "" => Err(Failure::usage(USAGE)),
        other => Err(Failure::usage(format!(
            "there is no command `{other}`\n\n{USAGE}"
        ))),
    }
}

//! `coral profile`: where the time goes, in every form that tools read: of samples that are always taken, or of finer ones
//! that are taken from now on.

use super::ask::{answer, shown};
use super::say::print_bytes;
use crate::args::{CpuProfile, Global, Output};
use crate::client::{self, wants};
use crate::console::finer::{HZ, LEASE, SETTLES};
use crate::failure::Failure;
use crate::place::Place;
use coral_model::profile::{Flame, ProfileKind, Target};
use coral_model::want::{LEASE_MAX, session};
use coral_model::{Answer, AnswerBody, Question, Span, TimeNs, Want, Window};
use coral_report::flame;
use jiff::tz::TimeZone;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is asked how far a finer profile is.
const STEP: Duration = Duration::from_millis(500);

/// Asks for the profile and prints it.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(
    place: &Place,
    options: CpuProfile,
    span: Span,
    now: TimeNs,
    global: &Global,
) -> Result<(), Failure> {
    if options.duration.is_some() || options.hz.is_some() {
        return take(place, &options, now, global).await;
    }
    let diff = options.diff.map(|d| d.resolve(now, &TimeZone::system()));
    let question = Question::Profile {
        span,
        target: target(&options),
        kind: ProfileKind::Cpu,
        session: 0,
        compare: diff.transpose()?,
    };
    if !global.output.is_of_profiles() {
        return answer(place, &question, global, true).await;
    }
    let answer = client::ask(place, &question).await?;
    print_as(&answer, &target(&options), global.output)
}

fn target(options: &CpuProfile) -> Target {
    Target {
        service: options.service.clone(),
        host: options.host.clone(),
        pid: options.pid,
    }
}

/// Has finer samples taken, says how far they are, and shows them.
async fn take(
    place: &Place,
    options: &CpuProfile,
    now: TimeNs,
    global: &Global,
) -> Result<(), Failure> {
    let (lease, hz) = (options.duration.unwrap_or(LEASE), options.hz.unwrap_or(HZ));
    if lease > LEASE_MAX {
        let hint = "the samples that are always taken reach back: --since 1d";
        return Err(Failure::usage(
            "a finer profile lasts at most an hour",
            hint,
        ));
    }
    let id = format!("profile/{}/{}", now.0, std::process::id());
    let question = |to: TimeNs| Question::Profile {
        span: Span::Between(Window { from: now, to }),
        target: target(options),
        kind: ProfileKind::Cpu,
        session: session(&id),
        compare: None,
    };
    // A service or host that nobody knows is said before anything is taken.
    client::ask(place, &question(super::now())).await?;
    let want = Want::Profile {
        target: target(options),
        hz,
        lease,
    };
    wants::put_at(place, &id, &want).await?;
    follow(place, &id, lease, &question).await?;
    let answer = client::ask(place, &question(super::now())).await?;
    if global.output.is_of_profiles() {
        return print_as(&answer, &target(options), global.output);
    }
    shown(&answer, global.output, true)
}

/// Says how far the wish is, until it is over or somebody ends it.
async fn follow(
    place: &Place,
    id: &str,
    lease: Duration,
    question: impl Fn(TimeNs) -> Question,
) -> Result<(), Failure> {
    let (start, mut interrupts) = (Instant::now(), super::interrupts()?);
    let progress = Progress::new();
    while start.elapsed() < lease + SETTLES {
        tokio::select! {
            () = sleep(STEP) => {}
            _ = interrupts.recv() => {
                withdraw(place, id).await?;
                sleep(SETTLES.min(Duration::from_secs(2))).await;
                break;
            }
        }
        let answer = client::ask(place, &question(super::now())).await?;
        let state = refused(place, id).await?;
        progress.say(samples(&answer), start.elapsed().min(lease), lease, &state);
    }
    Ok(())
}

/// What agents say of the wish while none of them has taken it; a refusal is the end.
async fn refused(place: &Place, id: &str) -> Result<String, Failure> {
    let all = wants::list(client::connect(place).await?).await?;
    let Some(wish) = all.into_iter().find(|wish| wish.id == id) else {
        return Ok(String::new());
    };
    match wish.state.as_str() {
        "refused" => Err(Failure::failed(
            format!("the agent takes no profile: {}", wish.reason),
            "`coral status` shows what is missing there",
        )),
        "attached" => Ok(String::new()),
        _ => Ok(wish.reason),
    }
}

async fn withdraw(place: &Place, id: &str) -> Result<(), Failure> {
    wants::withdraw(client::connect(place).await?, id).await
}

fn samples(answer: &Answer) -> u64 {
    match &answer.body {
        AnswerBody::Profile(flame) => flame.samples,
        _ => 0,
    }
}

/// One line on the terminal that changes, and is gone with this; nothing where there is none.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self {
            shown: std::io::stderr().is_terminal(),
        }
    }

    fn say(&self, samples: u64, elapsed: Duration, lease: Duration, state: &str) {
        if self.shown {
            let (elapsed, lease) = (elapsed.as_secs(), lease.as_secs());
            let state = match state {
                "" => String::new(),
                state => format!(" · {state}"),
            };
            let ends = "Ctrl-C ends it and shows what there is";
            eprint!("\r\x1b[K{elapsed} of {lease} s, {samples} samples{state} · {ends}");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

fn print_as(answer: &Answer, target: &Target, output: Output) -> Result<(), Failure> {
    let AnswerBody::Profile(flame) = &answer.body else {
        return Err(Failure::failed("the colony answered another question", ""));
    };
    print_bytes(&form(answer, flame, target, output)?).map(drop)
}

fn form(
    answer: &Answer,
    flame: &Flame,
    target: &Target,
    output: Output,
) -> Result<Vec<u8>, Failure> {
    Ok(match output {
        Output::Svg => {
            let title = format!("{}: time on the processors", target.text());
            flame::svg(flame, &title)
                .map_err(|e| Failure::failed(e.to_string(), "a longer --since may hold some"))?
        }
        Output::Pprof => flame::pprof(answer, flame),
        _ => flame::folded(flame).into_bytes(),
    })
}

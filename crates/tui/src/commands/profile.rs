//! `coral profile`: where the time goes, in every form that tools read.

use super::ask::answer;
use super::say::print_bytes;
use crate::args::{CpuProfile, Global, Output};
use crate::client;
use crate::failure::Failure;
use crate::place::Place;
use coral_model::profile::{Flame, ProfileKind};
use coral_model::{Answer, AnswerBody, Question, Span, TimeNs};
use coral_report::flame;
use jiff::tz::TimeZone;

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
    let diff = options.diff.map(|d| d.resolve(now, &TimeZone::system()));
    let question = Question::Profile {
        span,
        service: options.service.clone(),
        kind: ProfileKind::Cpu,
        session: 0,
        compare: diff.transpose()?,
    };
    if !global.output.is_of_profiles() {
        return answer(place, &question, global, true).await;
    }
    let answer = client::ask(place, &question).await?;
    let AnswerBody::Profile(flame) = &answer.body else {
        return Err(Failure::failed("the colony answered another question", ""));
    };
    print_bytes(&form(&answer, flame, &options.service, global.output)?).map(drop)
}

fn form(answer: &Answer, flame: &Flame, service: &str, output: Output) -> Result<Vec<u8>, Failure> {
    Ok(match output {
        Output::Svg => {
            let title = format!("{service}: time on the processors");
            flame::svg(flame, &title)
                .map_err(|e| Failure::failed(e.to_string(), "a longer --since may hold some"))?
        }
        Output::Pprof => flame::pprof(answer, flame),
        _ => flame::folded(flame).into_bytes(),
    })
}

//! Snapshots of every report: the JSON that scripts rely on, and the tables that people read.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod diagnosis;
mod fixture;

use coral_model::{Answer, Loss};
use coral_report::{Report, TableStyle, table};
use jiff::tz::TimeZone;

fn text(answer: &Answer, all: bool) -> String {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    table(answer, &TableStyle { zone, all })
}

fn json(answer: &Answer) -> String {
    serde_json::to_string_pretty(&Report::from(answer)).unwrap()
}

#[test]
fn json_of_each_answer() {
    insta::assert_snapshot!("status_json", json(&fixture::status()));
    insta::assert_snapshot!("summary_json", json(&fixture::summary()));
    insta::assert_snapshot!("compared_json", json(&fixture::compared()));
    insta::assert_snapshot!("services_json", json(&fixture::services()));
    insta::assert_snapshot!("metrics_json", json(&fixture::metrics()));
    insta::assert_snapshot!("topology_json", json(&fixture::topology()));
    insta::assert_snapshot!("events_json", json(&fixture::events()));
    insta::assert_snapshot!("host_json", json(&fixture::host()));
    insta::assert_snapshot!("sql_json", json(&fixture::sql()));
}

#[test]
fn table_of_each_answer() {
    insta::assert_snapshot!("status_table", text(&fixture::status(), false));
    insta::assert_snapshot!("summary_table", text(&fixture::summary(), false));
    insta::assert_snapshot!("summary_table_all", text(&fixture::summary(), true));
    insta::assert_snapshot!("compared_table", text(&fixture::compared(), false));
    insta::assert_snapshot!("services_table", text(&fixture::services(), false));
    insta::assert_snapshot!("metrics_table", text(&fixture::metrics(), false));
    insta::assert_snapshot!("topology_table", text(&fixture::topology(), false));
    insta::assert_snapshot!("events_table", text(&fixture::events(), false));
    insta::assert_snapshot!("host_table", text(&fixture::host(), false));
    insta::assert_snapshot!("sql_table", text(&fixture::sql(), false));
}

#[test]
fn csv_of_each_answer() {
    let csv = |answer| coral_report::csv(&answer).unwrap().replace("\r\n", "\n");
    insta::assert_snapshot!("services_csv", csv(fixture::services()));
    insta::assert_snapshot!("compared_csv", csv(fixture::compared()));
    insta::assert_snapshot!("sql_csv", csv(fixture::sql()));
    insta::assert_snapshot!("hostile_csv", csv(fixture::hostile()));
}

#[test]
fn hostile_names_stay_on_their_line() {
    let answer = fixture::hostile();
    let (table, json) = (text(&answer, true), json(&answer));
    for out in [&table, &json] {
        let harmless =
            |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(out.chars().all(harmless), "{out:?}");
    }
    assert!(
        table
            .lines()
            .all(|line| coral_report::text::width(line) < 180)
    );
    insta::assert_snapshot!("hostile_table", table);
    insta::assert_snapshot!("hostile_json", json);
}

#[test]
fn nothing_says_so() {
    insta::assert_snapshot!(
        "nothing",
        fixture::empty()
            .iter()
            .map(|a| text(a, false))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn loss_is_named_by_kind() {
    let loss = Loss {
        records_dropped: 12,
        unseen: 4,
        ..Loss::default()
    };
    assert_eq!(
        coral_report::loss_line(&loss),
        "loss: 12 records dropped · 4 connections not read"
    );
    assert_eq!(coral_report::loss_line(&Loss::default()), "loss 0");
}

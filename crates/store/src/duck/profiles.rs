//! Profiles in the file: samples by interval, stacks and names by content.

use super::decode::code;
use super::rows::{Added, Due, add};
use super::scan::ends_in;
use super::writer::Placed;
use crate::StoreError;
use crate::level::Level;
use crate::profile::{
    Place, ProfileFilter, ProfileRow, ProfiledBuild, StoredProfile, file_id, file_ids, from_blob,
    stack_id, to_blob,
};
use crate::read::InstanceId;
use crate::registry::number;
use coral_model::Observed;
use coral_model::profile::{Binary, Function, Profile, ProfileKind, StackEnd, Symbols};
use coral_model::{TimeNs, Window};
use duckdb::{Appender, Connection, Row, params};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// Stacks and files of today that are known to be stored; when there are more, all are stored again.
const KNOWN_MAX: usize = 200_000;
/// After this long a stack is stored again, and may be forgotten with its day.
const DAY: i64 = 86_400_000_000_000;

/// What needs no second row today.
#[derive(Default)]
pub(super) struct Stored {
    day: i64,
    stacks: HashSet<u64>,
    files: HashSet<u64>,
}

impl Stored {
    fn turn(&mut self, at: TimeNs) {
        let day = at.0.div_euclid(DAY);
        if day != self.day || self.stacks.len() + self.files.len() > KNOWN_MAX {
            *self = Self {
                day,
                ..Self::default()
            };
        }
    }
}

/// Adds the samples to a level.
pub(super) fn append(
    connection: &Connection,
    placed: &[Placed<'_>],
    level: Level,
    due: Due<'_>,
) -> Added {
    let (table, due) = (level.table("profile"), |f: &Profile| due(f.window.to));
    add(
        connection,
        &table,
        placed,
        |b| &b.profiles,
        due,
        |table, p, profile| match number(&p.changes.ids, profile.instance) {
            Ok(id) => samples(table, level, id, profile).map(Ok),
            Err(error) => Ok(Err(error)),
        },
    )
}

fn samples(
    table: &mut Appender<'_>,
    level: Level,
    id: InstanceId,
    profile: &Profile,
) -> duckdb::Result<()> {
    let Window { from, to } = level.interval(profile.window);
    let files = file_ids(profile);
    for stack in &profile.stacks {
        table.append_row(params![
            from.0,
            to.0,
            id.0,
            profile.kind.code(),
            profile.session,
            profile.period.as_nanos() as u64,
            profile.build,
            stack_id(&files, stack).0,
            stack.end.code(),
            stack.samples,
        ])?;
    }
    Ok(())
}

/// Adds stacks, files and names that are not there yet.
pub(super) fn append_content(
    connection: &Connection,
    placed: &[Placed<'_>],
    stored: &mut Stored,
) -> duckdb::Result<()> {
    let batches = || placed.iter().map(|p| p.batch);
    if batches().all(|b| b.profiles.is_empty() && b.symbols.is_empty()) {
        return Ok(());
    }
    let mut stacks = connection.appender("stack")?;
    let mut files = connection.appender("binary_file")?;
    let mut names = connection.appender("symbol")?;
    for batch in batches() {
        stored.turn(batch.clock);
        let at = batch.clock.0;
        for profile in &batch.profiles {
            let ids = file_ids(profile);
            for (id, binary) in ids.iter().zip(&profile.binaries) {
                if stored.files.insert(*id) {
                    file_row(&mut files, *id, at, binary, None)?;
                }
            }
            for stack in &profile.stacks {
                let (id, places) = stack_id(&ids, stack);
                if stored.stacks.insert(id) {
                    let thread = stack.thread.raw();
                    stacks.append_row(params![id, at, thread, to_blob(&places)])?;
                }
            }
        }
        for symbols in &batch.symbols {
            symbol_rows(&mut names, &mut files, at, symbols)?;
        }
    }
    stacks.flush()?;
    files.flush()?;
    names.flush()
}

fn file_row(
    table: &mut Appender<'_>,
    id: u64,
    at: i64,
    binary: &Binary,
    missing: Option<&str>,
) -> duckdb::Result<()> {
    table.append_row(params![id, at, binary.build, binary.path.raw(), missing])
}

fn symbol_rows(
    names: &mut Appender<'_>,
    files: &mut Appender<'_>,
    at: i64,
    symbols: &Symbols,
) -> duckdb::Result<()> {
    let file = file_id(&symbols.binary);
    let missing = symbols.missing.as_ref().map(Observed::raw);
    if missing.is_some() {
        file_row(files, file, at, &symbols.binary, missing)?;
    }
    for row in &symbols.rows {
        names.append_row(params![file, row.address, at, to_json(&row.functions)])?;
    }
    Ok(())
}

fn to_json(functions: &[Function]) -> String {
    let one = |f: &Function| {
        let file = f.file.as_ref().map(Observed::raw);
        serde_json::json!([f.name.raw(), file, f.line])
    };
    serde_json::Value::from_iter(functions.iter().map(one)).to_string()
}

fn from_json(text: &str) -> Result<Vec<Function>, StoreError> {
    type Parts = (String, Option<String>, Option<u32>);
    let parts: Vec<Parts> = serde_json::from_str(text).map_err(StoreError::corrupt)?;
    let function = |(name, file, line): Parts| Function {
        name: Observed::new(name),
        file: file.map(Observed::new),
        line,
    };
    Ok(parts.into_iter().map(function).collect())
}

/// Rolls the samples of a window into a coarser level.
pub(super) fn roll(level: Level, bucket: &str, width: u128, within: &str) -> String {
    format!(
        "INSERT INTO {} SELECT bucket - {width}, bucket, instance, kind, session, period_ns, build, stack, stack_end,
         sum(samples)::UBIGINT FROM (SELECT *, {bucket} AS bucket FROM {} WHERE {within})
         GROUP BY bucket, instance, kind, session, period_ns, build, stack, stack_end ORDER BY ALL;",
        level.table("profile"),
        level.finer().table("profile"),
    )
}

/// The builds of instances in one part of a window.
pub(super) fn builds_part(level: Level, part: Window, kind: ProfileKind) -> String {
    let (table, within, kind) = (level.table("profile"), ends_in(part), kind.code());
    format!(
        "SELECT instance, build, from_ns, to_ns FROM {table} WHERE {within} AND kind = {kind} AND session = 0"
    )
}

/// When each ran, one row a build and instance.
pub(super) fn builds(all: &str) -> String {
    format!(
        "SELECT instance, build, min(from_ns), max(to_ns) FROM ({all}) GROUP BY ALL ORDER BY ALL"
    )
}

/// Reads a row of [`builds`].
pub(super) fn build_row(row: &Row<'_>) -> duckdb::Result<Result<ProfiledBuild, StoreError>> {
    Ok(Ok(ProfiledBuild {
        instance: InstanceId(row.get(0)?),
        build: row.get(1)?,
        first: TimeNs(row.get(2)?),
        last: TimeNs(row.get(3)?),
    }))
}

/// The samples of one part of a window.
pub(super) fn part(level: Level, part: Window, filter: &ProfileFilter) -> String {
    let (table, within) = (level.table("profile"), ends_in(part));
    let (kind, session) = (filter.kind.code(), filter.session);
    let only = filter.instances.as_ref().map_or(String::new(), |ids| {
        let ids: Vec<_> = ids.iter().map(|id| id.0.to_string()).collect();
        format!(" AND instance IN ({})", ids.join(","))
    });
    let build = filter.build.as_ref().map_or(String::new(), |build| {
        format!(" AND build = '{}'", build.replace('\'', "''"))
    });
    format!(
        "SELECT instance, build, period_ns, stack, stack_end, samples FROM {table}
         WHERE {within} AND kind = {kind} AND session = {session}{only}{build}"
    )
}

/// One row a stack of all these.
pub(super) fn fold(all: &str) -> String {
    format!(
        "SELECT instance, build, period_ns, stack, stack_end, sum(samples)::UBIGINT FROM ({all})
         GROUP BY ALL ORDER BY ALL"
    )
}

/// Reads a row of [`fold`].
pub(super) fn row(row: &Row<'_>) -> duckdb::Result<Result<ProfileRow, StoreError>> {
    let end: u8 = row.get(4)?;
    let (instance, build, period_ns) = (InstanceId(row.get(0)?), row.get(1)?, row.get(2)?);
    let (stack, samples) = (row.get(3)?, row.get(5)?);
    Ok(
        code("stack end", end, StackEnd::from_code).map(|end| ProfileRow {
            instance,
            build,
            period: Duration::from_nanos(period_ns),
            stack,
            end,
            samples,
        }),
    )
}

/// Adds what the rows speak of.
pub(super) fn describe(
    connection: &Connection,
    profile: &mut StoredProfile,
) -> Result<(), StoreError> {
    if profile.rows.is_empty() {
        return Ok(());
    }
    let failed = StoreError::engine("read the stacks of a profile");
    for read in [read_stacks, read_files, read_symbols] {
        read(connection, profile).map_err(&failed)??;
    }
    Ok(())
}

fn read_stacks(connection: &Connection, profile: &mut StoredProfile) -> Added {
    let sql = format!(
        "SELECT id, any_value(thread), any_value(frames) FROM stack WHERE id IN ({}) GROUP BY id",
        list(profile.rows.iter().map(|r| r.stack))
    );
    each(connection, &sql, &mut |row| {
        let frames: Vec<u8> = row.get(2)?;
        let stack = (row.get(1)?, from_blob(&frames));
        profile.stacks.insert(row.get(0)?, stack);
        Ok(Ok(()))
    })
}

fn read_files(connection: &Connection, profile: &mut StoredProfile) -> Added {
    let sql = format!(
        "SELECT id, any_value(build), any_value(path), arg_max(missing, at_ns) FROM binary_file WHERE id IN ({}) GROUP BY id",
        list(places(profile).map(|p| p.0))
    );
    each(connection, &sql, &mut |row| {
        let binary = Binary {
            build: row.get(1)?,
            path: Observed::new(row.get::<_, String>(2)?),
        };
        profile.files.insert(row.get(0)?, (binary, row.get(3)?));
        Ok(Ok(()))
    })
}

fn read_symbols(connection: &Connection, profile: &mut StoredProfile) -> Added {
    let sql = format!(
        "SELECT file, address, arg_max(functions, at_ns) FROM symbol WHERE file IN ({}) GROUP BY file, address",
        list(places(profile).map(|p| p.0))
    );
    let places: HashSet<Place> = places(profile).collect();
    each(connection, &sql, &mut |row| {
        let place = (row.get(0)?, row.get(1)?);
        if !places.contains(&place) {
            return Ok(Ok(()));
        }
        let functions = from_json(&row.get::<_, String>(2)?);
        Ok(functions.map(|f| drop(profile.symbols.insert(place, f))))
    })
}

/// The places of all stacks that were read.
fn places(profile: &StoredProfile) -> impl Iterator<Item = Place> {
    profile
        .stacks
        .values()
        .flat_map(|stack| stack.1.iter().copied())
}

/// Each number once, as a list of SQL, which may not be empty: without any it is one that equals nothing.
fn list(ids: impl Iterator<Item = u64>) -> String {
    let ids: BTreeSet<u64> = ids.collect();
    let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
    match ids.is_empty() {
        true => "NULL".to_owned(),
        false => ids.join(","),
    }
}

fn each(connection: &Connection, sql: &str, each: &mut dyn FnMut(&Row<'_>) -> Added) -> Added {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = each(row)? {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

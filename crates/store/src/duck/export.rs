//! A view as a file. The engine may write below one folder beside the store and nowhere else; the file is unlinked as soon
//! as it is open, so nothing is left behind, however the reading ends.

use super::ask::{self, Watch};
use super::snapshot::View;
use super::views::VIEWS;
use crate::StoreError;
use crate::sql::SqlError;
use coral_model::Window;
use duckdb::params;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the engine may write.
const LONGEST: Duration = Duration::from_secs(120);
/// What moves a cursor or turns text around is written as U+FFFD in files that people open.
const UNSAFE: &str = r"[\x00-\x1f\x7f-\x{9f}\x{ad}\x{61c}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}]";

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// RFC 4180, the names of the columns first.
    Csv,
    /// A list of objects.
    Json,
}

impl Format {
    /// The form of this name, which is also the ending of files.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// The folder that the engine may write to, for the store at `path`.
pub(super) fn folder(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".export");
    name.into()
}

/// Makes the folder, private and empty. One that is there is kept: on a full disk none can be made.
pub(super) fn prepare(path: &Path) -> std::io::Result<PathBuf> {
    let folder = folder(path);
    let private = |m: &fs::Metadata| {
        let mine = m.uid() == nix::unistd::geteuid().as_raw();
        m.is_dir() && mine && m.mode() & 0o077 == 0
    };
    match fs::symlink_metadata(&folder) {
        Ok(found) if private(&found) => {
            for left in fs::read_dir(&folder)? {
                fs::remove_file(left?.path())?;
            }
        }
        Ok(_) => {
            let why = format!("{} is not a private folder; move it away", folder.display());
            return Err(std::io::Error::other(why));
        }
        Err(_) => DirBuilder::new().mode(0o700).create(&folder)?,
    }
    Ok(folder)
}

/// The rows of a view whose time is in the window, as a file that is gone when it is closed.
pub(super) fn write(
    view: &View,
    folder: &Path,
    name: &str,
    format: Format,
    window: Window,
) -> Result<File, SqlError> {
    let known = VIEWS.iter().find(|v| v.name == name);
    let known = known.ok_or_else(|| SqlError::Refused(format!("no table is named {name}")))?;
    available(view, format)?;
    let columns = columns(view, name, format)?;
    let within = known.time.map_or_else(String::new, |time| {
        let at = |ns: i64| format!("make_timestamp({})", ns.div_euclid(1000));
        let (from, to) = (at(window.from.0), at(window.to.0));
        format!("WHERE \"{time}\" > {from} AND \"{time}\" <= {to} ORDER BY \"{time}\"")
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = Unlinked(folder.join(format!("{count}.{}", format.name())));
    let options = match format {
        Format::Parquet => "FORMAT parquet, COMPRESSION zstd",
        Format::Csv => "FORMAT csv, HEADER true, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ'",
        Format::Json => "FORMAT json, ARRAY true, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ'",
    };
    let sql = format!(
        "COPY (SELECT {columns} FROM ask.{name} {within}) TO '{}' ({options})",
        path.0.display().to_string().replace('\'', "''")
    );
    let connection = view.connection().map_err(ask::store)?;
    let watch = Watch::start(connection.interrupt_handle(), LONGEST);
    let done = connection.execute_batch(&sql).map_err(|e| ask::failed(&e));
    watch.judge(done, LONGEST)?;
    File::open(&path.0)
        .map_err(|e| SqlError::Failed(format!("open the file that was written: {e}")))
}

/// Removes the name when it is dropped; whoever has it open still reads it.
struct Unlinked(PathBuf);

impl Drop for Unlinked {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a written file could not be removed");
        }
    }
}

/// Whether the engine's library writes the form.
fn available(view: &View, format: Format) -> Result<(), SqlError> {
    // Not by the list of extensions: that looks into folders, which is not allowed.
    let reader = match format {
        Format::Csv => return Ok(()),
        Format::Parquet => "parquet_scan",
        Format::Json => "read_json",
    };
    let failed = |e: duckdb::Error| ask::failed(&e);
    let connection = view.connection().map_err(ask::store)?;
    let loaded: u64 = connection
        .query_row(
            "SELECT count(*)::UBIGINT FROM duckdb_functions() WHERE function_name = ?",
            params![reader],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if loaded == 0 {
        return Err(SqlError::Refused(format!(
            "this colony's build of DuckDB writes no {}; take csv",
            format.name()
        )));
    }
    Ok(())
}

/// The columns; in text for people those that others may choose are made harmless.
fn columns(view: &View, name: &str, format: Format) -> Result<String, SqlError> {
    let failed = |e: duckdb::Error| ask::failed(&e);
    let connection = view.connection().map_err(ask::store)?;
    let mut statement = connection
        .prepare(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'ask' AND table_name = ?
             ORDER BY column_index",
        )
        .map_err(failed)?;
    let mut rows = statement.query(params![name]).map_err(failed)?;
    let mut columns = vec![];
    while let Some(row) = rows.next().map_err(failed)? {
        let (name, kind): (String, String) =
            (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let clean = format!("regexp_replace(\"{name}\", '{UNSAFE}', '\u{fffd}', 'g')");
        columns.push(match (kind.as_str(), format) {
            ("VARCHAR", Format::Csv) => format!(
                "CASE WHEN regexp_matches(\"{name}\", '^[=+@\\t\\r-]') THEN '''' || {clean} ELSE {clean} END AS \"{name}\""
            ),
            ("VARCHAR", Format::Json) => format!("{clean} AS \"{name}\""),
            _ => format!("\"{name}\""),
        });
    }
    if columns.is_empty() {
        let missing = StoreError::corrupt(format_args!("the view {name} has no columns"));
        return Err(ask::store(missing));
    }
    Ok(columns.join(", "))
}

//! `coral export`: a view of the colony as a file. The file appears whole or not at all, and none is overwritten unasked.

use crate::client;
use crate::failure::Failure;
use crate::place::Place;
use coral_model::Span;
use coral_proto::v1;
use coral_proto::v1::query_client::QueryClient;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// What to write where.
pub(super) struct Plan {
    pub table: String,
    pub to: PathBuf,
    pub force: bool,
    pub span: Span,
}

/// Writes the file; how many bytes it has.
pub(super) async fn run(place: &Place, plan: &Plan) -> Result<u64, Failure> {
    let format = format(&plan.to)?;
    if !plan.force && plan.to.exists() {
        return Err(exists(&plan.to));
    }
    let request = v1::ExportRequest {
        table: plan.table.clone(),
        format: format.to_owned(),
        span: Some((&plan.span).into()),
    };
    let channel = client::connect(place).await?;
    let mut client = QueryClient::new(channel).max_decoding_message_size(client::MESSAGE_MAX);
    let refused = |status| client::refused(&status);
    let mut chunks = client.export(request).await.map_err(refused)?.into_inner();
    let mut part = Part::create(&plan.to)?;
    while let Some(chunk) = chunks.message().await.map_err(refused)? {
        part.write(&chunk.data)?;
    }
    part.finish(plan.force)
}

fn format(to: &Path) -> Result<&'static str, Failure> {
    let ending = to.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["parquet", "csv", "json"]
        .into_iter()
        .find(|known| ending.eq_ignore_ascii_case(known))
        .ok_or_else(|| {
            Failure::usage(
                "the ending of the file says its form, and this has none that is known",
                "write --to NAME.parquet, NAME.csv or NAME.json",
            )
        })
}

fn exists(to: &Path) -> Failure {
    Failure::failed(
        format!("{} exists", to.display()),
        "name another file, or overwrite it with --force",
    )
}

/// The file while it is written: beside its place, under another name. Dropped before the end it is removed.
struct Part {
    to: PathBuf,
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Part {
    fn create(to: &Path) -> Result<Self, Failure> {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let path = to.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|e| failed("create", &path, &e))?;
        Ok(Self {
            to: to.to_owned(),
            path,
            file,
            bytes: 0,
        })
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.bytes += data.len() as u64;
        let written = self.file.write_all(data);
        written.map_err(|e| failed("write", &self.path, &e))
    }

    fn finish(self, force: bool) -> Result<u64, Failure> {
        self.file
            .sync_all()
            .map_err(|e| failed("write", &self.path, &e))?;
        if force {
            let renamed = std::fs::rename(&self.path, &self.to);
            renamed.map_err(|e| failed("write", &self.to, &e))?;
        } else {
            // Unlike a rename this fails when a file has come there meanwhile.
            match std::fs::hard_link(&self.path, &self.to) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(exists(&self.to)),
                Err(_) => {
                    let renamed = std::fs::rename(&self.path, &self.to);
                    renamed.map_err(|e| failed("write", &self.to, &e))?;
                }
            }
        }
        Ok(self.bytes)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{what} {}: {error}", path.display()), "")
}

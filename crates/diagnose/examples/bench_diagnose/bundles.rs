//! Bundles of a folder: top-1, top-3 and top-5 against the truth, the same with something taken away, and the time.

use crate::rounded;
use coral_diagnose::bundle::{FILE_MAX, FILES, Files, parse};
use coral_diagnose::{Incident, diagnose, ranking};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Folders are searched so deep.
const DEPTH: usize = 3;

/// What is taken away, and how.
type Ablation = (&'static str, fn(&mut Incident));
const ABLATIONS: [Ablation; 8] = [
    ("all as it is", |_| {}),
    ("no topology", |i| i.edges.clear()),
    ("no symptom, no moment", |i| i.stated = None),
    ("no moment", |i| {
        if let Some(stated) = &mut i.stated {
            stated.at = None;
        }
    }),
    ("no windows", |i| (i.normal, i.anomalous) = (None, None)),
    ("no windows, no symptom", |i| {
        (i.normal, i.anomalous, i.stated) = (None, None, None);
    }),
    ("told 60 s late", |i| late(i, 60.0)),
    ("told 60 s late, no windows", |i| {
        late(i, 60.0);
        (i.normal, i.anomalous) = (None, None);
    }),
];

fn late(incident: &mut Incident, seconds: f64) {
    if let Some(at) = incident.stated.as_mut().and_then(|s| s.at.as_mut()) {
        *at += seconds;
    }
    for window in incident.anomalous.iter_mut() {
        window.from += seconds;
    }
}

/// A bundle and where it really was.
struct Known {
    name: String,
    incident: Incident,
    truth: String,
    ms: f64,
}

/// Runs all bundles below a folder.
pub fn run(folder: &Path) -> Result<Value, String> {
    let mut known = Vec::new();
    collect(folder, DEPTH, &mut known)?;
    if known.is_empty() {
        return Err(format!("{}: no bundle with its truth", folder.display()));
    }
    known.sort_by(|a, b| a.name.cmp(&b.name));
    let mut figures = json!({});
    for (name, ablate) in ABLATIONS {
        let places: Vec<Option<usize>> = known.iter().map(|k| place(k, ablate)).collect();
        let share = |most: usize| {
            let hits = places
                .iter()
                .filter(|p| p.is_some_and(|p| p < most))
                .count();
            hits as f64 / places.len() as f64
        };
        println!(
            "{name:28} top1 {:.2}  top3 {:.2}  top5 {:.2}",
            share(1),
            share(3),
            share(5)
        );
        let row = json!({ "top1": rounded(share(1)), "top3": rounded(share(3)), "top5": rounded(share(5)) });
        if figures["top1"].is_null() {
            figures = row;
            each(&known, &places);
        } else {
            figures["ablations"][name] = row;
        }
    }
    let chance = |k: &Known| 1.0 / k.incident.services.len().max(1) as f64;
    let total = known.len() as f64;
    figures["chance"] = rounded(known.iter().map(chance).sum::<f64>() / total);
    figures["ms"] = rounded(known.iter().map(|k| k.ms).fold(0.0, f64::max));
    figures["incidents"] = known.len().into();
    Ok(figures)
}

fn each(known: &[Known], places: &[Option<usize>]) {
    for (known, place) in known.iter().zip(places) {
        let said = diagnose(&known.incident);
        let first = said.causes.first().map(|c| {
            let (service, kind) = (c.service.visible(), c.kind.name());
            format!("{service} ({kind}, {} {:.2})", c.confidence.name(), c.score)
        });
        let place = place.map_or("-".to_owned(), |p| (p + 1).to_string());
        let abstained = if said.abstained { "abstained" } else { "" };
        println!(
            "  {place:>3}  {:6.1} ms  {}  {} {abstained}",
            known.ms,
            known.name,
            first.unwrap_or_default()
        );
    }
}

fn place(known: &Known, ablate: fn(&mut Incident)) -> Option<usize> {
    let mut incident = known.incident.clone();
    ablate(&mut incident);
    let order = ranking(&incident);
    order
        .iter()
        .position(|r| incident.services[r.service as usize].raw() == known.truth)
}

fn collect(folder: &Path, depth: usize, known: &mut Vec<Known>) -> Result<(), String> {
    let truths = truths(&folder.join("truth.json"))?;
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort_unstable();
    for inner in folders {
        let name = inner
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !inner.join(FILES[0]).is_file() {
            if depth > 0 {
                collect(&inner, depth - 1, known)?;
            }
            continue;
        }
        let own = truths_of_one(&inner.join("truth.json"))?;
        if let Some(truth) = own.or_else(|| truths.get(&name).cloned()) {
            known.push(read(&inner, name, truth)?);
        }
    }
    Ok(())
}

fn truths(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let Some(value) = json_of(path)? else {
        return Ok(BTreeMap::new());
    };
    let all = value.as_object().into_iter().flatten();
    let service = |(name, truth): (&String, &Value)| {
        Some((name.clone(), truth["service"].as_str()?.to_owned()))
    };
    Ok(all.filter_map(service).collect())
}

fn truths_of_one(path: &Path) -> Result<Option<String>, String> {
    let value = json_of(path)?;
    Ok(value.and_then(|v| Some(v["service"].as_str()?.to_owned())))
}

fn json_of(path: &Path) -> Result<Option<Value>, String> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let value = serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Some(value))
}

fn read(folder: &Path, name: String, truth: String) -> Result<Known, String> {
    let file = |name: &str| {
        let path = folder.join(name);
        let small = path
            .metadata()
            .is_ok_and(|m| m.is_file() && m.len() <= FILE_MAX);
        if small { fs::read(path).ok() } else { None }
    };
    let files: Vec<Option<Vec<u8>>> = FILES.iter().map(|name| file(name)).collect();
    let begun = Instant::now();
    let files = Files {
        incident: files[0].as_deref().unwrap_or_default(),
        metrics: files[1].as_deref().unwrap_or_default(),
        edges: files[2].as_deref(),
        events: files[3].as_deref(),
    };
    let incident = parse(&files).map_err(|e| format!("{name}: {e}"))?;
    let _ = diagnose(&incident);
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    Ok(Known {
        name,
        incident,
        truth,
        ms,
    })
}

//! `incident.json`: version, name, and what was stated. What is not there was not stated.

use super::BundleError;
use crate::incident::{Range, Stated};
use coral_model::Observed;
use serde_json::Value;

/// What the header says.
pub struct Header {
    pub name: Observed,
    pub stated: Option<Stated>,
    pub normal: Option<Range>,
    pub anomalous: Option<Range>,
    pub chosen: bool,
}

pub fn read(text: &str) -> Result<Header, BundleError> {
    let bad = |what: &str| BundleError::Header(what.to_owned());
    let value: Value =
        serde_json::from_str(text).map_err(|e| BundleError::Header(format!("no JSON: {e}")))?;
    let Value::Object(_) = &value else {
        return Err(bad("it must be one object"));
    };
    match value.get("version").map(Value::as_i64) {
        Some(Some(1)) => {}
        Some(Some(version)) => return Err(BundleError::Version(version)),
        Some(None) => return Err(bad("`version` must be a number")),
        None => return Err(bad("`version` is missing")),
    }
    Ok(Header {
        name: words(&value, "name"),
        stated: stated(&value)?,
        normal: range(&value, "normal")?,
        anomalous: range(&value, "anomalous")?,
        chosen: value.get("chosen") == Some(&Value::Bool(true)),
    })
}

fn stated(value: &Value) -> Result<Option<Stated>, BundleError> {
    match value.get("symptom") {
        None | Some(Value::Null) => Ok(None),
        Some(symptom @ Value::Object(_)) => Ok(Some(Stated {
            service: words(symptom, "service"),
            index: None,
            signal: words(symptom, "signal"),
            at: moment(symptom, "symptom", "at")?,
        })),
        Some(_) => Err(BundleError::Header(
            "`symptom` must be an object".to_owned(),
        )),
    }
}

fn words(value: &Value, name: &str) -> Observed {
    Observed::new(value.get(name).and_then(Value::as_str).unwrap_or_default())
}

fn range(value: &Value, name: &str) -> Result<Option<Range>, BundleError> {
    let Some(part) = value.get(name).filter(|part| !part.is_null()) else {
        return Ok(None);
    };
    let (from, to) = (moment(part, name, "from")?, moment(part, name, "to")?);
    match (from, to) {
        (Some(from), Some(to)) if from <= to => Ok(Some(Range { from, to })),
        (Some(_), Some(_)) => Err(BundleError::Header(format!(
            "`{name}` ends before it begins"
        ))),
        _ => Err(BundleError::Header(format!(
            "`{name}` needs `from` and `to`"
        ))),
    }
}

fn moment(value: &Value, whole: &str, name: &str) -> Result<Option<f64>, BundleError> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(at) => match at.as_f64().filter(|at| at.is_finite() && at.abs() < 1e12) {
            Some(at) => Ok(Some(at)),
            None => Err(BundleError::Header(format!(
                "`{whole}.{name}` must be unix seconds"
            ))),
        },
    }
}

//! What the headless demo prints: services and loss as `coral query summary` has them, edges as `coral topology`.

use crate::failure::{Failure, Trying as _};
use serde_json::{Value, json};

/// The shop's services and calls; all of them must be seen.
const SERVICES: [&str; 6] = [
    "frontend", "catalog", "cart", "checkout", "payments", "orders",
];
const EDGES: [(&str, &str); 6] = [
    ("frontend", "catalog"),
    ("frontend", "cart"),
    ("frontend", "checkout"),
    ("checkout", "payments"),
    ("checkout", "orders"),
    ("worker", "orders"),
];

/// Joins the two answers.
pub fn compose(summary: &str, topology: &str) -> Result<Value, Failure> {
    let summary: Value = serde_json::from_str(summary).trying("read the summary")?;
    let topology: Value = serde_json::from_str(topology).trying("read the topology")?;
    let field = |answer: &Value, name: &str| {
        answer
            .get(name)
            .cloned()
            .ok_or_else(|| Failure::new(format!("the answer has no `{name}`")))
    };
    Ok(json!({
        "services": field(&summary, "services")?,
        "edges": field(&topology, "edges")?,
        "loss": field(&summary, "loss")?,
    }))
}

/// Fails when a service or call of the shop was not seen.
pub fn check(report: &Value) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for name in SERVICES {
        if !any(&report["services"], |row| {
            row["service"] == name && has_requests(row)
        }) {
            missing.push(format!("no requests of {name}"));
        }
    }
    for (caller, callee) in EDGES {
        let is_it = |row: &Value| row["caller"] == caller && row["callee"] == callee;
        if !any(&report["edges"], |row| is_it(row) && has_requests(row)) {
            missing.push(format!("no requests from {caller} to {callee}"));
        }
    }
    if !report["loss"].is_object() {
        missing.push("loss is no object".to_owned());
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "the demo shows {}",
            missing.join(", ")
        )))
    }
}

fn any(rows: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    rows.as_array().is_some_and(|rows| rows.iter().any(holds))
}

fn has_requests(row: &Value) -> bool {
    row["requests"]
        .as_u64()
        .is_some_and(|requests| requests > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> (Value, Value) {
        let services: Vec<_> = SERVICES
            .map(|name| json!({ "service": name, "side": "server", "requests": 3 }))
            .into();
        let edges: Vec<_> = EDGES
            .map(|(caller, callee)| json!({ "caller": caller, "callee": callee, "requests": 3 }))
            .into();
        (
            json!({ "from": "a", "to": "b", "services": services, "loss": { "unparsed": 0 } }),
            json!({ "nodes": [], "edges": edges }),
        )
    }

    #[test]
    fn it_has_exactly_three_keys() {
        let (summary, topology) = answers();
        let report = compose(&summary.to_string(), &topology.to_string()).unwrap();
        let keys: Vec<_> = report.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["services", "edges", "loss"]);
        check(&report).unwrap();
    }

    #[test]
    fn what_is_missing_is_named() {
        let (mut summary, mut topology) = answers();
        summary["services"][1]["requests"] = json!(0);
        topology["edges"][3]["callee"] = json!("bank");
        let report = compose(&summary.to_string(), &topology.to_string()).unwrap();
        let error = check(&report).unwrap_err().to_string();
        assert!(error.contains("no requests of catalog"), "{error}");
        assert!(error.contains("from checkout to payments"), "{error}");
        assert!(compose("{}", "{}").is_err());
    }
}

//! What can be taken away from pages 5 and 7: the services, functions or causes as a table, the command line, the files.

use super::{App, List, Page};
use crate::console::flame::Place;
use crate::console::take::{Form, Sheet, Value, shell_word};
use crate::console::time::Compare;
use coral_model::Diagnosis;
use coral_report::{diagnosis_markdown, flame, text};

impl App {
    /// The forms in which this page is written to a file.
    pub(super) fn forms(&self) -> &'static [Form] {
        match self.flame() {
            Some(_) => Form::FLAME,
            None => Form::TABLE,
        }
    }

    /// The page in a form; why not, when it cannot be.
    pub(super) fn written(&self, form: Form) -> Result<Vec<u8>, String> {
        match (form, self.flame()) {
            (Form::Folded, Some((_, known))) => Ok(flame::folded(known).into_bytes()),
            (Form::Pprof, Some((answer, known))) => Ok(flame::pprof(answer, known)),
            (Form::Svg, Some((_, known))) => {
                let service = self.profiled_service().map(text::service);
                let title = format!("{}: time on the processors", service.unwrap_or_default());
                flame::svg(known, &title).map_err(|e| e.to_string())
            }
            (Form::Markdown, None) if let Some(diagnosis) = self.page_diagnosis() => {
                Ok(diagnosis_markdown(diagnosis, &self.config.zone).into_bytes())
            }
            _ => Ok(self.sheet().written(form).into_bytes()),
        }
    }

    fn page_diagnosis(&self) -> Option<&Diagnosis> {
        let on_page = self.spot.page == Page::Diagnose;
        on_page.then(|| self.diagnosis()).flatten()
    }

    /// The causes of the diagnosis.
    pub(super) fn causes_sheet(&self) -> Sheet {
        let causes = self.diagnosis().map_or(&[][..], |d| &d.causes);
        let rows = causes.iter().map(|cause| {
            let ids: Vec<&str> = cause.evidence.iter().map(|e| e.id.as_str()).collect();
            let function = cause.function.as_ref().map(|f| f.visible().into_owned());
            vec![
                u64::from(cause.rank).into(),
                cause.service.visible().into_owned().into(),
                cause.kind.name().into(),
                cause.confidence.name().into(),
                Value::Number((cause.score * 100.0).round() / 100.0),
                function.map_or(Value::Unknown, Value::Text),
                ids.join(" ").into(),
            ]
        });
        let columns = vec![
            "rank",
            "service",
            "kind",
            "confidence",
            "score",
            "function",
            "evidence",
        ];
        Sheet {
            name: "causes",
            columns,
            rows: rows.collect(),
        }
    }

    /// The row of the table that the cause of the text's cursor has.
    pub(super) fn row_of_cause(&self) -> Option<usize> {
        let rank = self.selected_evidence().map_or(1, |(cause, _)| cause.rank);
        let causes = &self.diagnosis()?.causes;
        causes.iter().position(|cause| cause.rank == rank)
    }

    /// What is under the cursor of page 7: the id of evidence, else a name.
    pub(super) fn diagnosis_name(&self) -> Option<String> {
        if let Some((_, evidence)) = self.selected_evidence() {
            return Some(evidence.id.clone());
        }
        self.diagnosed_service().as_ref().map(text::service)
    }

    /// The command that says what page 7 says.
    pub(super) fn diagnosis_command(&self) -> String {
        if let Some(replay) = &self.config.replay {
            return format!("diagnose --bundle {}", shell_word(&replay.folder));
        }
        let service = match self.selected_finding() {
            Some(finding) => finding.service.as_ref(),
            None => self.spot.service.as_ref(),
        };
        match service {
            Some(service) => format!("diagnose {}", shell_word(&text::service(service))),
            None => "diagnose".to_owned(),
        }
    }

    pub(super) fn profiles_sheet(&self) -> Sheet {
        match self.profiled_service() {
            Some(_) => self.functions_sheet(),
            None => {
                let rows = self.profiled_rows().into_iter().map(|row| {
                    vec![
                        text::service(&row.service).into(),
                        u64::from(row.instances).into(),
                        row.cpu_cores.into(),
                    ]
                });
                Sheet {
                    name: "services",
                    columns: vec!["service", "instances", "cpu_cores"],
                    rows: rows.collect(),
                }
            }
        }
    }

    fn functions_sheet(&self) -> Sheet {
        let tree = self.flame_tree();
        let rows = self.function_rows().map(|row| {
            let totals = row.totals;
            let function = tree.keys().get(totals.function as usize);
            let function = function.and_then(|key| key.function());
            let word = |text: Option<&coral_model::Observed>| match text {
                Some(text) => Value::Text(text.visible().into_owned()),
                None => Value::Unknown,
            };
            let line = function.and_then(|f| f.line);
            let mut values = vec![
                word(function.map(|f| &f.name)),
                word(function.and_then(|f| f.file.as_ref())),
                line.map_or(Value::Unknown, |line| u64::from(line).into()),
                word(function.map(|f| &f.binary)),
                totals.own.into(),
                totals.total.into(),
            ];
            if tree.before().is_some() {
                values.extend([totals.own_before.into(), totals.total_before.into()]);
                values.push(row.grown.into());
            }
            values
        });
        let mut columns = vec!["function", "file", "line", "binary", "self", "total"];
        if tree.before().is_some() {
            columns.extend(["self_before", "total_before", "grown"]);
        }
        Sheet {
            name: "functions",
            columns,
            rows: rows.collect(),
        }
    }

    /// The row of the table that the function of the box has.
    pub(super) fn row_of_box(&self) -> Option<usize> {
        let Place::Node(node) = self.graph.at else {
            return None;
        };
        let key = self.flame_tree().node(node).key;
        self.function_rows()
            .position(|row| row.totals.function == key)
    }

    /// The name of what is under the cursor of page 5.
    pub(super) fn profiles_name(&self) -> String {
        if self.profiled_service().is_none() {
            let index = self.cursors.of(List::Profiled).index();
            let row = self.profiled_rows().get(index).copied();
            return row
                .map(|row| text::service(&row.service))
                .unwrap_or_default();
        }
        let (_, key) = self.flame_focus();
        key.map(|key| key.name().visible().into_owned())
            .unwrap_or_default()
    }

    pub(super) fn profiles_command(&self) -> String {
        let Some(service) = self.profiled_service() else {
            return "services".to_owned();
        };
        let service = shell_word(&text::service(service));
        match self.finer_shown() {
            Some(_) => {
                let (lease, hz) = (crate::console::finer::LEASE, crate::console::finer::HZ);
                format!(
                    "profile cpu {service} --duration {}s --hz {hz}",
                    lease.as_secs()
                )
            }
            None => format!("profile cpu {service}"),
        }
    }

    /// What the command of a flame graph says of the stretch that it is compared with.
    pub(super) fn diff_option(&self) -> &'static str {
        match (self.profiled_service(), self.time.compare) {
            (Some(_), Compare::Hour) => " --diff 1h",
            (Some(_), Compare::Day) => " --diff 1d",
            _ => "",
        }
    }
}

//! Profiles in memory.

use crate::profile::{
    Place, ProfileFilter, ProfileRow, ProfiledBuild, StoredProfile, file_id, file_ids, stack_id,
};
use crate::read::InstanceId;
use coral_model::profile::{Function, Profile, ProfileKind, Symbols};
use coral_model::{Observed, TimeNs, Window};
use std::collections::{BTreeMap, HashMap};

/// Everything that was told.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    rows: Vec<(Window, ProfileKind, u64, ProfileRow)>,
    /// What the rows speak of; it has no rows of its own.
    content: StoredProfile,
    symbols: HashMap<Place, Vec<Function>>,
}

impl Profiles {
    pub fn add(&mut self, instance: InstanceId, profile: &Profile) {
        let ids = file_ids(profile);
        for (id, binary) in ids.iter().zip(&profile.binaries) {
            let files = &mut self.content.files;
            files.entry(*id).or_insert_with(|| (binary.clone(), None));
        }
        for stack in &profile.stacks {
            let (id, places) = stack_id(&ids, stack);
            let thread = stack.thread.raw().to_owned();
            self.content.stacks.insert(id, (thread, places));
            let row = ProfileRow {
                instance,
                build: profile.build.clone(),
                period: profile.period,
                stack: id,
                end: stack.end,
                samples: stack.samples,
            };
            let (window, kind) = (profile.window, profile.kind);
            self.rows.push((window, kind, profile.session, row));
        }
    }

    pub fn name(&mut self, symbols: &Symbols) {
        let file = file_id(&symbols.binary);
        let known = self.content.files.entry(file);
        let known = known.or_insert_with(|| (symbols.binary.clone(), None));
        if let Some(missing) = &symbols.missing {
            known.1 = Some(Observed::raw(missing).to_owned());
        }
        for row in &symbols.rows {
            let place = (file, row.address);
            self.symbols.insert(place, row.functions.clone());
        }
    }

    pub fn builds(&self, kind: ProfileKind, since: TimeNs) -> Vec<ProfiledBuild> {
        let mut builds: BTreeMap<(InstanceId, &str), ProfiledBuild> = BTreeMap::new();
        for (window, of, session, row) in &self.rows {
            if *of != kind || *session != 0 || window.to <= since {
                continue;
            }
            let known = builds.entry((row.instance, &row.build));
            let known = known.or_insert_with(|| ProfiledBuild {
                instance: row.instance,
                build: row.build.clone(),
                first: window.from,
                last: window.to,
            });
            known.first = known.first.min(window.from);
            known.last = known.last.max(window.to);
        }
        builds.into_values().collect()
    }

    pub fn find(&self, filter: &ProfileFilter, within: impl Fn(TimeNs) -> bool) -> StoredProfile {
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        for (window, kind, session, row) in &self.rows {
            let instances = filter.instances.as_ref();
            let wanted = *kind == filter.kind
                && *session == filter.session
                && instances.is_none_or(|ids| ids.contains(&row.instance))
                && filter
                    .build
                    .as_ref()
                    .is_none_or(|build| *build == row.build);
            if wanted && within(window.to) {
                let key = (row.instance, &row.build, row.period, row.stack, row.end);
                *sums.entry(key).or_default() += row.samples;
            }
        }
        let row = |((instance, build, period, stack, end), samples): (_, u64)| ProfileRow {
            instance,
            build: String::clone(build),
            period,
            stack,
            end,
            samples,
        };
        let rows: Vec<ProfileRow> = sums.into_iter().map(row).collect();
        let mut found = StoredProfile::default();
        for id in rows.iter().map(|r| r.stack) {
            let stack = &self.content.stacks[&id];
            for place in &stack.1 {
                found
                    .files
                    .insert(place.0, self.content.files[&place.0].clone());
                if let Some(functions) = self.symbols.get(place) {
                    found.symbols.insert(*place, functions.clone());
                }
            }
            found.stacks.insert(id, stack.clone());
        }
        found.rows = rows;
        found
    }
}

//! Deployments that made something slower: a build that came lately is held against the one before it, function by function.

use super::profile::{self, Part};
use super::scope::Scope;
use super::target::{Build, pair, together};
use super::{Query, QueryError};
use coral_model::profile::{Flame, ProfileKind};
use coral_model::{AgentId, Event, EventKind, Observed, ServiceKey, TimeNs, Window};
use coral_report::flame::{Difference, grown};
use coral_store::{EventFilter, InstanceId, Level, ProfiledBuild, SeenInstance, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// A build is looked at for so long after it came.
const LATELY: Duration = Duration::from_secs(24 * 3600);
/// The one before it is looked for so much further back.
const BEFORE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Both are judged by at most so much of their time.
const LOOKED_AT: Duration = Duration::from_secs(3600);
/// With fewer samples of either nothing is said yet; at 19 Hz about half a minute of a processor.
const SAMPLES: u64 = 500;
/// Growth of a function's share that is worth an event, beyond what chance explains.
const GROWN: f64 = 0.02;
/// Functions that an event names.
const NAMED: usize = 3;
/// Regressions that are remembered as told.
const TOLD: usize = 10_000;
/// As much of a build id tells builds apart.
const SHORT: usize = 12;

/// The builds that were judged.
#[derive(Debug, Default)]
pub struct Judged(BTreeSet<(ServiceKey, String)>);

impl Query {
    /// The builds that came lately and spend more of their time somewhere than those before them, each once. Blocks.
    ///
    /// # Errors
    /// The store's.
    pub fn regressions(&self, judged: &mut Judged, now: TimeNs) -> Result<Vec<Event>, QueryError> {
        let window = Window {
            from: now.minus(LATELY),
            to: now,
        };
        let scope = Scope::new(&*self.store, &self.live, window, now)?;
        let since = window.from.minus(BEFORE);
        // Whole hours are enough to see that a build came, and the hour that goes on has finer rows anyway.
        let kind = ProfileKind::Cpu;
        let profiled = scope.snapshot().profiled_builds(kind, since, Level::Hour)?;
        let looked_at = Window {
            from: since,
            to: now,
        };
        let seen = scope.snapshot().instances(looked_at)?;
        let told = told(&scope, looked_at)?;
        let services = by_service(&seen, profiled);
        judged
            .0
            .retain(|(service, _)| services.contains_key(service));
        let mut events = vec![];
        for (service, builds) in services {
            let Some((runs, ran)) = pair(together(builds.into_iter()), window) else {
                continue;
            };
            let key = (service.clone(), runs.id.clone());
            let is_new = runs.first > window.from && ran.first < runs.first;
            if !is_new || judged.0.contains(&key) {
                continue;
            }
            let about = about(&service, &runs, &ran);
            if told
                .iter()
                .any(|known| known.text.raw().starts_with(&about))
            {
                judged.0.insert(key);
                continue;
            }
            let instances = || ids(&seen, &service);
            let Some(flame) = self.compared_builds((&runs, &ran), instances, now)? else {
                continue;
            };
            judged.0.insert(key);
            events.extend(event(&service, &flame, (&runs, &ran)));
        }
        Ok(events)
    }

    /// Both builds, when there are enough samples of each.
    fn compared_builds(
        &self,
        (runs, ran): (&Build, &Build),
        instances: impl Fn() -> Vec<InstanceId>,
        now: TimeNs,
    ) -> Result<Option<Flame>, QueryError> {
        let window = Window {
            from: runs.first,
            to: runs.last.min(runs.first.plus(LOOKED_AT)),
        };
        let length = Window {
            from: now.minus(LOOKED_AT),
            to: now,
        };
        let scope = Scope::new(&*self.store, &self.live, window, now)?;
        let before = self.before((runs, ran), length, now)?;
        let part = |build: &Build| Part::of(instances()).built(build.id.clone());
        let flame = profile::answer(
            (&scope, part(runs)),
            Some((&before, part(ran))),
            (ProfileKind::Cpu, 0),
        )?;
        let enough = flame.samples.min(flame.before_samples.unwrap_or(0)) >= SAMPLES;
        Ok(enough.then_some(flame))
    }
}

fn by_service(
    seen: &[SeenInstance],
    profiled: Vec<ProfiledBuild>,
) -> BTreeMap<ServiceKey, Vec<ProfiledBuild>> {
    let of: HashMap<InstanceId, &ServiceKey> =
        seen.iter().map(|s| (s.id, &s.instance.service)).collect();
    let mut services: BTreeMap<ServiceKey, Vec<ProfiledBuild>> = BTreeMap::new();
    for build in profiled {
        if let Some(&service) = of.get(&build.instance) {
            services.entry(service.clone()).or_default().push(build);
        }
    }
    services
}

fn ids(seen: &[SeenInstance], service: &ServiceKey) -> Vec<InstanceId> {
    let own = seen.iter().filter(|s| s.instance.service == *service);
    own.map(|s| s.id).collect()
}

/// The regressions that are written already, also by a colony before this one.
fn told(scope: &Scope<'_>, window: Window) -> Result<Vec<Event>, StoreError> {
    scope.snapshot().events(&EventFilter {
        window,
        services: vec![],
        kinds: vec![EventKind::Regression],
        limit: TOLD,
    })
}

/// How the text of a regression begins: what else it says depends on when it was judged.
fn about(service: &ServiceKey, runs: &Build, ran: &Build) -> String {
    let short = |build: &Build| build.id.chars().take(SHORT).collect::<String>();
    let name = service.name.visible();
    format!("{name}: build {} after {}: ", short(runs), short(ran))
}

fn event(service: &ServiceKey, flame: &Flame, (runs, ran): (&Build, &Build)) -> Option<Event> {
    let all = grown(flame).into_iter().filter(|d| d.grown() >= GROWN);
    let one = |d: Difference| {
        let name = flame.functions[d.function as usize].name.visible();
        format!("{name} {:.1} % -> {:.1} %", d.before * 100.0, d.now * 100.0)
    };
    let functions: Vec<String> = all.take(NAMED).map(one).collect();
    if functions.is_empty() {
        return None;
    }
    let about = about(service, runs, ran);
    let text = format!(
        "{about}more of its processor time in {}",
        functions.join(", ")
    );
    Some(Event {
        at: runs.first,
        until: None,
        kind: EventKind::Regression,
        agent: AgentId::new(crate::WRITER).ok()?,
        service: Some(service.clone()),
        instance: None,
        text: Observed::new(text),
    })
}

//! Whose processors a question is about, and what they are compared with: instances, and builds of them.

use super::profile::Part;
use super::scope::Scope;
use super::{Query, QueryError, hosts, names, sane};
use coral_model::profile::{ProfileKind, Target};
use coral_model::{AgentId, Compare, ServiceKey, TimeNs, Window};
use coral_store::{InstanceId, Level, ProfiledBuild, SeenInstance, StoreError};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A target among what is known.
#[derive(Clone)]
pub(super) struct Meant {
    services: Option<Vec<ServiceKey>>,
    agents: Option<Vec<AgentId>>,
    pid: Option<u32>,
    /// Those of this process are left out.
    but: Option<u32>,
}

/// Finds a target; processes that are not known yet are no error, a wish may be about them.
pub(super) fn meant(scope: &Scope<'_>, target: &Target) -> Result<Meant, QueryError> {
    let meant = Meant {
        services: names::optional(scope, target.service.as_deref())?,
        agents: match &target.host {
            Some(host) => Some(hosts::called(scope, host)?),
            None => None,
        },
        pid: target.pid,
        but: None,
    };
    if let (Some(pid), None) = (meant.pid, &meant.agents) {
        let agents = scope.instances().filter(|seen| meant.fits(seen));
        let agents: BTreeSet<&AgentId> = agents.map(|seen| &seen.instance.key.agent).collect();
        if agents.len() > 1 {
            let hosts = agents.into_iter().map(|agent| hosts::name(scope, agent));
            let hosts = hosts.map(|host| host.visible().into_owned()).collect();
            return Err(QueryError::TwoProcesses { pid, hosts });
        }
    }
    Ok(meant)
}

impl Meant {
    fn fits(&self, seen: &SeenInstance) -> bool {
        let (key, service) = (&seen.instance.key, &seen.instance.service);
        self.services.as_ref().is_none_or(|s| s.contains(service))
            && self.agents.as_ref().is_none_or(|a| a.contains(&key.agent))
            && self.pid.is_none_or(|pid| pid == key.pid)
            && self.but != Some(key.pid)
    }

    /// The instances of the scope's window.
    pub fn ids(&self, scope: &Scope<'_>) -> Vec<InstanceId> {
        let fitting = scope.instances().filter(|seen| self.fits(seen));
        fitting.map(|seen| seen.id).collect()
    }

    /// The build that runs in the window, and the one before it, which may have run at any time.
    fn two_builds(
        &self,
        scope: &Scope<'_>,
        target: &Target,
        kind: ProfileKind,
    ) -> Result<(Build, Build), QueryError> {
        let none = || QueryError::NoPreviousBuild(target.text());
        pair(self.builds(scope, kind)?, scope.window).ok_or_else(none)
    }

    fn builds(&self, scope: &Scope<'_>, kind: ProfileKind) -> Result<Vec<Build>, StoreError> {
        let ever = Window {
            from: super::BEGINNING,
            to: scope.window.to,
        };
        let seen = scope.snapshot().instances(ever)?;
        let fitting = seen
            .iter()
            .filter(|seen| self.fits(seen))
            .map(|seen| seen.id);
        let fitting: HashSet<InstanceId> = fitting.collect();
        let all = scope
            .snapshot()
            .profiled_builds(kind, super::BEGINNING, Level::TenSeconds)?;
        Ok(together(
            all.into_iter().filter(|b| fitting.contains(&b.instance)),
        ))
    }
}

/// A build, and when some instances ran it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Build {
    pub first: TimeNs,
    pub last: TimeNs,
    pub id: String,
}

/// The builds of instances, the one that was met first first; programs without a build id have none.
pub(super) fn together(all: impl Iterator<Item = ProfiledBuild>) -> Vec<Build> {
    let mut by_id: HashMap<String, Build> = HashMap::new();
    for build in all.filter(|b| !b.build.is_empty()) {
        let known = by_id.entry(build.build.clone()).or_insert_with(|| Build {
            first: build.first,
            last: build.last,
            id: build.build,
        });
        known.first = known.first.min(build.first);
        known.last = known.last.max(build.last);
    }
    let mut builds: Vec<Build> = by_id.into_values().collect();
    builds.sort();
    builds
}

/// The build that runs, and the one that ran before it.
pub(super) fn pair(builds: Vec<Build>, window: Window) -> Option<(Build, Build)> {
    let lasting = builds
        .iter()
        .rposition(|b| b.last > window.from && b.first <= window.to)?;
    let mut until = builds.into_iter().take(lasting + 1).rev();
    Some((until.next()?, until.next()?))
}

impl Query {
    /// The two parts of a comparison of profiles.
    pub(super) fn profiles<'a>(
        &'a self,
        now: TimeNs,
        scope: &'a Scope<'a>,
        (target, kind): (&Target, ProfileKind),
        compare: Option<Compare>,
    ) -> Result<(Part, Option<(Scope<'a>, Part)>), QueryError> {
        let mut meant = meant(scope, target)?;
        let all = |meant: &Meant, scope: &Scope<'_>| Part::of(meant.ids(scope));
        match compare {
            None => Ok((all(&meant, scope), None)),
            Some(Compare::PreviousBuild) => {
                let (runs, ran) = meant.two_builds(scope, target, kind)?;
                let earlier = self.before((&runs, &ran), scope.window, now)?;
                let before = all(&meant, &earlier).built(ran.id);
                Ok((all(&meant, scope).built(runs.id), Some((earlier, before))))
            }
            Some(Compare::Process(pid)) => {
                let earlier = self.earlier(Compare::With(scope.window), scope.window, now)?;
                let other = Meant {
                    pid: Some(pid),
                    ..meant.clone()
                };
                let before = all(&other, &earlier);
                meant.but = Some(pid);
                Ok((all(&meant, scope), Some((earlier, before))))
            }
            Some(compare) => {
                let earlier = self.earlier(compare, scope.window, now)?;
                let before = all(&meant, &earlier);
                Ok((all(&meant, scope), Some((earlier, before))))
            }
        }
    }

    /// The frame before a build was met first: as long as the window, where the one before it still ran.
    pub(super) fn before(
        &self,
        (runs, ran): (&Build, &Build),
        window: Window,
        now: TimeNs,
    ) -> Result<Scope<'_>, QueryError> {
        let to = ran.last.min(runs.first).min(window.to);
        let length = window.to.since(window.from);
        let window = Window {
            from: to.minus(length),
            to,
        };
        Scope::of_figures(&*self.store, &self.live, sane(window)?, now)
    }

    /// The frame that figures of a window are compared with.
    pub(super) fn compared(
        &self,
        compare: Option<Compare>,
        service: Option<&str>,
        scope: &Scope<'_>,
        now: TimeNs,
    ) -> Result<Option<Scope<'_>>, QueryError> {
        let earlier = match compare {
            None => return Ok(None),
            Some(Compare::Process(_)) => return Err(QueryError::ProfilesAlone),
            Some(Compare::PreviousBuild) => {
                let name = service.ok_or(QueryError::WhoseBuild)?;
                let target = Target::service(name);
                let meant = meant(scope, &target)?;
                let (runs, ran) = meant.two_builds(scope, &target, ProfileKind::Cpu)?;
                self.before((&runs, &ran), scope.window, now)?
            }
            Some(compare) => self.earlier(compare, scope.window, now)?,
        };
        Ok(Some(earlier))
    }
}

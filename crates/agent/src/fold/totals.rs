//! One interval of one process and side: exact totals per status class, and rows by route that add up to them.

use super::Key;
use crate::enrich::{Ends, InstanceId};
use crate::route::Routes;
use coral_model::summary::Counts;
use coral_model::{Histogram, Item, Method, Route, Side, StatusClass, Summary, Window};
use std::collections::{BTreeMap, HashMap};

type RouteKey = (Method, StatusClass, Route);

/// Exact counts and durations from the kernel's maps, routes from its records.
#[derive(Debug, Default, Clone)]
pub struct Totals {
    durations: BTreeMap<StatusClass, Histogram>,
    exact: BTreeMap<(Method, StatusClass), Counts>,
    routes: BTreeMap<RouteKey, (Counts, Histogram)>,
}

impl Totals {
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.routes.is_empty() && self.durations.is_empty()
    }

    pub fn count(&mut self, method: Method, class: StatusClass, counts: Counts) {
        self.exact.entry((method, class)).or_default().add(counts);
    }

    pub fn measure(&mut self, class: StatusClass, histogram: &Histogram) {
        self.durations.entry(class).or_default().merge(histogram);
    }

    pub fn route(
        &mut self,
        method: Method,
        class: StatusClass,
        route: Route,
        counts: Counts,
        duration_ns: Option<u64>,
    ) {
        let (sum, histogram) = self.routes.entry((method, class, route)).or_default();
        sum.add(counts);
        if let Some(ns) = duration_ns {
            histogram.record(ns);
        }
    }

    /// Writes the interval's rows. Returned are records whose counts come with the next interval: the two are read one
    /// after the other, and rows must add up.
    pub fn close(mut self, key: Key, window: Window, items: &mut Vec<Item>) -> Self {
        let mut ahead = Self::default();
        let mut by_class: BTreeMap<StatusClass, Counts> = BTreeMap::new();
        for ((method, class), exact) in std::mem::take(&mut self.exact) {
            by_class.entry(class).or_default().add(exact);
            self.split(key, window, (method, class), exact, &mut ahead, items);
        }
        // What is left had no count in this interval at all.
        for (route, sum) in std::mem::take(&mut self.routes) {
            ahead.routes.insert(route, sum);
        }
        for (class, counts) in by_class {
            let durations = self.durations.remove(&class).unwrap_or_default();
            items.push(row(
                key,
                window,
                Route::All,
                Method::Other,
                class,
                counts,
                durations,
            ));
        }
        for (class, durations) in self.durations {
            ahead.durations.insert(class, durations);
        }
        ahead
    }

    fn split(
        &mut self,
        key: Key,
        window: Window,
        (method, class): (Method, StatusClass),
        exact: Counts,
        ahead: &mut Self,
        items: &mut Vec<Item>,
    ) {
        let routes: Vec<RouteKey> = self
            .routes
            .keys()
            .filter(|(m, c, _)| (*m, *c) == (method, class))
            .cloned()
            .collect();
        let mut left = exact;
        for route in routes {
            let Some((mut sum, durations)) = self.routes.remove(&route) else {
                continue;
            };
            if sum.requests > left.requests {
                let over = minus(sum, left);
                ahead
                    .routes
                    .insert(route.clone(), (over, Histogram::default()));
                sum = minus(sum, over);
            }
            left = minus(left, sum);
            if sum.requests > 0 {
                items.push(row(key, window, route.2, method, class, sum, durations));
            }
        }
        if left.requests > 0 {
            items.push(row(
                key,
                window,
                Route::Unattributed,
                method,
                class,
                left,
                Histogram::default(),
            ));
        }
    }
}

fn minus(a: Counts, b: Counts) -> Counts {
    Counts {
        requests: a.requests.saturating_sub(b.requests),
        errors: a.errors.saturating_sub(b.errors),
        client_errors: a.client_errors.saturating_sub(b.client_errors),
    }
}

fn row(
    key: Key,
    window: Window,
    route: Route,
    method: Method,
    status_class: StatusClass,
    counts: Counts,
    durations: Histogram,
) -> Item {
    let (instance, side, protocol) = (key.instance.0, key.side, key.protocol);
    Item::Summary(Summary {
        window,
        instance,
        side,
        protocol,
        route,
        method,
        status_class,
        counts,
        durations,
    })
}

/// The route tables of every process and side, bounded each.
#[derive(Debug, Default)]
pub struct RouteTables(HashMap<(InstanceId, Side), Routes>);

impl RouteTables {
    pub fn of(&mut self, ends: &Ends, path: Option<&str>) -> Route {
        self.0.entry((ends.own, ends.side)).or_default().of(path)
    }
}

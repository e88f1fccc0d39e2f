//! Which services are shown, in which order, and what is wrong with each: worked out when something changed, not once a
//! frame, so that thousands of rows cost nothing while the cursor moves.

use super::filter::{Filter, Subject as _};
use super::picture::Picture;
use super::sort::{Sort, sort};
use super::trouble::{Level, Trouble, figures};
use super::usual::Usual;
use coral_model::answer::ServiceRow;
use coral_model::{ServiceClass, ServiceKey};
use coral_report::text;
use std::collections::HashMap;

/// What an order was worked out for.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    version: u64,
    usual: u64,
    filter: Filter,
    sort: Sort,
    all: bool,
}

/// What is known of a row apart from filter and sort.
#[derive(Debug, Clone)]
struct Seen {
    trouble: Trouble,
    /// Its place among all names.
    name: usize,
    /// What the filter looks at, in lower case.
    text: String,
    /// Columns of its name.
    width: usize,
}

/// An order of the services of one picture.
#[derive(Debug, Clone, Default)]
pub struct Order {
    made: Option<Made>,
    /// For which picture and which usual `seen` was worked out.
    version: Option<(u64, u64)>,
    seen: Vec<Seen>,
    /// Where each service stands in the picture.
    places: HashMap<ServiceKey, usize>,
    rows: Vec<usize>,
    worst: Option<usize>,
    folded: [usize; 3],
    total: usize,
    longest: usize,
}

impl Order {
    /// Works it out for what is shown now, unless it is already.
    pub fn update(
        &mut self,
        picture: &Picture,
        usual: &Usual,
        filter: &Filter,
        sort: Sort,
        all: bool,
    ) {
        let same = self.made.as_ref().is_some_and(|made| {
            (made.version, made.usual) == (picture.version, usual.version())
                && made.filter == *filter
                && made.sort == sort
                && made.all == all
        });
        if same {
            return;
        }
        let services = picture.services.as_ref().map_or(&[][..], |s| &s.rows);
        if self.version.map(|version| version.0) != Some(picture.version) {
            self.see(services);
        }
        let version = (picture.version, usual.version());
        if self.version != Some(version) {
            self.judge(services, usual);
            self.version = Some(version);
        }
        self.arrange(services, filter, sort, all);
        self.made = Some(Made {
            version: picture.version,
            usual: usual.version(),
            filter: filter.clone(),
            sort,
            all,
        });
    }

    /// What is wrong with each; done again when it is known what is usual, unlike the rest.
    fn judge(&mut self, services: &[ServiceRow], usual: &Usual) {
        for (seen, row) in self.seen.iter_mut().zip(services) {
            seen.trouble = Trouble::of(row, usual.p95(&row.service));
        }
        self.worst = worst(services, &self.seen);
    }

    fn see(&mut self, services: &[ServiceRow]) {
        let names: Vec<String> = services.iter().map(|r| text::service(&r.service)).collect();
        let mut by_name: Vec<usize> = (0..services.len()).collect();
        by_name.sort_by(|&a, &b| names[a].cmp(&names[b]));
        let mut place = vec![0; services.len()];
        for (i, row) in by_name.into_iter().enumerate() {
            place[row] = i;
        }
        let seen = |(i, row): (usize, &ServiceRow)| Seen {
            trouble: Trouble::None,
            name: place[i],
            text: row.text().to_lowercase(),
            width: text::width(&names[i]) + if only_calls(row) { CALLS.len() } else { 0 },
        };
        self.seen = services.iter().enumerate().map(seen).collect();
        let key = |(i, row): (usize, &ServiceRow)| (row.service.clone(), i);
        self.places = services.iter().enumerate().map(key).collect();
    }

    fn arrange(&mut self, services: &[ServiceRow], filter: &Filter, by: Sort, all: bool) {
        (self.rows, self.folded) = (vec![], [0; 3]);
        (self.total, self.longest) = (0, 0);
        for (place, (row, seen)) in services.iter().zip(&self.seen).enumerate() {
            match fold(row.class).filter(|_| !all) {
                Some(class) => self.folded[class] += 1,
                None => {
                    self.total += 1;
                    if filter.passes_text(&seen.text, |field| row.figure(field)) {
                        self.rows.push(place);
                        self.longest = self.longest.max(seen.width);
                    }
                }
            }
        }
        let seen = &self.seen;
        let rank = |place: usize| (seen[place].trouble.level(), seen[place].name);
        sort(&mut self.rows, services, rank, by);
    }

    /// The row at this place of the order.
    pub fn row<'a>(&self, picture: &'a Picture, place: usize) -> Option<&'a ServiceRow> {
        let services = picture.services.as_ref()?;
        services.rows.get(*self.rows.get(place)?)
    }

    /// What is wrong with the row at this place of the order.
    pub fn trouble(&self, place: usize) -> Trouble {
        let row = self.rows.get(place).copied();
        let seen = row.and_then(|row| self.seen.get(row));
        seen.map_or(Trouble::None, |seen| seen.trouble)
    }

    /// The row of a service, also of one that is not shown, and what is wrong with it.
    pub fn find<'a>(
        &self,
        picture: &'a Picture,
        service: &ServiceKey,
    ) -> Option<(&'a ServiceRow, Trouble)> {
        let place = *self.places.get(service)?;
        let row = picture.services.as_ref()?.rows.get(place)?;
        (row.service == *service).then_some((row, self.seen.get(place)?.trouble))
    }

    /// How many services are folded away: system, coral, outside; and how many there would be without the filter.
    pub fn left_out(&self) -> ([usize; 3], usize) {
        (self.folded, self.total)
    }

    /// Columns of the longest name that is shown.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// How many rows are shown.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// All services with what is wrong with them, also those that are not shown.
    pub fn troubles<'a>(
        &'a self,
        picture: &'a Picture,
    ) -> impl Iterator<Item = (&'a ServiceRow, Trouble)> {
        let services = picture.services.iter().flat_map(|s| &s.rows);
        services.zip(self.seen.iter().map(|seen| seen.trouble))
    }

    /// The service in the worst trouble; the busiest of several.
    pub fn worst<'a>(&self, picture: &'a Picture) -> Option<(&'a ServiceRow, Trouble)> {
        let place = self.worst?;
        let row = picture.services.as_ref()?.rows.get(place)?;
        Some((row, self.seen.get(place)?.trouble))
    }
}

/// What stands after the name of a service that is judged by what it sent.
pub const CALLS: &str = " (calls)";

/// Whether it served nothing, but sent something.
pub fn only_calls(row: &ServiceRow) -> bool {
    row.server.is_none() && row.client.is_some()
}

fn fold(class: ServiceClass) -> Option<usize> {
    match class {
        ServiceClass::App => None,
        ServiceClass::System => Some(0),
        ServiceClass::Coral => Some(1),
        ServiceClass::Outside => Some(2),
    }
}

fn worst(services: &[ServiceRow], seen: &[Seen]) -> Option<usize> {
    let rate = |place: usize| figures(&services[place]).and_then(|r| r.rate_per_s);
    let level = |place: usize| seen[place].trouble.level();
    (0..services.len().min(seen.len()))
        .filter(|&place| level(place) > Level::Fine)
        .max_by(|&a, &b| {
            let (fast_a, fast_b) = (rate(a).unwrap_or(0.0), rate(b).unwrap_or(0.0));
            level(a)
                .cmp(&level(b))
                .then_with(|| fast_a.total_cmp(&fast_b))
        })
}

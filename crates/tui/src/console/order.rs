//! Which services are shown, in which order, and what is wrong with each: worked out when something changed, not once a
//! frame, so that thousands of rows cost nothing while the cursor moves.

use super::filter::Filter;
use super::picture::Picture;
use super::sort::{Sort, sort};
use super::trouble::{Level, Trouble, figures};
use coral_model::ServiceClass;
use coral_model::answer::ServiceRow;
use coral_report::text;

/// What an order was worked out for.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    version: u64,
    filter: Filter,
    sort: Sort,
    all: bool,
}

/// An order of the services of one picture.
#[derive(Debug, Clone, Default)]
pub struct Order {
    made: Option<Made>,
    rows: Vec<usize>,
    troubles: Vec<Trouble>,
    worst: Option<usize>,
    folded: [usize; 3],
    total: usize,
    longest: usize,
}

impl Order {
    /// Works it out for what is shown now, unless it is already.
    pub fn update(&mut self, picture: &Picture, filter: &Filter, sort: Sort, all: bool) {
        let same = self.made.as_ref().is_some_and(|made| {
            made.version == picture.version
                && made.filter == *filter
                && made.sort == sort
                && made.all == all
        });
        if !same {
            *self = Self::make(picture, filter, sort, all);
        }
    }

    fn make(picture: &Picture, filter: &Filter, by: Sort, all: bool) -> Self {
        let services = picture.services.as_ref().map_or(&[][..], |s| &s.rows);
        let mut order = Self {
            made: Some(Made {
                version: picture.version,
                filter: filter.clone(),
                sort: by,
                all,
            }),
            troubles: services.iter().map(Trouble::of).collect(),
            ..Self::default()
        };
        for (place, row) in services.iter().enumerate() {
            match fold(row.class).filter(|_| !all) {
                Some(class) => order.folded[class] += 1,
                None => {
                    order.total += 1;
                    if filter.passes(&row) {
                        order.rows.push(place);
                        order.longest = order.longest.max(name_width(row));
                    }
                }
            }
        }
        sort(&mut order.rows, services, &order.troubles, by);
        order.worst = worst(services, &order.troubles);
        order
    }

    /// The row at this place of the order.
    pub fn row<'a>(&self, picture: &'a Picture, place: usize) -> Option<&'a ServiceRow> {
        let services = picture.services.as_ref()?;
        services.rows.get(*self.rows.get(place)?)
    }

    /// What is wrong with the row at this place of the order.
    pub fn trouble(&self, place: usize) -> Trouble {
        let row = self.rows.get(place).copied();
        let trouble = row.and_then(|row| self.troubles.get(row));
        trouble.copied().unwrap_or(Trouble::None)
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
        &self,
        picture: &'a Picture,
    ) -> impl Iterator<Item = (&'a ServiceRow, Trouble)> {
        let services = picture.services.iter().flat_map(|s| &s.rows);
        services.zip(self.troubles.to_vec())
    }

    /// The service in the worst trouble; the busiest of several.
    pub fn worst<'a>(&self, picture: &'a Picture) -> Option<(&'a ServiceRow, Trouble)> {
        let place = self.worst?;
        let row = picture.services.as_ref()?.rows.get(place)?;
        Some((row, *self.troubles.get(place)?))
    }
}

/// What stands after the name of a service that is judged by what it sent.
pub const CALLS: &str = " (calls)";

/// Whether it served nothing, but sent something.
pub fn only_calls(row: &ServiceRow) -> bool {
    row.server.is_none() && row.client.is_some()
}

fn name_width(row: &ServiceRow) -> usize {
    let note = if only_calls(row) { CALLS.len() } else { 0 };
    text::width(&text::service(&row.service)) + note
}

fn fold(class: ServiceClass) -> Option<usize> {
    match class {
        ServiceClass::App => None,
        ServiceClass::System => Some(0),
        ServiceClass::Coral => Some(1),
        ServiceClass::Outside => Some(2),
    }
}

fn worst(services: &[ServiceRow], troubles: &[Trouble]) -> Option<usize> {
    let rate = |place: usize| figures(&services[place]).and_then(|r| r.rate_per_s);
    (0..services.len().min(troubles.len()))
        .filter(|&place| troubles[place].level() > Level::Fine)
        .max_by(|&a, &b| {
            let levels = troubles[a].level().cmp(&troubles[b].level());
            let (a, b) = (rate(a).unwrap_or(0.0), rate(b).unwrap_or(0.0));
            levels.then_with(|| a.total_cmp(&b))
        })
}

//! Which services are shown, in which order, and what is wrong with each: worked out when something changed, not once a
//! frame, so that thousands of rows cost nothing while the cursor moves.

use super::filter::Filter;
use super::picture::Picture;
use super::sort::{Sort, sort};
use super::trouble::{Level, Trouble, figures};
use coral_model::ServiceClass;
use coral_model::answer::ServiceRow;

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
}

/// The services that are shown, and how many are not.
#[derive(Debug)]
pub struct ServiceList<'a> {
    /// In their order.
    pub rows: Vec<&'a ServiceRow>,
    /// What is wrong with each of them.
    pub troubles: Vec<Trouble>,
    /// Folded away: system, coral, outside.
    pub folded: [usize; 3],
    /// How many there would be without the filter.
    pub total: usize,
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
                    }
                }
            }
        }
        sort(&mut order.rows, services, &order.troubles, by);
        order.worst = worst(services, &order.troubles);
        order
    }

    /// The rows of the picture that it was worked out for.
    pub fn list<'a>(&self, picture: &'a Picture) -> ServiceList<'a> {
        let services = picture.services.as_ref().map_or(&[][..], |s| &s.rows);
        let pick = |&place: &usize| Some((services.get(place)?, *self.troubles.get(place)?));
        let (rows, troubles) = self.rows.iter().filter_map(pick).unzip();
        ServiceList {
            rows,
            troubles,
            folded: self.folded,
            total: self.total,
        }
    }

    /// The row at this place of the order.
    pub fn row<'a>(&self, picture: &'a Picture, place: usize) -> Option<&'a ServiceRow> {
        let services = picture.services.as_ref()?;
        services.rows.get(*self.rows.get(place)?)
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

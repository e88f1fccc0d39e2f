//! Batches that went for lack of room. One that was on its way to the colony may have arrived all the same: what became of
//! it is known only when the colony says how far it has the run, and until then it is not counted.

use crate::spool::{Dropped, Id};

/// What was lost, and what may have been.
#[derive(Debug, Default)]
pub struct Losses {
    /// Summaries lost since the start.
    pub summaries: u64,
    /// Lost, and not told yet.
    untold: Dropped,
    /// Dropped while on their way.
    unsure: Vec<(Id, Dropped)>,
    /// The newest batch that was handed to the stream.
    handed: Id,
    /// Whether the colony has answered since something was lost: before that an event about it could only be lost as well.
    heard: bool,
}

impl Losses {
    /// A batch was dropped.
    pub fn note(&mut self, id: Id, dropped: Dropped) {
        if id <= self.handed {
            self.unsure.push((id, dropped));
        } else {
            self.lose(dropped);
        }
    }

    fn lose(&mut self, dropped: Dropped) {
        self.summaries += dropped.summaries;
        self.untold.add(dropped);
        self.heard = false;
    }

    /// A batch is on its way.
    pub fn hand(&mut self, id: Id) {
        self.handed = self.handed.max(id);
    }

    /// A stream begins: the colony has its run up to `id`, and nothing is on its way.
    pub fn resume(&mut self, id: Id) {
        for (dropped, what) in std::mem::take(&mut self.unsure) {
            let arrived = dropped.epoch == id.epoch && dropped <= id;
            if !arrived {
                self.lose(what);
            }
        }
        self.handed = id;
        self.heard = true;
    }

    /// The colony has stored all up to `id` that was on its way.
    pub fn acknowledge(&mut self, id: Id) {
        self.unsure.retain(|(dropped, _)| *dropped > id);
        self.heard = true;
    }

    /// What was lost since the last time, once the colony is there to hear of it.
    pub fn tell(&mut self) -> Option<Dropped> {
        let lost = self.heard && self.untold.summaries > 0;
        lost.then(|| std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Requests;

    fn id(seq: u64) -> Id {
        Id { epoch: 1, seq }
    }

    fn requests(served: u64) -> Dropped {
        Dropped {
            summaries: 1,
            requests: Requests { served, made: 0 },
            ..Dropped::default()
        }
    }

    #[test]
    fn what_arrived_after_all_is_no_loss_and_the_rest_is_told_once() {
        let mut losses = Losses::default();
        losses.resume(id(0));
        (1..=4).for_each(|seq| losses.hand(id(seq)));
        // All go; four of them were on their way when the colony died, and it had stored two.
        (1..=6).for_each(|seq| losses.note(id(seq), requests(1 << seq)));
        assert_eq!((losses.summaries, losses.tell()), (2, None));
        losses.resume(id(2));
        assert_eq!(losses.summaries, 4);
        let told = losses.tell().unwrap();
        assert_eq!(told.requests.served, 8 + 16 + 32 + 64);
        assert_eq!(losses.tell(), None);
    }

    #[test]
    fn an_acknowledgement_speaks_for_what_was_on_its_way() {
        let mut losses = Losses::default();
        (1..=2).for_each(|seq| losses.hand(id(seq)));
        (1..=2).for_each(|seq| losses.note(id(seq), requests(1)));
        losses.acknowledge(id(1));
        assert_eq!((losses.summaries, losses.tell()), (0, None));
        losses.resume(id(1));
        assert_eq!(losses.tell().map(|told| told.requests.served), Some(1));
    }
}

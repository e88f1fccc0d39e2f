//! The cursor of a list: it stays on its row while rows come, go and change places.

/// A cursor and the first row on the screen.
#[derive(Debug, Clone)]
pub struct Select<K> {
    /// The row it was put on; `None` follows the top row, whatever it is.
    key: Option<K>,
    index: usize,
    offset: usize,
}

impl<K> Default for Select<K> {
    fn default() -> Self {
        Self {
            key: None,
            index: 0,
            offset: 0,
        }
    }
}

impl<K: Clone + PartialEq> Select<K> {
    /// Where the cursor is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The first row on the screen.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Puts the cursor on a row by its key, also before that row is there.
    pub fn put(&mut self, key: K) {
        self.key = Some(key);
    }

    /// The row that the cursor was put on.
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// Puts the cursor on the row at this place, which has this key.
    pub fn go(&mut self, index: usize, key: Option<K>) {
        self.index = index;
        self.key = key;
    }

    /// Takes in where the row is now among `count` rows, and brings it onto a screen of `height` rows. A row that is gone
    /// leaves the cursor in its place.
    pub fn settle(&mut self, place: Option<usize>, count: usize, height: usize) {
        self.index = match &self.key {
            None => 0,
            Some(_) => place.unwrap_or(self.index).min(count.saturating_sub(1)),
        };
        let height = height.max(1);
        let lowest = (self.index + 1).saturating_sub(height);
        self.offset = self.offset.clamp(lowest, self.index);
        self.offset = self.offset.min(count.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(select: &mut Select<&'static str>, keys: &[&'static str]) -> (usize, usize) {
        let place = select
            .key()
            .and_then(|key| keys.iter().position(|k| k == key));
        select.settle(place, keys.len(), 2);
        (select.index(), select.offset())
    }

    #[test]
    fn the_cursor_keeps_its_row_and_follows_the_top_until_it_is_moved() {
        let mut select = Select::default();
        assert_eq!(settle(&mut select, &["a", "b", "c"]), (0, 0));
        assert_eq!(settle(&mut select, &["x", "a", "b", "c"]), (0, 0));
        select.go(3, Some("c"));
        assert_eq!(settle(&mut select, &["x", "a", "b", "c"]), (3, 2));
        assert_eq!(settle(&mut select, &["c", "x", "a", "b"]), (0, 0));
        assert_eq!(settle(&mut select, &["x", "a"]), (0, 0));
        select.go(1, Some("a"));
        assert_eq!(settle(&mut select, &["b", "c", "d"]), (1, 0));
        assert_eq!(settle(&mut select, &[]), (0, 0));
    }
}

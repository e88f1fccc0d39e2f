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

    /// Puts the cursor on a row by its place.
    pub fn go(&mut self, index: usize, keys: &[K]) {
        self.index = index.min(keys.len().saturating_sub(1));
        self.key = keys.get(self.index).cloned();
    }

    /// Moves the cursor, not past the ends.
    pub fn step(&mut self, by: isize, keys: &[K]) {
        self.go(self.index.saturating_add_signed(by), keys);
    }

    /// Finds the row again among the rows of now, and brings it onto a screen of `height` rows. A row that is gone leaves
    /// the cursor in its place.
    pub fn settle(&mut self, keys: &[K], height: usize) {
        let last = keys.len().saturating_sub(1);
        self.index = match &self.key {
            None => 0,
            Some(key) => keys
                .iter()
                .position(|k| k == key)
                .unwrap_or(self.index)
                .min(last),
        };
        let height = height.max(1);
        let lowest = (self.index + 1).saturating_sub(height);
        self.offset = self.offset.clamp(lowest, self.index);
        self.offset = self.offset.min(keys.len().saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_keeps_its_row_and_follows_the_top_until_it_is_moved() {
        let mut select = Select::default();
        select.settle(&["a", "b", "c"], 2);
        assert_eq!((select.index(), select.offset()), (0, 0));
        select.settle(&["x", "a", "b", "c"], 2);
        assert_eq!(select.index(), 0);
        select.step(3, &["x", "a", "b", "c"]);
        select.settle(&["x", "a", "b", "c"], 2);
        assert_eq!((select.index(), select.offset()), (3, 2));
        select.settle(&["c", "x", "a", "b"], 2);
        assert_eq!((select.index(), select.offset()), (0, 0));
        select.settle(&["x", "a"], 2);
        assert_eq!(select.index(), 0);
        select.step(-5, &["x", "a"]);
        select.settle(&[], 2);
        assert_eq!((select.index(), select.offset()), (0, 0));
    }
}

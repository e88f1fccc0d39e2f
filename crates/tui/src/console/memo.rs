//! A value that is worked out once for what it is made of.

/// The value, and for what it was made.
#[derive(Debug, Clone)]
pub struct Memo<K, V> {
    made: Option<K>,
    value: V,
}

impl<K, V: Default> Default for Memo<K, V> {
    fn default() -> Self {
        Self {
            made: None,
            value: V::default(),
        }
    }
}

impl<K: PartialEq, V> Memo<K, V> {
    /// Works it out, unless it is already.
    pub fn update(&mut self, key: K, make: impl FnOnce() -> V) {
        if self.made.as_ref() != Some(&key) {
            self.value = make();
            self.made = Some(key);
        }
    }

    /// The value.
    pub fn get(&self) -> &V {
        &self.value
    }
}

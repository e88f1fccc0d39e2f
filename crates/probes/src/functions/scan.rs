//! Finds a text in another without regard to case, eight bytes at a time.

/// How seldom letters are in names, most frequent first; signs and digits are taken as frequent.
const FREQUENT: &[u8] = b"etrnisaocldpumfgbhvykwxzjq";
const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// A letter without case.
pub(super) fn fold(byte: u8) -> u8 {
    byte.to_ascii_lowercase()
}

/// What is looked for.
pub(super) struct Needle {
    folded: Vec<u8>,
    /// The place of the character that is looked for first: the one that is found least.
    anchor: usize,
}

impl Needle {
    pub fn of(text: &[u8]) -> Self {
        let folded: Vec<u8> = text.iter().copied().map(fold).collect();
        let seldom = |byte: u8| FREQUENT.iter().position(|frequent| *frequent == byte);
        let anchor = (0..folded.len()).max_by_key(|at| seldom(folded[*at]));
        Self {
            anchor: anchor.unwrap_or(0),
            folded,
        }
    }

    /// Where it is in a text, from its beginning on.
    pub fn find_all(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let mut from = self.anchor;
        let anchor = self.folded.get(self.anchor).copied();
        std::iter::from_fn(move || {
            let anchor = anchor?;
            loop {
                let found = from + find(text.get(from..)?, anchor)?;
                from = found + 1;
                let start = found - self.anchor;
                let part = text.get(start..start + self.folded.len())?;
                if part.eq_ignore_ascii_case(&self.folded) {
                    return Some(start);
                }
            }
        })
    }
}

/// The first place of a folded character.
fn find(text: &[u8], folded: u8) -> Option<usize> {
    let case = if folded.is_ascii_lowercase() { 0x20 } else { 0 };
    let (cases, wanted) = (ONES * case, ONES * u64::from(folded));
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let differs = (u64::from_le_bytes(*word) | cases) ^ wanted;
        let is_zero = differs.wrapping_sub(ONES) & !differs & HIGHS;
        if is_zero != 0 {
            return Some(number * 8 + (is_zero.trailing_zeros() / 8) as usize);
        }
    }
    let found = rest.iter().position(|byte| fold(*byte) == folded);
    found.map(|at| words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_found_wherever_it_is() {
        let all = |needle: &str, text: &str| {
            let needle = Needle::of(needle.as_bytes());
            needle.find_all(text.as_bytes()).collect::<Vec<_>>()
        };
        assert_eq!(all("ab", "xAb_aB_abcdefgh_ab"), [1, 4, 7, 16]);
        assert_eq!(all("@", "`@`@"), [1, 3]);
        assert_eq!(all("aa", "aaa"), [0, 1]);
        assert!(all("", "abc").is_empty() && all("abc", "ab").is_empty());
    }

    proptest! {
        #[test]
        fn as_the_plain_way_finds_it(text in "[a-dA-D_:@`\u{e9}]{0,40}", needle in "[a-dA-D_@`]{1,3}") {
            let (text, needle) = (text.as_bytes(), needle.as_bytes());
            let is_at = |at: &usize| text[*at..].len() >= needle.len()
                && text[*at..*at + needle.len()].eq_ignore_ascii_case(needle);
            let plain: Vec<usize> = (0..text.len()).filter(is_at).collect();
            prop_assert_eq!(Needle::of(needle).find_all(text).collect::<Vec<_>>(), plain);
        }
    }
}

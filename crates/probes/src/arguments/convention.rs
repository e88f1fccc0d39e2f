//! Where the parts of a value are, and the registers and stack words that are left for the next one.

/// Where a part of a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// In a register, by its number in DWARF.
    Register(u8),
    /// In memory that a register points to.
    Memory { register: u8, offset: i32 },
    /// So many bytes behind the return address.
    Stack(u32),
    /// In a register for floating point.
    Float,
    /// It cannot be told.
    Nowhere,
}

/// A part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Which bytes of the value, from here on.
    pub offset: u64,
    /// Where they are.
    pub spot: Spot,
}

impl Part {
    pub fn whole(spot: Spot) -> Vec<Self> {
        vec![Self { offset: 0, spot }]
    }
}

/// What is left for further arguments.
#[derive(Debug, Clone)]
pub(super) struct Left {
    integers: &'static [u8],
    used: usize,
    floats: usize,
    stack: u32,
}

impl Left {
    pub fn new(integers: &'static [u8], floats: usize) -> Self {
        Self {
            integers,
            used: 0,
            floats,
            stack: 0,
        }
    }

    /// How many registers are left, for integers and for floating point.
    pub fn count(&self) -> (usize, usize) {
        (self.integers.len() - self.used, self.floats)
    }

    /// The next register.
    pub fn integer(&mut self) -> Option<u8> {
        let register = self.integers.get(self.used).copied()?;
        self.used += 1;
        Some(register)
    }

    /// The next register for floating point.
    pub fn float(&mut self) -> Option<Spot> {
        self.floats = self.floats.checked_sub(1)?;
        Some(Spot::Float)
    }

    /// The next bytes of the stack.
    pub fn stack(&mut self, bytes: u64, align: u32) -> Spot {
        let begin = self.stack.next_multiple_of(align.clamp(1, 64));
        let bytes = u32::try_from(bytes).ok().filter(|bytes| *bytes < 1 << 20);
        match bytes.and_then(|bytes| begin.checked_add(bytes)) {
            Some(end) => {
                self.stack = end;
                Spot::Stack(begin)
            }
            None => Spot::Nowhere,
        }
    }
}

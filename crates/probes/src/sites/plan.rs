//! Where a function is probed, all together, and what that is expected to cost.

use super::code::Code;
use super::entry::entry;
use super::exits::Search;
use super::{Around, Entry, Exit, Extent, Function, Kind, Landing, Obstacle, Returns};
use super::{STEPPED_NS, URETPROBE_NS, Wanted};

/// Where a function is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where it begins.
    pub entry: Entry,
    /// How its end is seen, if that is wanted.
    pub returns: Option<Returns>,
}

impl Plan {
    /// What a call is expected to cost in the kernel, ns, without the work of the programs behind the sites.
    pub fn predicted_ns(&self) -> u64 {
        let entry = self.entry.kind.predicted_ns();
        let dearest = |exits: &[Exit]| exits.iter().map(|exit| exit.kind.predicted_ns()).max();
        entry
            + match &self.returns {
                Some(Returns::Uretprobe) => URETPROBE_NS,
                Some(Returns::Sites(exits)) => dearest(exits).unwrap_or_default(),
                Some(Returns::EntryOnly(_)) | None => 0,
            }
    }
}

/// Where a function is probed. `can_unwind`: an exception may pass its frame, or its stack may be moved or left, so that
/// the kernel may not replace its return address.
pub fn plan(
    function: &Function<'_>,
    around: &dyn Around,
    can_unwind: bool,
    wanted: Wanted,
) -> Result<Plan, Obstacle> {
    let by_kernel = wanted.end && !can_unwind && !function.is_go;
    // Also where only the entry is wanted: what is jumped to is only known when all parts and tables are.
    match Search::of(Code::of(function, around)?, around).all() {
        Ok((exits, code)) => {
            let returns = match (by_kernel, exits.is_empty()) {
                (true, _) => Returns::Uretprobe,
                (false, true) => Returns::EntryOnly(Obstacle::NoExit),
                (false, false) => Returns::Sites(exits),
            };
            Ok(Plan {
                entry: entry(&code, wanted.registers, by_kernel)?,
                returns: wanted.end.then_some(returns),
            })
        }
        Err(obstacle) => {
            let returns = match by_kernel {
                true => Returns::Uretprobe,
                false => Returns::EntryOnly(obstacle),
            };
            Ok(Plan {
                entry: entry(&Code::of(function, around)?, wanted.registers, by_kernel)?,
                returns: wanted.end.then_some(returns),
            })
        }
    }
}

/// Nothing but the bytes themselves, as if the file held only them.
struct Alone<'a>(&'a [u8]);

/// Where they are said to lie.
const AT: u64 = 0x1000;

impl Around for Alone<'_> {
    fn bytes(&self, address: u64) -> Option<&[u8]> {
        self.0
            .get(usize::try_from(address.checked_sub(AT)?).ok()?..)
    }

    fn extent(&self, address: u64) -> Option<Extent> {
        let end = AT + self.0.len() as u64;
        let start = address & !0x3f;
        (AT..end).contains(&start).then(|| Extent {
            start,
            end: end.min(start + 0x40),
            is_function: address & 0x40 == 0,
            is_cold: address & 0x80 == 0,
        })
    }

    fn landings(&self, start: u64) -> Vec<Landing> {
        let landing = |to| Landing {
            calls: start..start + 0x40,
            to,
        };
        self.bytes(start)
            .map(|bytes| landing(AT + u64::from(bytes[0])))
            .into_iter()
            .collect()
    }
}

/// Any bytes are a function with sites inside of it, or with an obstacle.
pub fn fuzz(bytes: &[u8]) {
    let (Some(first), around) = (bytes.first(), Alone(bytes)) else {
        return;
    };
    let own = bytes.len().min(64 + usize::from(*first) * 4);
    let function = Function {
        address: AT,
        bytes: &bytes[..own],
        is_go: first & 1 == 1,
    };
    let all = Wanted::arguments(function.is_go);
    for (registers, end) in [(0, false), (1 << 5, false), (all, true)] {
        let wanted = Wanted { registers, end };
        let Ok(plan) = plan(&function, &around, first & 2 == 0, wanted) else {
            continue;
        };
        assert!((AT..AT + own as u64).contains(&plan.entry.address));
        assert!(plan.predicted_ns() <= 2 * STEPPED_NS);
        if let Some(Returns::Sites(exits)) = plan.returns {
            let is_inside = |exit: &Exit| around.bytes(exit.address).is_some();
            assert!(exits.iter().all(is_inside));
            assert!(plan.entry.kind == Kind::Stepped || plan.entry.to_base >= 0 || first & 1 == 1);
        }
    }
}

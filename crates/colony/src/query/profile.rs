//! Where processors were in a service's code: stored stacks become stacks of functions, those of a call that was made part
//! of its caller as well. Stacks that read alike are one.

use super::scope::Scope;
use coral_model::Observed;
use coral_model::profile::{
    Binary, Flame, FlameFunction, FlameStack, MissingNames, ProfileKind, StackEnd, Unwind,
};
use coral_store::{InstanceId, Place, ProfileFilter, ProfileRow, StoreError, StoredProfile};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The outermost functions of programs and threads: a stack that begins with one is whole.
const BEGINS: [&str; 13] = [
    "_start",
    "main",
    "__libc_start_main",
    "__libc_start_call_main",
    "clone3",
    "__clone3",
    "clone",
    "__clone",
    "start_thread",
    "runtime.goexit",
    "runtime.mstart",
    "runtime.rt0_go",
    "_rt0_amd64_linux",
];

/// Which samples of a stretch.
pub(super) struct Part {
    instances: Vec<InstanceId>,
    /// Of this build alone.
    build: Option<String>,
}

impl Part {
    /// Those of these instances.
    pub const fn of(instances: Vec<InstanceId>) -> Self {
        Self {
            instances,
            build: None,
        }
    }

    /// Those of one build.
    #[must_use]
    pub fn built(self, build: String) -> Self {
        Self {
            build: Some(build),
            ..self
        }
    }
}

/// The samples of a part, beside those of another.
pub(super) fn answer(
    (scope, part): (&Scope<'_>, Part),
    earlier: Option<(&Scope<'_>, Part)>,
    (kind, session): (ProfileKind, u64),
) -> Result<Flame, StoreError> {
    let read = |scope: &Scope<'_>, part: Part| {
        scope.snapshot().profile(&ProfileFilter {
            window: scope.window,
            // A session is about nobody else, and knows processes that have no instance of their own.
            instances: (session == 0).then_some(part.instances),
            build: part.build,
            kind,
            session,
        })
    };
    let mut build = Build {
        are_builds_compared: part.build.is_some(),
        ..Build::default()
    };
    build.add(&read(scope, part)?);
    let is_compared = earlier.is_some();
    if let Some((scope, part)) = earlier {
        build.compare(&read(scope, part)?);
    }
    Ok(build.flame(is_compared))
}

/// How often a stack was met, now and before.
#[derive(Default)]
struct Sum {
    samples: u64,
    weight_ns: u64,
    before: u64,
}

/// Which functions are one, whatever line of them is met.
type Identity = (Observed, Option<Observed>, Observed, bool, bool);

#[derive(Default)]
struct Build {
    /// Builds lie in other folders than those before them: their functions are known by their names alone.
    are_builds_compared: bool,
    numbers: HashMap<Identity, u32>,
    functions: Vec<FlameFunction>,
    /// How often each line of a function was met.
    lines: HashMap<(u32, u32), u64>,
    sums: BTreeMap<(Observed, Vec<u32>), Sum>,
    unwind: Unwind,
    missing: BTreeMap<Observed, MissingNames>,
    instances: BTreeSet<u32>,
    builds: BTreeSet<String>,
    before_builds: BTreeSet<String>,
    samples: u64,
    before: u64,
    longest_ns: u64,
}

impl Build {
    fn add(&mut self, stored: &StoredProfile) {
        self.each(stored, |build, row, stack| {
            let period_ns = row.period.as_nanos() as u64;
            let sum = build.sums.entry(stack.key()).or_default();
            sum.samples += row.samples;
            sum.weight_ns += row.samples.saturating_mul(period_ns);
            for place in &stack.lines {
                *build.lines.entry(*place).or_default() += row.samples;
            }
            build.samples += row.samples;
            build.instances.insert(row.instance.0);
            if !row.build.is_empty() {
                build.builds.insert(row.build.clone());
            }
            build.longest_ns = build.longest_ns.max(period_ns);
            build.walked(stack, row.end, row.samples);
        });
    }

    fn compare(&mut self, stored: &StoredProfile) {
        self.each(stored, |build, row, stack| {
            build.sums.entry(stack.key()).or_default().before += row.samples;
            build.before += row.samples;
            if !row.build.is_empty() {
                build.before_builds.insert(row.build.clone());
            }
        });
    }

    /// Goes through the rows, each with its stack as functions.
    fn each(&mut self, stored: &StoredProfile, take: impl Fn(&mut Self, &ProfileRow, &Named)) {
        let mut named: HashMap<u64, Named> = HashMap::new();
        for row in &stored.rows {
            let stack = named
                .entry(row.stack)
                .or_insert_with(|| self.name(stored, row.stack));
            take(self, row, stack);
        }
    }

    /// What the walk of a stack came to.
    fn walked(&mut self, stack: &Named, end: StackEnd, samples: u64) {
        if !stack.unnamed.is_empty() {
            self.unwind.unresolved += samples;
        }
        for (path, hint) in &stack.unnamed {
            let entry = self.missing.entry(path.clone());
            let missing = entry.or_insert_with(|| MissingNames {
                path: path.clone(),
                hint: hint.as_deref().map(Observed::new),
                samples: 0,
            });
            missing.samples += samples;
        }
        if end == StackEnd::Kernel {
            return;
        }
        self.unwind.user += samples;
        match stack.is_whole {
            true => self.unwind.complete += samples,
            false => self.unwind.truncated += samples,
        }
    }

    fn name(&mut self, stored: &StoredProfile, id: u64) -> Named {
        let mut named = Named::default();
        let Some((thread, places)) = stored.stacks.get(&id) else {
            named.frames.push(self.number(&nobody()));
            return named;
        };
        named.thread = Observed::new(thread.clone());
        for place in places {
            self.frames(stored, *place, &mut named);
        }
        let first = named.frames.first().map(|&f| &self.functions[f as usize]);
        let begins = |f: &FlameFunction| BEGINS.contains(&f.name.raw());
        named.is_whole = first.is_some_and(begins);
        named
    }

    /// The functions of a place, from the outermost.
    fn frames(&mut self, stored: &StoredProfile, place: Place, named: &mut Named) {
        let (binary, hint) = match stored.files.get(&place.0) {
            Some((binary, hint)) => (binary, hint),
            None => return named.frames.push(self.number(&nobody())),
        };
        let functions = stored.symbols.get(&place).map_or(&[][..], Vec::as_slice);
        if functions.is_empty() {
            named.unnamed.insert((binary.path.clone(), hint.clone()));
            return named.frames.push(self.number(&nameless(binary)));
        }
        for (depth, function) in functions.iter().enumerate() {
            let number = self.number(&FlameFunction {
                name: function.name.clone(),
                file: function.file.clone(),
                line: None,
                binary: binary.path.clone(),
                inlined: depth > 0,
                kernel: is_kernel(binary),
            });
            named.frames.push(number);
            named.lines.extend(function.line.map(|line| (number, line)));
        }
    }

    fn number(&mut self, function: &FlameFunction) -> u32 {
        let f = function.clone();
        let (file, binary) = match self.are_builds_compared && !f.kernel {
            true => (None, Observed::default()),
            false => (f.file, f.binary),
        };
        let identity = (f.name, file, binary, f.inlined, f.kernel);
        *self.numbers.entry(identity).or_insert_with(|| {
            self.functions.push(function.clone());
            self.functions.len() as u32 - 1
        })
    }

    fn flame(mut self, compared: bool) -> Flame {
        let mut most: HashMap<u32, (u64, u32)> = HashMap::new();
        for ((function, line), samples) in self.lines {
            let known = most.entry(function).or_insert((0, u32::MAX));
            // The more samples, then the smaller line: the same answer each time.
            if (samples, std::cmp::Reverse(line)) > (known.0, std::cmp::Reverse(known.1)) {
                *known = (samples, line);
            }
        }
        for (function, (_, line)) in most {
            self.functions[function as usize].line = Some(line);
        }
        let stack = |((thread, frames), sum): (_, Sum)| FlameStack {
            thread,
            frames,
            samples: sum.samples,
            weight_ns: sum.weight_ns,
            before: sum.before,
        };
        let mut missing: Vec<MissingNames> = self.missing.into_values().collect();
        missing.sort_by_key(|m| std::cmp::Reverse(m.samples));
        Flame {
            hz: 1_000_000_000u64
                .checked_div(self.longest_ns)
                .map_or(0, |hz| u32::try_from(hz).unwrap_or(u32::MAX)),
            instances: self.instances.len() as u32,
            builds: self.builds.into_iter().collect(),
            before_builds: self.before_builds.into_iter().collect(),
            samples: self.samples,
            before_samples: compared.then_some(self.before),
            functions: self.functions,
            stacks: self.sums.into_iter().map(stack).collect(),
            unwind: self.unwind,
            missing,
        }
    }
}

/// A stack as functions.
#[derive(Default)]
struct Named {
    thread: Observed,
    frames: Vec<u32>,
    /// Function and line of each frame that has one.
    lines: Vec<(u32, u32)>,
    /// Files with a frame that has no name.
    unnamed: BTreeSet<(Observed, Option<String>)>,
    is_whole: bool,
}

impl Named {
    /// What stacks that read alike have in common.
    fn key(&self) -> (Observed, Vec<u32>) {
        (self.thread.clone(), self.frames.clone())
    }
}

fn is_kernel(binary: &Binary) -> bool {
    binary.build == Binary::KERNEL
}

/// What stands for code of a file that has no names.
fn nameless(binary: &Binary) -> FlameFunction {
    let path = binary.path.raw();
    let file = path.rsplit('/').next().unwrap_or(path);
    FlameFunction {
        name: Observed::new(match is_kernel(binary) {
            true => "[kernel]".to_owned(),
            false => format!("[{}]", file.trim_matches(['[', ']'])),
        }),
        file: None,
        line: None,
        binary: binary.path.clone(),
        inlined: false,
        kernel: is_kernel(binary),
    }
}

/// What stands for a stack or file that is no longer stored.
fn nobody() -> FlameFunction {
    FlameFunction {
        name: Observed::new("[not known]"),
        file: None,
        line: None,
        binary: Observed::default(),
        inlined: false,
        kernel: false,
    }
}

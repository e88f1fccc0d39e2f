//! Profiles of answers between the model and the wire.

use crate::common::Bad;
use crate::v1;
use coral_model::Observed;
use coral_model::profile::{Flame, FlameFunction, FlameStack, MissingNames, Unwind};

impl From<&Flame> for v1::Flame {
    fn from(flame: &Flame) -> Self {
        Self {
            hz: flame.hz,
            instances: flame.instances,
            builds: flame.builds.clone(),
            before_builds: flame.before_builds.clone(),
            samples: flame.samples,
            before_samples: flame.before_samples,
            functions: flame.functions.iter().map(Into::into).collect(),
            stacks: flame.stacks.iter().map(Into::into).collect(),
            user: flame.unwind.user,
            complete: flame.unwind.complete,
            truncated: flame.unwind.truncated,
            unresolved: flame.unwind.unresolved,
            missing: flame.missing.iter().map(Into::into).collect(),
        }
    }
}

impl From<&FlameFunction> for v1::FlameFunction {
    fn from(function: &FlameFunction) -> Self {
        Self {
            name: function.name.raw().to_owned(),
            file: function.file.as_ref().map(|f| f.raw().to_owned()),
            line: function.line,
            binary: function.binary.raw().to_owned(),
            inlined: function.inlined,
            kernel: function.kernel,
        }
    }
}

impl From<&FlameStack> for v1::FlameStack {
    fn from(stack: &FlameStack) -> Self {
        Self {
            thread: stack.thread.raw().to_owned(),
            frames: stack.frames.clone(),
            samples: stack.samples,
            weight_ns: stack.weight_ns,
            before: stack.before,
        }
    }
}

impl From<&MissingNames> for v1::MissingNames {
    fn from(missing: &MissingNames) -> Self {
        Self {
            path: missing.path.raw().to_owned(),
            hint: missing.hint.as_ref().map(|h| h.raw().to_owned()),
            samples: missing.samples,
        }
    }
}

impl TryFrom<v1::Flame> for Flame {
    type Error = Bad;
    fn try_from(wire: v1::Flame) -> Result<Self, Bad> {
        let functions: Vec<FlameFunction> = wire.functions.into_iter().map(function).collect();
        let stacks = wire.stacks.into_iter().map(|s| stack(s, functions.len()));
        let missing = |wire: v1::MissingNames| MissingNames {
            path: Observed::new(wire.path),
            hint: wire.hint.map(Observed::new),
            samples: wire.samples,
        };
        Ok(Self {
            hz: wire.hz,
            instances: wire.instances,
            builds: wire.builds,
            before_builds: wire.before_builds,
            samples: wire.samples,
            before_samples: wire.before_samples,
            stacks: stacks.collect::<Result<_, _>>()?,
            functions,
            unwind: Unwind {
                user: wire.user,
                complete: wire.complete,
                truncated: wire.truncated,
                unresolved: wire.unresolved,
            },
            missing: wire.missing.into_iter().map(missing).collect(),
        })
    }
}

fn function(wire: v1::FlameFunction) -> FlameFunction {
    FlameFunction {
        name: Observed::new(wire.name),
        file: wire.file.map(Observed::new),
        line: wire.line,
        binary: Observed::new(wire.binary),
        inlined: wire.inlined,
        kernel: wire.kernel,
    }
}

fn stack(wire: v1::FlameStack, functions: usize) -> Result<FlameStack, Bad> {
    let strange = wire.frames.iter().find(|f| **f as usize >= functions);
    if let Some(&value) = strange {
        return Err(Bad::Value {
            field: "stack.frames",
            value: value.into(),
        });
    }
    Ok(FlameStack {
        thread: Observed::new(wire.thread),
        frames: wire.frames,
        samples: wire.samples,
        weight_ns: wire.weight_ns,
        before: wire.before,
    })
}

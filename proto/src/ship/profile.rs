//! Profiles and symbols between the model and the wire.

use super::instance;
use crate::common::{Bad, code, need};
use crate::v1;
use coral_model::Observed;
use coral_model::profile::{
    Binary, Frame, Function, Profile, ProfileKind, Stack, StackEnd, SymbolRow, Symbols,
};
use std::time::Duration;

/// The most frames of a stack.
pub(super) const MAX_FRAMES: usize = 1024;
/// The most functions at one address.
const MAX_INLINED: usize = 256;

impl From<&Profile> for v1::Profile {
    fn from(profile: &Profile) -> Self {
        Self {
            window: Some(profile.window.into()),
            instance: profile.instance,
            kind: profile.kind.code().into(),
            build: profile.build.clone(),
            session: profile.session,
            period_ns: profile.period.as_nanos() as u64,
            binaries: profile.binaries.iter().map(Into::into).collect(),
            stacks: profile.stacks.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Binary> for v1::Binary {
    fn from(binary: &Binary) -> Self {
        Self {
            build: binary.build.clone(),
            path: binary.path.raw().to_owned(),
        }
    }
}

impl From<v1::Binary> for Binary {
    fn from(wire: v1::Binary) -> Self {
        Self {
            build: Observed::new(wire.build).visible().into_owned(),
            path: Observed::new(wire.path),
        }
    }
}

impl From<&Stack> for v1::SampledStack {
    fn from(stack: &Stack) -> Self {
        Self {
            thread: stack.thread.raw().to_owned(),
            binaries: stack.frames.iter().map(|f| f.binary).collect(),
            addresses: stack.frames.iter().map(|f| f.address).collect(),
            samples: stack.samples,
            end: stack.end.code().into(),
        }
    }
}

pub(super) fn profile(wire: v1::Profile, instances: usize) -> Result<Profile, Bad> {
    let binaries: Vec<Binary> = wire.binaries.into_iter().map(Into::into).collect();
    let stacks = wire.stacks.into_iter().map(|s| stack(s, binaries.len()));
    Ok(Profile {
        window: need(wire.window, "profile.window")?.try_into()?,
        instance: instance(wire.instance, instances)?,
        kind: code("profile.kind", wire.kind, ProfileKind::from_code)?,
        build: Observed::new(wire.build).visible().into_owned(),
        session: wire.session,
        period: Duration::from_nanos(wire.period_ns),
        stacks: stacks.collect::<Result<_, _>>()?,
        binaries,
    })
}

fn stack(wire: v1::SampledStack, binaries: usize) -> Result<Stack, Bad> {
    let frames = wire.addresses.len();
    if frames > MAX_FRAMES {
        return Err(Bad::TooMany(frames));
    }
    let strange = wire.binaries.iter().find(|b| **b as usize >= binaries);
    if let Some(&value) = strange {
        return Err(Bad::Value {
            field: "stack.binary",
            value: value.into(),
        });
    }
    if wire.binaries.len() != frames {
        return Err(Bad::Value {
            field: "stack.binaries",
            value: wire.binaries.len() as i128,
        });
    }
    let pairs = wire.binaries.into_iter().zip(wire.addresses);
    Ok(Stack {
        thread: Observed::new(wire.thread),
        frames: pairs
            .map(|(binary, address)| Frame { binary, address })
            .collect(),
        samples: wire.samples,
        end: code("stack.end", wire.end, StackEnd::from_code)?,
    })
}

impl From<&Symbols> for v1::Symbols {
    fn from(symbols: &Symbols) -> Self {
        let row = |row: &SymbolRow| v1::SymbolRow {
            address: row.address,
            functions: row.functions.iter().map(Into::into).collect(),
        };
        Self {
            binary: Some((&symbols.binary).into()),
            rows: symbols.rows.iter().map(row).collect(),
            missing: symbols.missing.as_ref().map(|m| m.raw().to_owned()),
        }
    }
}

impl From<&Function> for v1::Function {
    fn from(function: &Function) -> Self {
        Self {
            name: function.name.raw().to_owned(),
            file: function.file.as_ref().map(|f| f.raw().to_owned()),
            line: function.line,
        }
    }
}

impl From<v1::Function> for Function {
    fn from(wire: v1::Function) -> Self {
        Self {
            name: Observed::new(wire.name),
            file: wire.file.map(Observed::new),
            line: wire.line,
        }
    }
}

pub(super) fn symbols(wire: v1::Symbols) -> Result<Symbols, Bad> {
    let row = |row: v1::SymbolRow| {
        if row.functions.len() > MAX_INLINED {
            return Err(Bad::TooMany(row.functions.len()));
        }
        Ok(SymbolRow {
            address: row.address,
            functions: row.functions.into_iter().map(Into::into).collect(),
        })
    };
    Ok(Symbols {
        binary: need(wire.binary, "symbols.binary")?.into(),
        rows: wire.rows.into_iter().map(row).collect::<Result<_, _>>()?,
        missing: wire.missing.map(Observed::new),
    })
}

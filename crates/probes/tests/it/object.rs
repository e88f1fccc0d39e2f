//! What must hold of the object before any kernel sees it.

use aya_obj::{Function, Object};

const EXIT: u8 = 0x95;
/// `r0 = imm`, 64 and 32 bits (BPF instruction set, RFC 9669 section 4.1).
const MOV64: u8 = 0xb7;
const MOV32: u8 = 0xb4;

fn object() -> Object {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/object/coral.bpf.o");
    Object::parse(&std::fs::read(path).unwrap()).unwrap()
}

/// Programs that decide over other people's packets and connections.
const DECIDING: [&str; 4] = [
    "coral_egress",
    "coral_ingress",
    "coral_connect4",
    "coral_connect6",
];

fn function<'a>(object: &'a Object, name: &str) -> &'a Function {
    let program = object
        .programs
        .get(name)
        .unwrap_or_else(|| panic!("no program {name}"));
    object.functions.get(&program.function_key()).unwrap()
}

#[test]
fn no_program_can_drop_a_packet_or_refuse_a_connection() {
    let object = object();
    for name in DECIDING {
        let code = &function(&object, name).instructions;
        let exits: Vec<usize> = (0..code.len())
            .filter(|&at| code[at].code == EXIT)
            .collect();
        assert!(!exits.is_empty(), "{name} has no exit");
        for exit in exits {
            let before = code[exit - 1];
            let lets_pass =
                matches!(before.code, MOV64 | MOV32) && before.dst_reg() == 0 && before.imm == 1;
            assert!(
                lets_pass,
                "{name}: the exit at instruction {exit} does not follow `r0 = 1`"
            );
        }
    }
}

#[test]
fn everything_is_named_after_coral() {
    let object = object();
    let strangers: Vec<&String> = object
        .programs
        .keys()
        .filter(|name| !name.starts_with("coral_"))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let maps = object
        .maps
        .keys()
        .filter(|name| !name.starts_with("coral_") && !name.starts_with('.'));
    assert_eq!(maps.count(), 0);
}

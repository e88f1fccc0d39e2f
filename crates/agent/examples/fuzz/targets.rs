//! The parsers, each with words of its format.

use super::grow::{Target, Words};
use coral_probes::{arguments, sites, symbols, unwind, when};

/// All of them.
pub const TARGETS: [Target; 21] = [
    Target::of_text("http1 framing", coral_probes::replay::fuzz, &HTTP),
    Target::of_text("request line", coral_agent::fuzz_route, &HTTP),
    Target::of_text("batch", coral_proto::fuzz_batch, &BATCH),
    Target::of_text(
        "command line",
        coral_agent::fuzz_command_line,
        &COMMAND_LINE,
    ),
    Target::of_programs("program's build", coral_agent::fuzz_program_file, &PROGRAM),
    Target::of_text(
        "socket table",
        coral_agent::fuzz_socket_table,
        &SOCKET_TABLE,
    ),
    Target::of_text("kernel types", coral_probes::layout::fuzz, &KERNEL_TYPES),
    Target::of_text("histogram", coral_model::histogram::fuzz, &HISTOGRAM),
    Target::of_programs("unwind table", unwind::fuzz, &PROGRAM),
    Target::of_text("mappings", unwind::fuzz_maps, &MAPPINGS),
    Target::of_programs("program's symbols", symbols::fuzz, &PROGRAM),
    Target::of_programs("program's functions", symbols::fuzz_functions, &PROGRAM),
    Target::of_text("function search", symbols::fuzz_search, &FUNCTIONS),
    Target::of_text("mangled name", symbols::fuzz_demangle, &MANGLED),
    Target::of_text("go table", symbols::fuzz_go, &GO),
    Target::of_text("list of names", symbols::fuzz_ranges, &NAMES),
    Target::of_text("messages", symbols::fuzz_wire, &MESSAGES),
    Target::of_programs("program's arguments", arguments::fuzz, &PROGRAM),
    Target::of_text("probe sites", sites::fuzz, &CODE),
    Target::of_text("conditions", when::fuzz, &CONDITIONS),
    Target::of_text("incident bundle", coral_diagnose::fuzz, &BUNDLE),
];

const HTTP: Words<14> = [
    b"\x01\x00\x28GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"\x00\x00\x28HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST http://x.example/cart/9?q=1 HTTP/1.0\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n",
    b"\x16\x03\x01\x02",
];
const BATCH: Words<3> = [
    b"\x10\x01\x18\x02\x20\x03",
    b"\x32\x04\x52\x02\x08\x01",
    b"\xff\xff\xff\xff\x0f",
];
const COMMAND_LINE: Words<2> = [b"java\0-jar\0a.jar\0--password=x\0", b"node\0server.js\0"];
const PROGRAM: Words<3> = [
    b"\x7fELF\x02\x01\x01",
    b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0",
    b"\xff\xff\xff\xff",
];
const SOCKET_TABLE: Words<1> = [
    b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1",
];
const KERNEL_TYPES: Words<2> = [
    b"\x9f\xeb\x01\0\x18\0\0\0\0\0\0\0\x40\0\0\0\x40\0\0\0\x20\0\0\0",
    b"sock_common\0skc_net\0",
];
const HISTOGRAM: Words<3> = [
    b"\x01\x02\x03\x04",
    b"\xff\x1d\x01",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
];
const MAPPINGS: Words<2> = [
    b"55d0c0001000-55d0c0003000 r-xp 00001000 fd:01 42    /usr/bin/a b (deleted)\n",
    b"7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0     [vdso]\n",
];
const MANGLED: Words<3> = [
    b"_ZNSt6vectorIiSaIiEE9push_backERKi",
    b"NtCs3ssYzQotkvD_4core5slice",
    b"S_IS0_S0_E",
];
const GO: Words<2> = [
    b"\xf1\xff\xff\xff\0\0\x01\x08",
    b"\xfa\xff\xff\xff\0\0\x01\x08",
];
const NAMES: Words<2> = [
    b"7f0000001000 40 LazyCompile:*go /a.js:1\n",
    b"ffffffff81000010 t x\t[m]\n",
];
/// A request for names, names, a request for functions, functions.
const MESSAGES: Words<4> = [
    b"\x01\x01\x07\0\0\0\0\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
    b"\x01\x01\0\0\0\x02\x01\0\0\0\0\x05\0\0\0\x01\x03\0\0\0a.c\x01\0\0\0f",
    b"\x06\x01\x07\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0f*\x0a\0\0\0",
    b"\x04\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0f\0\0\x08\0\0\0\0\
      \0\0\0\x08\0\0\0\0\x03\0\0\0\x01\x02\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0",
];
/// A pattern, then names.
const FUNCTIONS: Words<6> = [
    b"Cart::total\nint shop::Cart<int>::total(int) const\n",
    b"p?y*\nmain.(*Cart).Pay\n",
    b"<alloc::vec::Vec<u8> as core::ops::Drop>::drop",
    b"std::operator<< <char>(std::ostream&)",
    b"camelCase_HTTPServer",
    b"\n",
];
/// Prologues, a jump by a table, returns.
const CODE: Words<5> = [
    b"\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x48\x83\xec\x20",
    b"\x49\x3b\x66\x10\x76\x20",
    b"\x83\xff\x07\x77\x20\x48\x8d\x15\x20\0\0\0\x48\x63\x04\xba\x48\x01\xd0\xff\xe0",
    b"\xe8\0\0\0\0\xc9\xc3",
    b"\x48\x83\xc4\x20\x5d\xe9\x40\x01\0\0",
];
const CONDITIONS: Words<3> = [
    b"arg0 > 10 && ret != 0",
    b"arg1.u32 <= 0x7fffffff",
    b"ret.i32 == 'x'",
];
/// A whole bundle, its files apart by form feeds; then words of them.
const BUNDLE: Words<7> = [
    b"{\"version\":1,\"name\":\"x\",\"symptom\":{\"service\":\"a\",\"signal\":\"latency\",\"at\":40}}\
      \x0ctime,a|latency,b|errors\n10,1,0\n20,1,0\n30,1,0\n40,9,7\n50,9,8\n\
      \x0ccaller,callee\na,b\n\x0ctime,service,kind,text\n35,b,deployment,v2\n",
    b",\"normal\":{\"from\":10,\"to\":30},\"anomalous\":{\"from\":40,\"to\":50}",
    b"60,1e308,-1\n",
    b"9999999999,NaN,\n",
    b"\"a,\"\"b\"|p99",
    b"\x0c",
    b"b,a\n",
];

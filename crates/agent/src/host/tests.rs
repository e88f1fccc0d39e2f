//! This machine, measured twice.

use super::*;
use crate::clock::{Clock, Reading};
use crate::enrich::processes_for_tests;
use crate::health::tests::spin;

#[test]
fn this_host_is_measured_and_nothing_is_invented() {
    let mut known = processes_for_tests();
    let clock = Clock::new(Reading::now());
    known.learn_client(std::process::id(), &[0; 16], &clock);
    let at = TimeNs(10_000_000_000);
    let mut host = Host::new(&known, at, 0);
    spin(Duration::from_millis(100));
    assert_eq!(host.sample(&known, at, 900_000_000), []);
    let later = at.plus(Duration::from_secs(10));
    let items = host.sample(&known, later, 10_000_000_000);
    let Some(Item::Host(sample)) = items.last() else {
        panic!("{items:?}");
    };
    let window = Window {
        from: at,
        to: later,
    };
    assert_eq!(sample.window, window);
    let has = |name: &str| sample.gauges.iter().any(|g| g.name == name);
    for name in [
        "cpu.busy_ratio",
        "cpu.cores",
        "mem.used_ratio",
        "load.1m_tasks",
        "fs.used_ratio",
        "net.rx_bytes_per_s",
    ] {
        assert!(has(name), "{name} of {:?}", sample.gauges);
    }
    assert!(sample.gauges.iter().all(|g| g.value.is_finite()));
    let of_process = |i: &&Item| matches!(i, Item::Process(_));
    assert_eq!(items.iter().filter(of_process).count(), 1);
}

#[test]
fn an_interval_over_a_jump_of_the_wall_has_its_true_length() {
    let known = processes_for_tests();
    let mut host = Host::new(&known, TimeNs(0), 0);
    let jumped = TimeNs(500_000_000_000);
    let items = host.sample(&known, jumped, 10_000_000_000);
    let Some(Item::Host(sample)) = items.last() else {
        panic!("{items:?}");
    };
    assert_eq!(sample.window.length(), Duration::from_secs(10));
}

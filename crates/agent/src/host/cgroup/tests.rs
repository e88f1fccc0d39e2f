//! Both versions and their mix, over folders that look like a kernel's.

use super::*;
use crate::proc::mounts::parse;

fn hierarchies(root: &Path, lines: &[(&str, &str, &str)]) -> Hierarchies {
    let line = |(kind, at, options): &(&str, &str, &str)| {
        let at = root.join(at);
        format!("1 0 0:1 / {} rw - {kind} {kind} {options}\n", at.display())
    };
    Hierarchies::find(&parse(&lines.iter().map(line).collect::<String>()))
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn version_2() {
    let dir = tempfile::tempdir().unwrap();
    let all = hierarchies(dir.path(), &[("cgroup2", "u", "rw")]);
    let group = all.group("0::/system.slice/cart.service\n").unwrap();
    assert_eq!(group.label, "/system.slice/cart.service");
    let place = |file: &str| format!("u/system.slice/cart.service/{file}");
    let stat = |us, n, t, tus| {
        format!("usage_usec {us}\nnr_periods {n}\nnr_throttled {t}\nthrottled_usec {tus}\n")
    };
    write(
        dir.path(),
        &place("cpu.stat"),
        &stat(1_000_000, 10, 1, 50_000),
    );
    write(dir.path(), &place("memory.current"), "750\n");
    write(dir.path(), &place("memory.max"), "1000\n");
    write(dir.path(), &place("memory.events"), "oom 1\noom_kill 1\n");
    let mut reader = Reader::default();
    let before = group.usage(&mut reader);
    write(
        dir.path(),
        &place("cpu.stat"),
        &stat(6_000_000, 110, 26, 1_050_000),
    );
    write(dir.path(), &place("memory.events"), "oom 4\noom_kill 3\n");
    let after = group.usage(&mut reader);
    let mut out = Gauges::default();
    gauges("g", &before, &after, 10.0, &mut out);
    for (name, want) in [
        ("cgroup.cpu_cores", 0.5),
        ("cgroup.throttled_ms_per_s", 100.0),
        ("cgroup.throttled_ratio", 0.25),
        ("cgroup.memory_bytes", 750.0),
        ("cgroup.memory_used_ratio", 0.75),
        ("cgroup.oom_kills", 2.0),
    ] {
        assert_eq!(out.find(name, "g"), Some(want), "{name}");
    }
}

#[test]
fn a_mix_of_both_versions_takes_each_controller_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let all = hierarchies(
        dir.path(),
        &[
            ("cgroup", "memory", "rw,memory"),
            ("cgroup", "cpu", "rw,cpu,cpuacct"),
            ("cgroup2", "unified", "rw"),
        ],
    );
    let group = all
        .group("4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n")
        .unwrap();
    assert_eq!(group.v2, None);
    write(dir.path(), "cpu/docker/abc/cpuacct.usage", "2000000\n");
    let stat = "nr_periods 4\nnr_throttled 2\nthrottled_time 3000000\n";
    write(dir.path(), "cpu/docker/abc/cpu.stat", stat);
    write(dir.path(), "memory/docker/abc/memory.usage_in_bytes", "5\n");
    let none = "9223372036854771712\n";
    write(dir.path(), "memory/docker/abc/memory.limit_in_bytes", none);
    let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n";
    write(dir.path(), "memory/docker/abc/memory.oom_control", control);
    let usage = group.usage(&mut Reader::default());
    let want = Usage {
        cpu_us: Some(2000),
        periods: Some(4),
        throttled_periods: Some(2),
        throttled_us: Some(3000),
        memory_bytes: Some(5),
        limit_bytes: None,
        kills: Some(7),
    };
    assert_eq!(usage, want);
}

#[test]
fn root_groups_and_paths_that_lead_out_are_none() {
    let all = hierarchies(Path::new("/x"), &[("cgroup2", "u", "rw")]);
    assert_eq!(all.group("0::/\n"), None);
    assert_eq!(all.group("0::/../../etc\n"), None);
    assert_eq!(all.group("9:name=systemd:/a\n"), None);
    let gone = all.group("0::/gone\n").unwrap();
    assert_eq!(gone.usage(&mut Reader::default()), Usage::default());
}

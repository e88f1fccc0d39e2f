//! A small corpus through the fuzz target; a form feed parts the files.

#[test]
fn the_corpus_does_not_panic() {
    let head = r#"{"version":1,"symptom":{"service":"a","signal":"latency","at":3}}"#;
    let seeds = [
        String::new(),
        format!("{head}\x0ctime,a|latency\n1,1\n2,1\n3,9\n4,9\n"),
        format!(
            "{head}\x0ctime,a|latency,b|cpu\n1,1,\n2,,2\n3,9,nan\n4,9,1e99\n5,1,1\n\x0ccaller,callee\na,b\nb,a\n"
        ),
        format!(
            "{head}\x0ctime,a|b\n1,1\n1,2\n1,3\n0,0\n-1,-1\n\x0c\x0ctime,service,kind,text\n1,a,oom,x\n"
        ),
        r#"{"version":1,"normal":{"from":1,"to":2},"anomalous":{"from":1,"to":2}}"#.to_owned()
            + "\x0ctime,a|errors\n1,1\n2,1\n3,9\n4,9\n",
        r#"{"version":1,"normal":{"from":9,"to":9}}"#.to_owned()
            + "\x0ctime,\"a|x\"\n1,\"1\"\n2,1\n9,9\n",
    ];
    for seed in &seeds {
        coral_diagnose::fuzz(seed.as_bytes());
        for at in 0..seed.len() {
            // Cut, with one byte changed, and with one doubled.
            coral_diagnose::fuzz(&seed.as_bytes()[..at]);
            let mut other = seed.clone().into_bytes();
            other[at] ^= 1 << (at % 8);
            coral_diagnose::fuzz(&other);
            other.insert(at, b'9');
            coral_diagnose::fuzz(&other);
        }
    }
}

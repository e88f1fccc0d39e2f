//! Calls that end by a panic, through frames that are probed. Waits for a line with how many; tells what it did.
use std::io::{BufRead, Write};

#[inline(never)]
#[no_mangle]
pub fn risky(n: i64) -> i64 {
    if n % 3 == 0 {
        std::panic::resume_unwind(Box::new("no"));
    }
    std::hint::black_box(n * 2)
}

#[inline(never)]
#[no_mangle]
pub fn middle(n: i64, held: &mut i64) -> i64 {
    struct Held<'a>(&'a mut i64);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }
    let _own = Held(held);
    std::hint::black_box(risky(n) + 1)
}

fn main() {
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let times: i64 = line.unwrap().trim().parse().unwrap();
        let (mut sum, mut caught, mut held) = (0, 0, 0);
        for n in 0..times {
            let call = std::panic::AssertUnwindSafe(|| middle(n, &mut held));
            match std::panic::catch_unwind(call) {
                Ok(value) => sum += value,
                Err(_) => caught += 1,
            }
        }
        println!("{sum} {caught} {held}");
        std::io::stdout().flush().unwrap();
    }
}

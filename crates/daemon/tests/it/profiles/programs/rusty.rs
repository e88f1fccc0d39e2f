//! As burn.c and drive.c, in Rust: the work is done by functions that are always inlined.

use std::hint::black_box;
use std::io::{Read, Write};

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// The processor time of this thread.
fn now() -> u64 {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the call fills what it is given. 3 is CLOCK_THREAD_CPUTIME_ID.
    unsafe { clock_gettime(3, &mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}

mod shop {
    pub trait Priced {
        fn price(&mut self, n: u32);
    }

    #[inline(always)]
    fn stir(x: &mut u64, n: u32) {
        for _ in 0..n {
            *x ^= *x << 13;
            *x ^= *x >> 7;
            *x ^= *x << 17;
        }
    }

    pub struct Cart(pub u64);

    impl Priced for Cart {
        #[inline(always)]
        fn price(&mut self, n: u32) {
            stir(&mut self.0, n);
            self.0 = self.0.wrapping_add(7);
        }
    }

    #[inline(never)]
    pub fn sixty(x: u64) -> u64 {
        let mut cart = Cart(x);
        (0..22_200).for_each(|_| cart.price(600));
        cart.0.wrapping_add(6)
    }

    #[inline(never)]
    pub fn thirty(x: u64) -> u64 {
        let mut cart = Cart(x);
        (0..11_100).for_each(|_| cart.price(600));
        cart.0.wrapping_add(3)
    }

    #[inline(never)]
    pub fn ten(x: u64) -> u64 {
        let mut cart = Cart(x);
        (0..3_700).for_each(|_| cart.price(600));
        cart.0.wrapping_add(1)
    }
}

#[inline(never)]
fn warm_up(ns: u64) {
    let from = now();
    while now() - from < ns {
        black_box(shop::ten(black_box(7)));
    }
}

#[inline(never)]
fn work(ns: u64) {
    let parts: [fn(u64) -> u64; 3] = [shop::sixty, shop::thirty, shop::ten];
    let (mut took, begun) = ([0; 3], now());
    let mut at = begun;
    while at - begun < ns {
        for (part, took) in parts.iter().zip(&mut took) {
            black_box(part(black_box(at)));
            let then = now();
            *took += then - at;
            at = then;
        }
    }
    println!("{{\"took_ns\":[{},{},{}]}}", took[0], took[1], took[2]);
}

fn main() {
    let ms: u64 = std::env::args().nth(1).map_or(1000, |word| word.parse().unwrap());
    warm_up(400_000_000);
    println!("ready");
    std::io::stdout().flush().unwrap();
    let mut byte = [0];
    std::io::stdin().read_exact(&mut byte).unwrap();
    work(ms * 1_000_000);
    std::io::stdout().flush().unwrap();
    while std::io::stdin().read(&mut byte).unwrap_or(0) == 1 {}
}

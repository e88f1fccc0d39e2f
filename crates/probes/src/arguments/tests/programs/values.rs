//! Arguments of every kind that Rust has.
use std::hint::black_box;

#[derive(Clone, Copy)]
#[allow(dead_code)]
pub enum Kind {
    Small,
    Large = 7,
}

pub struct Item {
    pub id: u32,
    pub price: f64,
    pub kind: Kind,
    pub name: String,
    pub is_sold: bool,
}

#[derive(Clone, Copy)]
pub struct Pair(pub u32, pub i16);
#[derive(Clone, Copy)]
pub struct Wrapped(pub u64);

#[inline(never)]
pub fn strings(text: &str, list: &[u32], owned: String, by: &String, bytes: Vec<u8>) -> String {
    format!("{text}{}{owned}{by}{}", list.len(), bytes.len())
}

#[inline(never)]
pub fn options(some: Option<&u32>, number: Option<u32>, kind: Kind, item: &Item, flag: bool, letter: char) -> Result<u32, u8> {
    black_box((some, number, kind as u8, item.id, flag, letter));
    if flag { Ok(number.unwrap_or(3)) } else { Err(9) }
}

#[inline(never)]
pub fn numbers(a: i8, b: u16, c: i64, d: u128, e: f32, pair: Pair) -> Result<(), Kind> {
    black_box((a, b, c, d, e, pair.0, pair.1));
    if a < 0 { Err(Kind::Large) } else { Ok(()) }
}

#[inline(never)]
pub fn wrapped(one: Wrapped, named: Option<&str>, boxed: Box<Item>, nothing: ()) -> &'static str {
    black_box((one.0, named, &boxed.name, nothing));
    black_box("static")
}

#[inline(never)]
pub fn panics(n: &mut u64) -> Option<Box<u32>> {
    *n += 1;
    if black_box(*n) == 6 { panic!("as wanted") }
    None
}

pub fn item() -> Item {
    Item { id: 5, price: 2.5, kind: Kind::Large, name: black_box("thing").to_owned(), is_sold: true }
}

fn main() {
    let item = item();
    let list = black_box([1u32, 70_000, 3]);
    let by = black_box(String::from("by reference"));
    black_box(strings(black_box("text"), &list, black_box("owned").to_owned(), &by, vec![1, 2, black_box(3)]));
    let five = black_box(5);
    let _ = black_box(options(Some(&five), black_box(Some(8)), Kind::Small, &item, black_box(true), black_box('é')));
    let _ = black_box(options(None, black_box(None), Kind::Large, &item, black_box(false), black_box('z')));
    let _ = black_box(numbers(black_box(-4), black_box(60_000), black_box(-1), black_box(1 << 70), black_box(1.5), black_box(Pair(6, -7))));
    let _ = black_box(numbers(black_box(4), black_box(1), black_box(2), black_box(3), black_box(1.5), black_box(Pair(0, 0))));
    black_box(wrapped(black_box(Wrapped(12)), black_box(Some("named")), Box::new(item), ()));
    std::panic::set_hook(Box::new(|_| {}));
    let mut n = black_box(4);
    for _ in 0..2 {
        let _ = black_box(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics(&mut n))));
    }
}

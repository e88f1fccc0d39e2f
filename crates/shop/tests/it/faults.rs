//! Every fault that has no test in main.rs: its effect shows in the named service, and switching it off heals it.

use crate::shop::{Shop, eventually};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

#[test]
fn lock_log_makes_charges_wait_for_each_other() {
    let shop = Shop::quiet(&["--fault", "lock-log"]);
    // Each holds the lock for 40 ms, so the last of eight waits for seven.
    assert!(shop.slowest_post(8, 4, "/charges") > 300 * MS);
    shop.switch("off", "lock-log");
    eventually("charges do not wait", || {
        shop.slowest_post(8, 4, "/charges") < 200 * MS
    });
}

/// How long stock needs to take one product from the shelf.
fn take(shop: &Shop) -> Duration {
    let mut stream = TcpStream::connect(("127.0.0.1", shop.base_port() + 6)).unwrap();
    let begin = Instant::now();
    stream.write_all(b"TAKE 7 1\n").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("LEFT "), "{answer}");
    begin.elapsed()
}

#[test]
fn slow_disk_makes_each_change_of_stock_wait_for_the_disk() {
    let shop = Shop::quiet(&[]);
    take(&shop);
    shop.switch("on", "slow-disk");
    eventually("a change is slow", || take(&shop) >= 60 * MS);
    let stock = shop.child("stock");
    let before = stock.written();
    take(&shop);
    assert!(stock.written() >= before + 4096);
    shop.switch("off", "slow-disk");
    eventually("a change is quick", || take(&shop) < 40 * MS);
}

#[test]
fn mem_leak_grows_the_cart_and_healing_gives_the_memory_back() {
    let shop = Shop::quiet(&[]);
    let cart = shop.child("cart");
    let before = cart.rss();
    shop.switch("on", "mem-leak");
    eventually("the cart grows", || {
        shop.get(2, "/carts/7");
        cart.rss() > before + (16 << 20)
    });
    shop.switch("off", "mem-leak");
    eventually("the cart shrinks", || cart.rss() < before + (8 << 20));
}

#[test]
fn crash_loop_ends_orders_again_and_again() {
    let shop = Shop::quiet(&["--fault", "crash-loop"]);
    let mut pids = vec![];
    eventually("orders has had three lives", || {
        if let Some(orders) = shop.find_child("orders").filter(|o| o.is_alive())
            && !pids.contains(&orders.pid)
        {
            pids.push(orders.pid);
        }
        pids.len() >= 3
    });
    shop.switch("off", "crash-loop");
    eventually("orders lives longer than a crash needs", || {
        let pid = shop.find_child("orders").map(|orders| orders.pid);
        std::thread::sleep(Duration::from_millis(3000));
        pid.is_some() && shop.find_child("orders").map(|orders| orders.pid) == pid
    });
    assert_eq!(shop.get(5, "/health").status, 200);
}

#[test]
fn conn_refused_closes_the_port_of_payments() {
    let shop = Shop::quiet(&[]);
    let connects = || TcpStream::connect(("127.0.0.1", shop.base_port() + 4)).is_ok();
    assert!(connects());
    shop.switch("on", "conn-refused");
    eventually("payments refuses", || !connects());
    assert_eq!(shop.post(0, "/cart/7/checkout").status, 502);
    shop.switch("off", "conn-refused");
    eventually("payments accepts", connects);
    eventually("an order succeeds", || {
        shop.post(0, "/cart/7/checkout").status == 200
    });
}

#[test]
fn retry_storm_multiplies_the_charges() {
    let shop = Shop::quiet(&[]);
    let begun = |shop: &Shop| shop.json(4, "/charges/count")["begun"].as_u64().unwrap();
    let charges_of_five_orders = |shop: &Shop| {
        let before = begun(shop);
        for _ in 0..5 {
            shop.post(3, "/orders");
        }
        begun(shop) - before
    };
    assert_eq!(charges_of_five_orders(&shop), 5);
    shop.switch("on", "retry-storm");
    eventually("charges multiply", || charges_of_five_orders(&shop) >= 12);
    shop.switch("off", "retry-storm");
    eventually("one charge an order", || charges_of_five_orders(&shop) == 5);
}

#[test]
fn pool_exhausted_makes_orders_wait_for_a_connection() {
    let shop = Shop::quiet(&["--fault", "pool-exhausted"]);
    assert!(shop.slowest_post(8, 3, "/orders") > 1400 * MS);
    shop.switch("off", "pool-exhausted");
    eventually("orders do not wait", || {
        shop.slowest_post(8, 3, "/orders") < 700 * MS
    });
}

#[test]
fn hung_handler_hangs_for_one_cart_in_four() {
    let shop = Shop::quiet(&[]);
    assert!(shop.answers_soon(2, "/carts/8"));
    shop.switch("on", "hung-handler");
    eventually("cart 8 hangs", || !shop.answers_soon(2, "/carts/8"));
    assert!((1..4).all(|id| shop.answers_soon(2, &format!("/carts/{id}"))));
    shop.switch("off", "hung-handler");
    eventually("cart 8 answers", || shop.answers_soon(2, "/carts/8"));
}

#[test]
fn slow_route_slows_one_route_and_no_other() {
    let shop = Shop::quiet(&["--fault", "slow-route"]);
    assert!(shop.get(1, "/search").took >= 300 * MS);
    eventually("another route is quick", || {
        shop.get(1, "/products/7").took < 150 * MS
    });
    shop.switch("off", "slow-route");
    eventually("the route is quick", || {
        shop.get(1, "/search").took < 150 * MS
    });
}

#[test]
fn slow_build_is_another_program_and_healing_brings_the_first_back() {
    let shop = Shop::quiet(&[]);
    let program = || shop.find_child("frontend").and_then(|f| f.program());
    let first = program().unwrap();
    shop.switch("on", "slow-build");
    eventually("another program runs", || {
        program().is_some_and(|second| second != first) && shop.answers_soon(0, "/health")
    });
    let second = std::fs::read(program().unwrap()).unwrap();
    assert_ne!(second.len(), std::fs::read(&first).unwrap().len());
    assert!((0..3).all(|_| shop.get(0, "/products/7").took >= 25 * MS));
    shop.switch("off", "slow-build");
    eventually("the first program runs", || {
        program().as_ref() == Some(&first) && shop.answers_soon(0, "/health")
    });
    eventually("pages are quick", || {
        shop.get(0, "/products/7").took < 25 * MS
    });
    let left = std::fs::read_dir(shop.home().join("shop/data")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn noisy_neighbour_burns_cpu_in_a_process_of_its_own() {
    let shop = Shop::quiet(&["--fault", "noisy-neighbour"]);
    eventually("it burns", || {
        shop.find_child("batch").is_some_and(|b| b.cpu_ticks() > 20)
    });
    shop.switch("off", "noisy-neighbour");
    eventually("it is gone", || shop.find_child("batch").is_none());
}

#[test]
fn disk_saturated_writes_without_a_pause_and_leaves_nothing() {
    let shop = Shop::quiet(&["--fault", "disk-saturated"]);
    let mib = 1 << 20;
    eventually("it writes more than its file holds", || {
        shop.find_child("backup")
            .is_some_and(|backup| backup.written() > 70 * mib)
    });
    let data = shop.home().join("shop/data");
    let sizes = |entry: std::fs::DirEntry| entry.metadata().unwrap().len();
    let files = || std::fs::read_dir(&data).unwrap().flatten();
    assert!(files().map(sizes).sum::<u64>() <= 64 * mib);
    shop.switch("off", "disk-saturated");
    eventually("it is gone", || shop.find_child("backup").is_none());
    assert_eq!(files().count(), 0);
}

#[test]
fn queue_backlog_lets_orders_pile_up() {
    let shop = Shop::quiet(&["--fault", "queue-backlog"]);
    let queue = |field: &str| shop.json(5, "/queue")[field].as_u64().unwrap();
    for _ in 0..5 {
        assert_eq!(shop.post(3, "/orders").status, 201);
    }
    assert!(queue("waiting") >= 3);
    shop.switch("off", "queue-backlog");
    eventually("every order is packed", || {
        queue("waiting") == 0 && queue("done") == 5
    });
}

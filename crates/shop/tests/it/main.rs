//! The shop as a person runs it: it answers, its faults show, it repairs itself, and it leaves nobody behind.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod faults;
mod shop;

use shop::{Shop, eventually};
use std::time::Duration;

#[test]
fn every_service_answers_and_says_who_it_is() {
    let shop = Shop::open(&[]);
    for port in 0..6 {
        assert_eq!(shop.get(port, "/health").status, 200);
    }
    assert_eq!(shop.get(0, "/").status, 200);
    assert_eq!(shop.get(0, "/products/7").status, 200);
    assert_eq!(shop.get(0, "/products/9007").status, 404);
    assert_eq!(shop.get(0, "/search").status, 200);
    assert_eq!(shop.get(0, "/cart/7").status, 200);
    assert_eq!(shop.post(0, "/cart/7/items").status, 200);
    assert_eq!(shop.post(0, "/cart/7/checkout").status, 200);
    let mut names: Vec<_> = shop.children().iter().map(|c| c.service_name()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "cart", "catalog", "checkout", "frontend", "load", "orders", "payments", "stock",
            "worker"
        ]
    );
}

#[test]
fn cpu_hot_burns_the_catalogs_cpu() {
    let shop = Shop::open(&[]);
    let catalog = shop.child("catalog");
    let quickest = |shop: &Shop| (0..5).map(|_| shop.get(1, "/products/7").took).min();
    eventually("the catalog is quick", || {
        quickest(&shop) < Some(Duration::from_millis(20))
    });
    shop.coral_shop(&["fault", "on", "cpu-hot"]);
    eventually("the fault shows", || {
        quickest(&shop) >= Some(Duration::from_millis(20))
    });
    let before = catalog.cpu_ticks();
    eventually("the catalog uses CPU", || catalog.cpu_ticks() > before + 20);
    shop.coral_shop(&["fault", "off", "cpu-hot"]);
    eventually("the fault is gone", || {
        quickest(&shop) < Some(Duration::from_millis(20))
    });
}

#[test]
fn slow_downstream_reaches_the_customer() {
    let shop = Shop::open(&["--fault", "slow-downstream"]);
    for (port, path) in [(4, "/charges"), (0, "/cart/7/checkout")] {
        assert!(shop.post(port, path).took >= Duration::from_millis(760));
    }
    shop.coral_shop(&["fault", "off"]);
    eventually("the fault is gone", || {
        shop.post(4, "/charges").took < Duration::from_millis(760)
    });
}

#[test]
fn error_burst_fails_some_orders_and_not_all() {
    let shop = Shop::open(&["--fault", "error-burst"]);
    for status in [500, 201] {
        eventually("an order ends with this status", || {
            shop.post(3, "/orders").status == status
        });
    }
    eventually("a customer sees it", || {
        shop.post(0, "/cart/7/checkout").status == 502
    });
    shop.switch("off", "error-burst");
    eventually("ten orders in a row succeed", || {
        (0..10).all(|_| shop.post(3, "/orders").status == 201)
    });
}

#[test]
fn a_dead_service_comes_back_and_a_killed_shop_leaves_nobody() {
    let mut shop = Shop::open(&[]);
    let cart = shop.child("cart");
    cart.kill();
    eventually("cart answers again", || {
        shop.try_get(2, "/health").is_some_and(|a| a.status == 200)
    });
    assert_ne!(shop.child("cart").pid, cart.pid);
    let children = shop.children();
    assert_eq!(children.len(), 9);
    shop.kill();
    eventually("every child is gone", || {
        children.iter().all(|child| !child.is_alive())
    });
}

#[test]
fn the_end_of_stdin_closes_the_shop() {
    let mut shop = Shop::open(&[]);
    let children = shop.children();
    assert!(shop.close().success());
    assert!(children.iter().all(|child| !child.is_alive()));
}

#[test]
fn the_truth_about_the_faults_is_machine_readable() {
    let shop = Shop::open(&[]);
    let text = shop.coral_shop(&["faults", "-o", "json"]);
    let faults: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = faults
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["name"].as_str().unwrap())
        .collect();
    assert!(names.len() >= 15, "{names:?}");
    assert!(names.starts_with(&["cpu-hot", "slow-downstream", "error-burst"]));
    for fault in faults.as_array().unwrap() {
        for key in ["name", "service", "kind", "summary"] {
            assert!(fault[key].is_string(), "{fault}");
        }
        assert!(fault["function"].is_string() || fault["function"].is_null());
    }
    assert!(
        faults[0]["function"]
            .as_str()
            .unwrap()
            .ends_with("rank_products")
    );
}

//! In which order a search gives what it finds.

use super::build::{later, names};
use super::million::Named;

const NAMES: [&str; 14] = [
    "total",
    "shop::total",
    "shop::Cart<int>::total(int)",
    "shop::Cart<int>::total(int, long)",
    "total_price",
    "shop::totals::sum",
    "int shop::compute_total(int)",
    "computeTotal",
    "subtotal",
    "shop::to_the_attic_later",
    "t_o_t_a_l",
    "TOTAL",
    "shop::tornado_tall",
    "Cart",
];

fn search(pattern: &str) -> (Vec<String>, Vec<String>) {
    let named = Named::of(NAMES.iter().map(|name| name.to_string()));
    let functions = named.functions();
    let found = functions.search(pattern, 100, later());
    assert_eq!(found.total as usize, found.functions.len());
    assert_eq!(found.indexed as usize, NAMES.len());
    (
        names(&found).into_iter().map(str::to_owned).collect(),
        found.similar,
    )
}

#[test]
fn exact_names_come_before_tails_prefixes_words_and_scattered_characters() {
    let wanted = [
        "total",
        "TOTAL",
        "shop::total",
        "shop::Cart<int>::total(int)",
        "shop::Cart<int>::total(int, long)",
        "total_price",
        "computeTotal",
        "shop::totals::sum",
        "int shop::compute_total(int)",
        "subtotal",
        "t_o_t_a_l",
        "shop::tornado_tall",
        "shop::to_the_attic_later",
    ];
    assert_eq!(search("total").0, wanted);
}

#[test]
fn a_path_is_found_by_its_last_parts_with_or_without_arguments() {
    let wanted = [
        "shop::Cart<int>::total(int)",
        "shop::Cart<int>::total(int, long)",
    ];
    for pattern in [
        "Cart::total",
        "cart<int>::total",
        "shop::Cart<int>::total",
        "*::total(*",
    ] {
        assert_eq!(search(pattern).0, wanted, "{pattern}");
    }
    assert_eq!(search("shop::Cart<int>::total(int)").0[0], wanted[0]);
    assert_eq!(search("shcartot").0, wanted);
}

#[test]
fn globs_match_whole_names_with_their_case() {
    assert_eq!(search("total*").0, ["total", "total_price"]);
    assert_eq!(search("?otal").0, ["total"]);
    assert_eq!(search("shop::*(int)").0, ["shop::Cart<int>::total(int)"]);
    assert_eq!(search("nothing*").0, [""; 0]);
}

#[test]
fn what_nothing_matches_has_names_that_are_written_nearly_so() {
    for wrong in ["totaal", "tottal", "shop::totol"] {
        let (found, similar) = search(wrong);
        assert!(found.is_empty(), "{wrong}: {found:?}");
        assert!(
            similar.contains(&"total".to_owned()),
            "{wrong}: {similar:?}"
        );
    }
    let (found, similar) = search("zzzzzz");
    assert!(found.is_empty() && similar.is_empty());
}

#[test]
fn no_pattern_lists_all_in_the_order_of_the_alphabet() {
    let mut wanted = NAMES;
    wanted.sort();
    assert_eq!(search("").0, wanted);
}

#[test]
fn an_answer_has_no_more_than_was_asked_for_and_says_how_many_there_are() {
    let named = Named::of((0..5000).map(|number| format!("function_{number:04}")));
    let functions = named.functions();
    let found = functions.search("function_1*", 3, later());
    assert_eq!(
        names(&found),
        ["function_1000", "function_1001", "function_1002"]
    );
    assert_eq!(found.total, 1000);
    assert_eq!(
        functions.search("", usize::MAX, later()).functions.len(),
        1000
    );
    assert_eq!(functions.search("", 0, later()).total, 5000);
    let long = "x".repeat(5000);
    assert_eq!(functions.search(&long, 3, later()).total, 0);
}

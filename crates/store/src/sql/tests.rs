//! What the reader of statements accepts and refuses.

use super::*;
use proptest::prelude::*;

const VIEWS: &[&str] = &["requests", "events"];

fn read(text: &str) -> Result<String, SqlError> {
    let rules = Rules {
        views: VIEWS,
        limit: 100,
        now: TimeNs(5_000_000_000),
    };
    check(text, rules)
}

#[test]
fn what_is_written_is_made_here() {
    for (text, written) in [
        (
            "select * from requests",
            r#"SELECT * FROM ask."requests" LIMIT 100"#,
        ),
        (
            "FROM Requests r SELECT r.service, sum(errors) e WHERE at > now() - INTERVAL 1 HOUR GROUP BY ALL ORDER BY e DESC LIMIT 5",
            r#"SELECT ("r"."service"), (sum(("errors"))) AS "e" FROM ask."requests" AS "r" WHERE (("at") > ((make_timestamp((5000000))) - (INTERVAL '1 hour'))) GROUP BY ALL ORDER BY ("e") DESC LIMIT 5"#,
        ),
        (
            "WITH a AS (SELECT 1 AS n) SELECT 'it''s', n FROM a UNION ALL SELECT NULL, 2e3 LIMIT 1000 OFFSET 2;",
            r#"WITH "a" AS (SELECT (1) AS "n") (SELECT ('it''s'), ("n") FROM "a") UNION ALL (SELECT (NULL), (2e3)) LIMIT 100 OFFSET 2"#,
        ),
        (
            r#"SELECT count(*) FILTER (WHERE "side" = 'server') FROM events /* ; DROP TABLE x */ -- y"#,
            r#"SELECT (count(*) FILTER (WHERE (("side") = ('server')))) FROM ask."events" LIMIT 100"#,
        ),
    ] {
        assert_eq!(read(text).as_deref(), Ok(written), "{text}");
        assert_eq!(read(written).as_deref(), Ok(written));
    }
}

#[test]
fn useful_statements_are_accepted() {
    for text in [
        "SELECT service, round(100.0 * sum(errors) / sum(requests), 2) FROM requests GROUP BY service HAVING sum(requests) > 0",
        "SELECT date_trunc('minute', at) AS m, sum(requests) FROM requests GROUP BY 1 ORDER BY 1",
        "SELECT * FROM requests WHERE service IN ('a', 'b') AND NOT host LIKE 'x%' AND errors BETWEEN 1 AND 2",
        "SELECT CASE WHEN errors > 0 THEN 'bad' ELSE 'good' END, count(DISTINCT service) FROM requests GROUP BY 1",
        "SELECT e.text FROM events e JOIN requests r ON e.service = r.service AND r.at < e.at LEFT JOIN events f USING (service)",
        "SELECT service, row_number() OVER (PARTITION BY host ORDER BY at DESC) AS n FROM requests QUALIFY n = 1",
        "SELECT * FROM (SELECT service FROM requests) s WHERE EXISTS (SELECT 1 FROM events)",
        "SELECT extract(hour FROM at), ceil(1.5), floor(2.5), trim(service), substring(service, 1, 2) FROM requests",
        "SELECT at::DATE, CAST(errors AS DOUBLE), TRY_CAST(service AS INTEGER), TIMESTAMP '2026-01-01' FROM requests",
        "SELECT (SELECT max(at) FROM events) - at FROM requests",
        "WITH a AS (SELECT 1 x), b AS (SELECT * FROM a) SELECT * FROM b, a",
        "SELECT 1",
    ] {
        let written = read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read(&written).as_ref(), Ok(&written), "{text}");
    }
}

/// A statement, and a word of the refusal.
const HOSTILE: &[(&str, &str)] = &[
    ("", "no statement"),
    ("SELECT * FROM read_csv('/etc/passwd')", "read_csv"),
    (
        "SELECT * FROM read_text('/etc/passwd')",
        "no function can stand in FROM",
    ),
    ("SELECT * FROM glob('/*')", "no function"),
    ("SELECT * FROM 'file.csv'", "no file"),
    ("SELECT * FROM \"file.csv\"", "no table is named file.csv"),
    ("SELECT * FROM 'requests'", "no file"),
    ("SELECT * FROM '/proc/self/environ'", "no file"),
    ("FROM 'https://evil.example/x.parquet'", "no file"),
    ("SELECT * FROM sniff_csv('x')", "no function"),
    ("SELECT * FROM parquet_scan('x')", "no function"),
    ("SELECT * FROM duckdb_settings()", "no function"),
    ("SELECT * FROM query('SELECT 1')", "no function"),
    ("SELECT * FROM query_table('summary')", "no function"),
    ("SELECT * FROM range(1000000000)", "no function"),
    ("SELECT * FROM generate_series(1, 2)", "no function"),
    ("SELECT * FROM unnest([1,2])", "not"),
    ("COPY requests TO '/tmp/x.csv'", "only SELECT"),
    ("COPY (SELECT 1) TO '/tmp/x'", "only SELECT"),
    ("ATTACH '/tmp/x.db' AS x", "only SELECT"),
    ("DETACH x", "only SELECT"),
    ("PRAGMA database_list", "only SELECT"),
    ("SET enable_external_access = true", "only SELECT"),
    ("RESET memory_limit", "only SELECT"),
    ("INSTALL httpfs", "only SELECT"),
    ("LOAD httpfs", "only SELECT"),
    ("INSERT INTO requests VALUES (1)", "only SELECT"),
    ("UPDATE requests SET errors = 0", "only SELECT"),
    ("DELETE FROM audit", "only SELECT"),
    ("DROP TABLE audit", "only SELECT"),
    ("CREATE TABLE x AS SELECT 1", "only SELECT"),
    ("EXPORT DATABASE '/tmp/x'", "not understood"),
    ("CALL pragma_version()", "only SELECT"),
    ("EXPLAIN ANALYZE SELECT 1", "only SELECT"),
    ("SHOW TABLES", "only SELECT"),
    ("DESCRIBE requests", "only SELECT"),
    ("VACUUM", "only SELECT"),
    ("CHECKPOINT", "not understood"),
    ("BEGIN", "only SELECT"),
    ("VALUES (1)", "VALUES"),
    ("TABLE requests", "not understood"),
    ("SELECT 1; SELECT 2", "only one"),
    ("SELECT 1; DROP TABLE audit", "only one"),
    ("SELECT getenv('HOME')", "getenv"),
    ("SELECT current_setting('memory_limit')", "current_setting"),
    ("SELECT read_text('x')", "read_text"),
    ("SELECT repeat('x', 1000000000)", "repeat"),
    ("SELECT lpad('x', 1000000000, 'y')", "lpad"),
    ("SELECT replace(service, 'a', 'b') FROM requests", "replace"),
    ("SELECT list(service) FROM requests", "list"),
    (
        "SELECT string_agg(service, ',') FROM requests",
        "string_agg",
    ),
    ("SELECT median(errors) FROM requests", "median"),
    (
        "SELECT quantile_cont(errors, 0.5) FROM requests",
        "quantile_cont",
    ),
    ("SELECT main.count(*) FROM requests", "no schema"),
    ("SELECT COLUMNS('.*') FROM requests", "columns"),
    ("SELECT * EXCLUDE (service) FROM requests", "stands alone"),
    (
        "SELECT * REPLACE (1 AS service) FROM requests",
        "stands alone",
    ),
    ("SELECT [1, 2]", "not allowed"),
    ("SELECT {'a': 1}", "not allowed"),
    ("SELECT x -> x + 1 FROM requests", "not allowed"),
    ("SELECT service[1] FROM requests", "not allowed"),
    ("SELECT $1", "placeholder"),
    ("SELECT ?", "placeholder"),
    ("SELECT $$text$$", "single quotes"),
    ("SELECT X'00'", "single quotes"),
    ("SELECT CAST(service AS BLOB) FROM requests", "type"),
    ("SELECT * FROM summary", "no table is named summary"),
    ("SELECT * FROM audit", "no table is named audit"),
    (
        "SELECT * FROM main.summary",
        "no table is named main.summary",
    ),
    ("SELECT * FROM ask.audit", "no table is named ask.audit"),
    ("SELECT * FROM x.ask.requests", "no table is named"),
    (
        "SELECT * FROM information_schema.tables",
        "no table is named",
    ),
    ("SELECT * FROM duckdb_settings", "no table is named"),
    ("SELECT * FROM sqlite_master", "no table is named"),
    ("SELECT * FROM pg_catalog.pg_tables", "no table is named"),
    ("SELECT (SELECT 1 FROM summary)", "no table is named"),
    (
        "SELECT 1 WHERE 1 IN (SELECT pid FROM process)",
        "no table is named",
    ),
    ("WITH requests AS (SELECT 1) SELECT * FROM requests", "anew"),
    (
        "WITH a AS (SELECT 1), A AS (SELECT 2) SELECT * FROM a",
        "anew",
    ),
    (
        "WITH a AS (SELECT * FROM a) SELECT * FROM a",
        "no table is named a",
    ),
    (
        "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
        "no table is named b",
    ),
    (
        "SELECT * FROM (WITH audit AS (SELECT 1) SELECT 1) x, audit",
        "at the beginning",
    ),
    (
        "WITH \"f.csv\" AS (SELECT 1) SELECT * FROM \"f.csv\"",
        "letters",
    ),
    (
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
        "RECURSIVE",
    ),
    (
        "WITH a AS MATERIALIZED (SELECT 1) SELECT * FROM a",
        "not understood",
    ),
    ("SELECT 1 FOR UPDATE", "not understood"),
    ("SELECT 1 LIMIT (SELECT 5)", "number"),
    ("SELECT 1 LIMIT 50%", "not understood"),
    ("SELECT * FROM requests TABLESAMPLE 10%", "not"),
    ("SELECT * FROM requests NATURAL JOIN events", "NATURAL"),
    (
        "SELECT * FROM requests POSITIONAL JOIN events",
        "ON or USING",
    ),
    ("SELECT * FROM requests, LATERAL (SELECT 1)", "FROM takes"),
    ("PIVOT requests ON service", "not understood"),
    ("SELECT '\u{0}'", "NUL"),
    (
        "SELECT sum(errors) OVER (ROWS UNBOUNDED PRECEDING) FROM requests",
        "OVER",
    ),
];

#[test]
fn hostile_statements_are_refused_with_the_reason() {
    let otherwise = |(text, word): &&(&str, &str)| match read(text) {
        Err(SqlError::Refused(why)) => !why.to_lowercase().contains(&word.to_lowercase()),
        _ => true,
    };
    let wrong: Vec<_> = HOSTILE.iter().filter(otherwise).collect();
    let found: Vec<_> = wrong.iter().map(|(text, _)| read(text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?} {found:#?}");
}

#[test]
fn sizes_are_bounded() {
    let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
    let long = format!("SELECT 1{}", " + 1".repeat(900));
    let words = format!("SELECT 1{}", " + 1".repeat(5_000));
    let bytes = format!("SELECT '{}'", "x".repeat(20_000));
    let tables = format!("SELECT 1 FROM requests{}", ", requests".repeat(16));
    let texts = format!("SELECT 'x'{}", " || 'x'".repeat(9));
    let unions = vec!["SELECT 1"; 400].join(" UNION ALL ");
    for text in [long, words, bytes, tables, texts, unions, deep] {
        assert!(matches!(read(&text), Err(SqlError::Refused(_))), "{text}");
    }
}

#[test]
fn refusals_do_not_move_the_cursor() {
    for text in [
        "SELECT * FROM \"a\x1b[2J\"",
        "SELECT \"f\x1b[2J\"(1)",
        "SELECT 1 ~~~ '\x1b[2J'",
    ] {
        let why = read(text).unwrap_err().to_string();
        assert!(!why.contains('\x1b'), "{why:?}");
    }
}

#[test]
fn the_corpus_passes_the_fuzz_target() {
    HOSTILE.iter().for_each(|(text, _)| fuzz(text.as_bytes()));
}

proptest! {
    #[test]
    fn shuffled_words_never_break_it(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "FROM", "requests", "r", ",", "(", ")", "*", "'x'", "\"a\"", "WITH", "AS", "a", "1", "+", "||", "-",
        "WHERE", "GROUP BY", "ALL", "ORDER BY", "UNION", "JOIN", "ON", "=", "sum", "count", "now", ".", ";", "NOT", "IN",
        "CASE", "WHEN", "THEN", "END", "INTERVAL", "hour", "::", "DATE", "LIMIT", "--", "/*", "*/", "EXISTS", "NULL"]), 0..40)) {
        fuzz(words.join(" ").as_bytes());
    }

    #[test]
    fn foreign_bytes_never_break_it(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }
}

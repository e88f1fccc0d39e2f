//! SQL and files over the socket: answered from a real file, in parts, and refused in words.

use crate::agent::{Agent, batch, exact};
use crate::colony::{TestColony, ask, second};
use coral_colony::hub::Beat;
use coral_model::answer::{Cell, Table};
use coral_model::*;
use coral_proto::v1;
use coral_proto::v1::query_client::QueryClient;
use coral_store::{Duck, Keeping};
use std::sync::Arc;
use tonic::{Code, Status};

async fn sql(colony: &TestColony, text: &str, limit: u32) -> Result<Table, Status> {
    let question = Question::Sql {
        text: text.to_owned(),
        limit,
    };
    match ask(&colony.channel().await, &question).await?.body {
        AnswerBody::Sql(table) => Ok(table),
        other => panic!("{other:?}"),
    }
}

async fn file(colony: &TestColony, table: &str, format: &str) -> Result<Vec<u8>, Status> {
    let request = v1::ExportRequest {
        table: table.to_owned(),
        format: format.to_owned(),
        span: None,
    };
    let mut client = QueryClient::new(colony.channel().await);
    let mut chunks = client.export(request).await?.into_inner();
    let mut bytes = vec![];
    while let Some(chunk) = chunks.message().await? {
        bytes.extend(chunk.data);
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_streamed_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let open = move || Duck::open(&path, Keeping::default(), second(0)).unwrap();
    let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
    let colony = TestColony::start(store, Beat::default());
    let (mut agent, _) = Agent::open(colony.channel().await, "a", 5).await.unwrap();
    let mut many = batch("a", 5, 1, second(10));
    many.items.extend((0..9_000).map(|_| exact(second(10), 3)));
    agent.ship(&many).await.unwrap();
    colony.now(10);
    let csv = String::from_utf8(file(&colony, "requests", "csv").await.unwrap()).unwrap();
    assert!(csv.len() > 1 << 19);
    assert_eq!(csv.lines().count(), 9_001);
    assert!(
        csv.lines()
            .nth(1)
            .unwrap()
            .contains(",shop,app,host,a,1,server,http/1.1,2xx,3,0,0")
    );
    let parquet = file(&colony, "requests", "parquet").await.unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    for (table, format) in [("summary", "csv"), ("requests", "xlsx"), ("../x", "csv")] {
        let refused = file(&colony, table, format).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let audited = "SELECT action, target FROM audit WHERE contains(action, 'Export') GROUP BY ALL";
    let audited = sql(&colony, audited, 9).await.unwrap();
    let row = ["coral.v1.Query/Export", "requests"].map(|text| Cell::Text(text.into()));
    assert_eq!(audited.rows, [row]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_answered_or_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let open = move || Duck::open(&path, Keeping::default(), second(0)).unwrap();
    let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
    let colony = TestColony::start(store, Beat::default());
    let (mut agent, _) = Agent::open(colony.channel().await, "a", 5).await.unwrap();
    let mut many = batch("a", 5, 1, second(10));
    many.items.extend((0..1_200).map(|_| exact(second(10), 3)));
    agent.ship(&many).await.unwrap();
    colony.now(10);
    let sums = "SELECT service, sum(requests), max(at) < now() FROM requests GROUP BY service";
    let table = sql(&colony, sums, 10).await.unwrap();
    let row = [
        Cell::Text("shop".into()),
        Cell::Int(3_600),
        Cell::Bool(false),
    ];
    assert_eq!(table.rows, [row]);
    let all = sql(&colony, "SELECT * FROM requests", 5_000).await.unwrap();
    assert_eq!((all.rows.len(), all.truncated), (1_200, false));
    let some = sql(&colony, "SELECT * FROM requests", 700).await.unwrap();
    assert_eq!((some.rows.len(), some.truncated), (700, true));
    // Who runs this is the colony's own user, an admin: the statement itself was audited.
    let audit = sql(
        &colony,
        "SELECT target FROM audit WHERE contains(target, 'max(at)') AND NOT contains(target, 'audit')",
        9,
    );
    assert_eq!(audit.await.unwrap().rows, [[Cell::Text(sums.into())]]);
    for (text, word) in [
        ("SELECT * FROM read_csv('x')", "read_csv"),
        ("SELECT nosuch FROM requests", "nosuch"),
    ] {
        let refused = sql(&colony, text, 9).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(word), "{refused}");
    }
}

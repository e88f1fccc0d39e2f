//! Wishes are checked, kept once, and told to whoever follows.

use super::*;
use coral_model::{Check, Connect, Role, ServiceKey, Via, Window};
use coral_store::{EventFilter, Memory, Read};

fn caller() -> Caller {
    Caller {
        id: "uid:7".into(),
        role: Role::Operator,
        via: Via::Unix,
    }
}

fn connect(name: &str, target: ConnectTarget, check: Option<Check>) -> Want {
    Want::Connect(Connect {
        service: ServiceKey::plain(name),
        target,
        check,
        kind: Observed::new("http"),
    })
}

fn wants() -> (Arc<Memory>, Wants) {
    let store = Arc::new(Memory::default());
    (store.clone(), Wants::new(store, vec![]))
}

#[tokio::test]
async fn a_connect_is_kept_told_and_forgotten() {
    let (store, wants) = wants();
    let mut followed = wants.follow();
    let port = |p| ConnectTarget::Port(p);
    let http = || Some(Check::Http("/up".into()));
    let who = caller();
    let put = |id, want| wants.put(id, want, &who, TimeNs(5));
    put("1", connect("web", port(80), http())).await.unwrap();
    put("1", connect("web", port(80), http())).await.unwrap();
    assert!(followed.has_changed().unwrap());
    let now = followed.borrow_and_update().clone();
    assert_eq!((now.version, now.by_id.len()), (3, 1));
    let taken = put("2", connect("shop", port(80), None)).await.unwrap_err();
    assert!(
        taken.to_string().contains("port 80 is connected as web"),
        "{taken}"
    );
    put("3", connect("web", port(81), None)).await.unwrap();
    assert_eq!(store.snapshot().unwrap().connects().unwrap().len(), 2);
    assert!(wants.withdraw("1").await.unwrap().is_some());
    assert!(wants.withdraw("1").await.unwrap().is_none());
    put("2", connect("shop", port(80), None)).await.unwrap();
    let kept = store.snapshot().unwrap().connects().unwrap();
    assert_eq!(Wants::new(store.clone(), kept).connects().by_id.len(), 2);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_form() {
    let (store, wants) = wants();
    let pattern = |p: &str| ConnectTarget::ExePattern(p.into());
    let http = |path: &str| Some(Check::Http(path.into()));
    let port = ConnectTarget::Port(80);
    for (want, why) in [
        (connect("a b", port.clone(), None), "is no name"),
        (connect("", port.clone(), None), "is no name"),
        (connect("x\u{1b}[31m", port.clone(), None), "x\\u{1b}[31m"),
        (connect("a", port.clone(), http("up")), "/healthz"),
        (connect("a", port.clone(), http("/a b")), "/healthz"),
        (connect("a", port, http("/a\r\nX: y")), "/healthz"),
        (connect("a", pattern("("), None), "no regular expression"),
        (connect("a", pattern(&"x".repeat(201)), None), "1 to 200"),
        (
            connect("a", pattern("(a{500}){500}"), None),
            "no regular expression",
        ),
        (connect("a", pattern("a"), Some(Check::Tcp)), "needs a port"),
    ] {
        let refused = wants
            .put("1", want, &caller(), TimeNs(5))
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let lease = Duration::from_secs(5);
    let service = ServiceKey::plain("a");
    let capture = Want::Capture { service, lease };
    let refused = wants
        .put("1", capture, &caller(), TimeNs(5))
        .await
        .unwrap_err();
    assert!(matches!(refused, WantError::NotGranted("capture")));
    assert!(
        wants
            .put(
                "",
                connect("a", ConnectTarget::Port(1), None),
                &caller(),
                TimeNs(5)
            )
            .await
            .is_err()
    );
    assert!(store.snapshot().unwrap().connects().unwrap().is_empty());
}

#[tokio::test]
async fn there_is_an_end_to_names() {
    let (_, wants) = wants();
    for port in 1..=200 {
        let want = connect("a", ConnectTarget::Port(port), None);
        wants
            .put(&port.to_string(), want, &caller(), TimeNs(5))
            .await
            .unwrap();
    }
    let one_more = connect("a", ConnectTarget::Port(201), None);
    let refused = wants
        .put("201", one_more, &caller(), TimeNs(5))
        .await
        .unwrap_err();
    assert!(matches!(refused, WantError::Full), "{refused}");
}

#[tokio::test]
async fn a_note_is_an_event_and_a_retry_writes_it_once() {
    let (store, wants) = wants();
    let note = |at| Want::Note {
        at,
        service: Some(ServiceKey::plain("cart")),
        text: Observed::new("pulled the cable"),
    };
    for _ in 0..3 {
        wants
            .put("n1", note(None), &caller(), TimeNs(50))
            .await
            .unwrap();
    }
    wants
        .put("n2", note(Some(TimeNs(40))), &caller(), TimeNs(50))
        .await
        .unwrap();
    let late = Some(TimeNs(50).plus(AHEAD_MAX * 2));
    assert!(
        wants
            .put("n3", note(late), &caller(), TimeNs(50))
            .await
            .is_err()
    );
    let filter = EventFilter {
        window: Window {
            from: TimeNs(0),
            to: TimeNs(99),
        },
        services: vec![],
        kinds: vec![EventKind::Note],
        limit: 9,
    };
    let events = store.snapshot().unwrap().events(&filter).unwrap();
    let times: Vec<_> = events.iter().map(|e| e.at.0).collect();
    assert_eq!(times, [50, 40]);
    assert_eq!(events[0].text.raw(), "pulled the cable");
}

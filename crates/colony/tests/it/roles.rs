//! Every method of the proto files is either served, with a decision who may call it, or listed as not served yet; and
//! the services behind the door do what the table says, for every role.

use crate::colony::{about, second};
use coral_colony::hub::Beat;
use coral_colony::identity::People;
use coral_colony::rpc::{Access, NOT_SERVED_YET, SERVED, access};
use coral_colony::server::{Colony, Parts};
use coral_mesh::Peer;
use coral_model::Role;
use coral_proto::DESCRIPTORS;
use coral_store::Memory;
use prost::Message as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;
use tonic::codegen::http;
use tonic::{Code, body::Body};
use tower::{Layer as _, ServiceExt as _};

/// The path of every method of every service.
fn methods() -> Vec<String> {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut paths = vec![];
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                paths.push(format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    paths
}

#[test]
fn every_method_is_decided() {
    let methods: BTreeSet<_> = methods().into_iter().collect();
    assert!(methods.len() >= 9, "{methods:?}");
    let served = SERVED.iter().map(|(path, _)| (*path).to_owned());
    let not_yet = NOT_SERVED_YET.iter().map(|path| (*path).to_owned());
    let decided: Vec<_> = served.chain(not_yet).collect();
    let set: BTreeSet<_> = decided.iter().cloned().collect();
    assert_eq!(set.len(), decided.len(), "a method is listed twice");
    assert_eq!(set, methods);
}

const VIEWER: u32 = 2001;
const OPERATOR: u32 = 2002;
const STRANGER: u32 = 2009;

#[tokio::test]
async fn the_door_does_what_the_table_says() {
    let (_stop, stopped) = watch::channel(false);
    let parts = Parts {
        store: Arc::new(Memory::default()),
        people: People::only(1000)
            .and(VIEWER, Role::Viewer)
            .and(OPERATOR, Role::Operator),
        clock: Arc::new(|| second(0)),
        about: about(),
        beat: Beat::default(),
    };
    let colony = Colony::new(parts, stopped).unwrap();
    let services = colony.identify.layer(colony.routes.prepare());
    let people = [
        (VIEWER, Some(Role::Viewer)),
        (OPERATOR, Some(Role::Operator)),
        (1000, Some(Role::Admin)),
        (STRANGER, None),
    ];
    for path in methods() {
        for (uid, role) in people {
            let mut request = http::Request::post(&path)
                .header("content-type", "application/grpc")
                .body(Body::empty())
                .unwrap();
            let peer = Peer {
                uid,
                gid: uid,
                pid: None,
            };
            request.extensions_mut().insert(peer);
            let response = services.clone().oneshot(request).await.unwrap();
            let code = response
                .headers()
                .get("grpc-status")
                .map(|code| Code::from_bytes(code.as_bytes()));
            let passed = !matches!(code, Some(Code::PermissionDenied | Code::Unimplemented));
            match (role, access(&path)) {
                (None, _) => assert_eq!(code, Some(Code::PermissionDenied), "{path} {uid}"),
                (Some(_), None) => assert_eq!(code, Some(Code::Unimplemented), "{path} {uid}"),
                (Some(role), Some(Access::Least(least))) => {
                    assert_eq!(passed, role >= least, "{path} {role:?}");
                }
                // All questions of today are for viewers; the empty body is refused later, as no question.
                (Some(_), Some(Access::Question)) => assert!(passed, "{path} {role:?}"),
                // Every wish needs an operator, which is decided once it was read; an empty body is none.
                (Some(_), Some(Access::Want)) => assert!(passed, "{path} {role:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_peer_is_nobody() {
    let (_stop, stopped) = watch::channel(false);
    let parts = Parts {
        store: Arc::new(Memory::default()),
        people: People::only(1000),
        clock: Arc::new(|| second(0)),
        about: about(),
        beat: Beat::default(),
    };
    let colony = Colony::new(parts, stopped).unwrap();
    let services = colony.identify.layer(colony.routes.prepare());
    let request = http::Request::post("/coral.v1.Query/Run")
        .body(Body::empty())
        .unwrap();
    let response = services.oneshot(request).await.unwrap();
    let code = Code::from_bytes(response.headers()["grpc-status"].as_bytes());
    assert_eq!(code, Code::Unauthenticated);
}

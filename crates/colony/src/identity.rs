//! Who calls. One tower layer in front of every service makes a [`Caller`] from the peer credentials of the socket and
//! refuses whoever has no role here; a method that is not in the table of [`crate::rpc`] is refused as well.

use crate::Clock;
use crate::audit;
use crate::rpc::{Access, access};
use coral_mesh::Peer;
use coral_model::{Caller, Role, Via};
use coral_store::Append;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Request, Status};
use tower::{Layer, Service};

/// The roles of the users of this host. Its own user and root are admins; whoever is not named has none.
#[derive(Debug, Clone)]
pub struct People {
    own_uid: u32,
    roles: BTreeMap<u32, Role>,
}

impl People {
    /// Only the colony's own user and root.
    pub fn only(own_uid: u32) -> Self {
        Self {
            own_uid,
            roles: BTreeMap::new(),
        }
    }

    /// And this user, with this role.
    #[must_use]
    pub fn and(mut self, uid: u32, role: Role) -> Self {
        self.roles.insert(uid, role);
        self
    }

    /// The role of a user, if they have one.
    pub fn role_of(&self, uid: u32) -> Option<Role> {
        if uid == self.own_uid || uid == 0 {
            return Some(Role::Admin);
        }
        self.roles.get(&uid).copied()
    }
}

/// What the layer needs to decide and to write down.
pub struct Door {
    /// Who has which role.
    pub people: People,
    /// Where refusals are written.
    pub sink: Arc<dyn Append>,
    /// Now.
    pub clock: Clock,
}

impl Door {
    /// The caller of a request to `path`, or the refusal, which is audited.
    async fn admit(&self, peer: Option<Peer>, path: &str) -> Result<Caller, Status> {
        let Some(peer) = peer else {
            return Err(Status::unauthenticated(
                "the other end of this connection is not known",
            ));
        };
        let id = format!("uid:{}", peer.uid);
        let caller = |role| Caller {
            id: id.clone(),
            role,
            via: Via::Unix,
        };
        let Some(role) = self.people.role_of(peer.uid) else {
            let why = format!(
                "uid {} has no role in this colony; only uid {} and root have",
                peer.uid, self.people.own_uid
            );
            // The least role stands in the row: it must name one, and none was granted.
            return Err(self.refuse(caller(Role::Viewer), path, why).await);
        };
        match access(path) {
            Some(Access::Least(least)) if role < least => {
                let why = format!("needs the role {}, has {}", least.name(), role.name());
                Err(self.refuse(caller(role), path, why).await)
            }
            Some(_) => Ok(caller(role)),
            None => Err(Status::unimplemented(format!(
                "this colony does not serve {path}"
            ))),
        }
    }

    async fn refuse(&self, caller: Caller, path: &str, why: String) -> Status {
        tracing::warn!(caller = caller.id, path, why, "refused");
        let action = path.trim_start_matches('/');
        audit::refused(&*self.sink, (self.clock)(), caller, action, "", &why).await;
        Status::permission_denied(why)
    }
}

/// Puts the [`Door`] before a service.
#[derive(Clone)]
pub struct Identify(pub Arc<Door>);

impl<S> Layer<S> for Identify {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified {
            inner,
            door: self.0.clone(),
        }
    }
}

/// A service behind the [`Door`].
#[derive(Clone)]
pub struct Identified<S> {
    inner: S,
    door: Arc<Door>,
}

impl<S> Service<http::Request<Body>> for Identified<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // The clone that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let door = self.door.clone();
        Box::pin(async move {
            let peer = request.extensions().get::<Peer>().copied();
            match door.admit(peer, request.uri().path()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

/// The caller that the layer made. Without it nothing is done.
///
/// # Errors
/// `Unauthenticated` when the request did not pass the layer.
pub fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let found = request.extensions().get::<Caller>().cloned();
    found.ok_or_else(|| Status::unauthenticated("the caller is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_user_root_and_named_users_have_a_role() {
        let people = People::only(1000).and(2000, Role::Viewer);
        assert_eq!(people.role_of(1000), Some(Role::Admin));
        assert_eq!(people.role_of(0), Some(Role::Admin));
        assert_eq!(people.role_of(2000), Some(Role::Viewer));
        assert_eq!(people.role_of(65534), None);
    }
}

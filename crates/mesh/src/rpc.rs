//! The two traits as tonic wants them: a channel over a dialer, a stream of links from a listener.

use crate::{DialError, Dialer, Link, Listener};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_stream::Stream;
use tonic::transport::{Channel, Endpoint, Uri};

/// Opens a link now and makes a channel of it; the channel dials again by itself when the link breaks.
///
/// # Errors
/// The dialer's own, which says more than a transport error.
pub async fn connect(dialer: Arc<dyn Dialer>) -> Result<Channel, DialError> {
    let first = Arc::new(Mutex::new(Some(dialer.dial().await?)));
    let connector = tower::service_fn(move |_: Uri| {
        let (dialer, first) = (dialer.clone(), first.clone());
        async move {
            let ready = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let link = match ready {
                Some(link) => link,
                None => dialer.dial().await.map_err(std::io::Error::other)?,
            };
            Ok::<_, std::io::Error>(TokioIo::new(link))
        }
    });
    // The authority is never resolved: the connector ignores it.
    let endpoint = Endpoint::from_static("http://colony");
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// The links of a listener as a stream for `Server::serve_with_incoming`.
pub fn incoming(listener: Arc<dyn Listener>) -> impl Stream<Item = std::io::Result<Link>> {
    futures::stream::unfold(listener, |listener| async move {
        let next = listener.accept().await;
        Some((next, listener))
    })
}

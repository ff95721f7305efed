//! What a page sends, in bounded room and time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use tokio::time::timeout;

use super::refused;

/// An outcome with the longest note, each character of it escaped.
const MAX_BODY_BYTES: usize = 64 << 10;
/// A body that is not there by then comes no more; its connection is wanted by others.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// All of a request's body. Whoever asks for it has looked at all that the request's head says.
pub(super) async fn read(body: Body) -> Result<Bytes, Response> {
    match timeout(BODY_PATIENCE, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let words =
                format!("the message is cut, or longer than {MAX_BODY_BYTES} bytes; shorten the note");
            Err(refused::problem(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", &words))
        }
        Err(_) => {
            let words =
                format!("the message was not sent within {} s; send it again", BODY_PATIENCE.as_secs());
            Err(refused::problem(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", &words))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio_stream::{Stream, StreamExt};

    use super::*;

    async fn status(parts: impl Stream<Item = Bytes> + Send + 'static) -> StatusCode {
        read(Body::from_stream(parts.map(Ok::<_, Infallible>))).await.unwrap_err().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let begun = tokio_stream::iter([Bytes::from_static(b"{")]);
        assert_eq!(status(begun.chain(tokio_stream::pending())).await, StatusCode::REQUEST_TIMEOUT);
        // A byte now and then is no body either.
        let drip = tokio_stream::iter(std::iter::repeat(Bytes::from_static(b" ")));
        assert_eq!(status(drip.throttle(Duration::from_secs(1))).await, StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_has_a_size() {
        let whole = vec![b' '; MAX_BODY_BYTES];
        assert_eq!(read(Body::from(whole.clone())).await.unwrap().len(), MAX_BODY_BYTES);
        let parts = tokio_stream::iter([Bytes::from(whole), Bytes::from_static(b" ")]);
        assert_eq!(status(parts).await, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::Status;

use crate::refusal::Refusal;

/// Replies of a stream that may wait for the client to read them.
const MAX_WAITING_REPLIES: usize = 8;

/// The client's end of a stream of replies: the replies, then how it ended. A stream whose task is
/// gone without saying how ends as an internal error, never as a success.
pub(crate) struct Replies<T> {
    replies: mpsc::Receiver<T>,
    outcome: Option<oneshot::Receiver<Result<(), Refusal>>>,
}

/// The task's end.
pub(crate) struct Answer<T> {
    pub(crate) replies: mpsc::Sender<T>,
    outcome: oneshot::Sender<Result<(), Refusal>>,
}

/// Both ends.
pub(crate) fn replies<T>() -> (Answer<T>, Replies<T>) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING_REPLIES);
    let (outcome, ended) = oneshot::channel();
    (Answer { replies: sender, outcome }, Replies { replies: receiver, outcome: Some(ended) })
}

impl<T> Answer<T> {
    /// Ends the stream after the replies already sent.
    pub(crate) fn end(self, outcome: Result<(), Refusal>) {
        // Fails only if the client left.
        drop(self.outcome.send(outcome));
    }
}

impl<T> Stream for Replies<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(reply) = ready!(self.replies.poll_recv(context)) {
            return Poll::Ready(Some(Ok(reply)));
        }
        let Some(outcome) = &mut self.outcome else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(outcome).poll(context));
        self.outcome = None;
        Poll::Ready(match outcome {
            Ok(Ok(())) => None,
            Ok(Err(refusal)) => Some(Err(refusal.into())),
            Err(_) => Some(Err(Refusal::internal("STREAM_LOST").into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn replies_come_before_the_end() {
        let (answer, mut stream) = replies();
        answer.replies.send(1).await.unwrap();
        answer.end(Err(Refusal::draining()));
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_lost_task_is_no_success() {
        let (answer, mut stream) = replies::<u8>();
        drop(answer);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), tonic::Code::Internal);
        let (answer, mut stream) = replies::<u8>();
        answer.end(Ok(()));
        assert!(stream.next().await.is_none());
    }
}

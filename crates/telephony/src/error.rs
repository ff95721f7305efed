use std::borrow::Cow;

/// Why a stream can't go on. Each says what the far end should do; none shows audio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The bytes or the message are not of this protocol: check what is connected to this port or path.
    #[error("malformed {protocol} message: {problem}")]
    Malformed {
        /// Whose rules.
        protocol: &'static str,
        /// What is wrong.
        problem: Cow<'static, str>,
    },
    /// A message that the protocol does not allow here.
    #[error("unexpected {protocol} message: {problem}")]
    OutOfOrder {
        /// Whose rules.
        protocol: &'static str,
        /// What came and what should have.
        problem: Cow<'static, str>,
    },
    /// A field says what can't be: mend it where the call is set up.
    #[error("{field} can't be used: {problem}")]
    BadField {
        /// Its name in the protocol.
        field: &'static str,
        /// What is wrong.
        problem: Cow<'static, str>,
    },
    /// Well formed, and nothing this adapter can take: choose what it names instead.
    #[error("unsupported: {problem}")]
    Unsupported {
        /// What, and what to use instead.
        problem: Cow<'static, str>,
    },
    /// A message larger, or a stream faster, than anything honest.
    #[error("{what} is over its limit of {most}")]
    LimitReached {
        /// What.
        what: &'static str,
        /// The named limit, in the unit that `what` says.
        most: usize,
    },
    /// Who connects could not prove who they are.
    #[error("not authenticated: {problem}")]
    NotAuthenticated {
        /// Which proof is missing or wrong, without showing any of it.
        problem: Cow<'static, str>,
    },
    /// Both parties' streams may come, and nothing said in time which is the customer's: give a rule that
    /// does, such as the agents' addresses.
    #[error(
        "nothing says which stream is the customer's: compare the metadata with agent_aors, \
         customer_labels and customer_line"
    )]
    CustomerUndecided,
}

use crate::options::{Limits, MAX_CHUNK_BYTES};

/// Room in a message for its fields beside audio, and for messages without any.
const FIELDS_BYTES: usize = 64 << 10;

/// One method of the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rpc {
    /// `Service/Method`, for logs and metrics.
    pub(crate) label: &'static str,
    /// What it costs.
    pub(crate) kind: Kind,
}

/// What a method costs, which decides what it must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A small read or write.
    Lookup,
    /// Recordings or voiceprints in one message.
    Batch,
    /// A stream of audio, one reply.
    Upload,
    /// A live call.
    Live,
    /// A stream of updates.
    Watch,
}

impl Kind {
    /// The largest message that is taken, so that a call holds no more memory than it needs.
    pub(crate) fn message_limit(self, limits: &Limits) -> usize {
        match self {
            Self::Lookup | Self::Watch => FIELDS_BYTES,
            Self::Upload | Self::Live => MAX_CHUNK_BYTES + FIELDS_BYTES,
            Self::Batch => limits.max_recordings_bytes + FIELDS_BYTES,
        }
    }
}

const PACKAGE: &str = "/earmark.v1.";

impl Rpc {
    /// All methods; a test holds it against the descriptors.
    pub(crate) const ALL: [Self; 22] = [
        Self { label: "CustomersService/Enroll", kind: Kind::Upload },
        Self { label: "CustomersService/EnrollRecordings", kind: Kind::Batch },
        Self { label: "CustomersService/GetCustomer", kind: Kind::Lookup },
        Self { label: "CustomersService/ListCustomers", kind: Kind::Lookup },
        Self { label: "CustomersService/DeleteCustomer", kind: Kind::Lookup },
        Self { label: "CustomersService/OptOut", kind: Kind::Lookup },
        Self { label: "CustomersService/OptIn", kind: Kind::Lookup },
        Self { label: "DeskService/CreateDeskToken", kind: Kind::Lookup },
        Self { label: "ProxyLibraryService/AddProxy", kind: Kind::Batch },
        Self { label: "ProxyLibraryService/GetProxy", kind: Kind::Lookup },
        Self { label: "ProxyLibraryService/ListProxies", kind: Kind::Lookup },
        Self { label: "ProxyLibraryService/RemoveProxy", kind: Kind::Lookup },
        Self { label: "ScreeningService/ScreenCall", kind: Kind::Live },
        Self { label: "ScreeningService/ScreenRecording", kind: Kind::Batch },
        Self { label: "ScreeningService/WatchCalls", kind: Kind::Watch },
        Self { label: "ScreeningService/GetCall", kind: Kind::Lookup },
        Self { label: "ScreeningService/RegisterCall", kind: Kind::Lookup },
        Self { label: "ScreeningService/SignalCall", kind: Kind::Lookup },
        Self { label: "ScreeningService/ReportOutcome", kind: Kind::Lookup },
        Self { label: "VoiceprintsService/Extract", kind: Kind::Batch },
        Self { label: "VoiceprintsService/Compare", kind: Kind::Batch },
        Self { label: "VoiceprintsService/Merge", kind: Kind::Batch },
    ];

    /// Where requests for it go.
    pub(crate) fn path(&self) -> String {
        format!("{PACKAGE}{}", self.label)
    }

    /// The service's name without its package.
    pub(crate) fn service(&self) -> &'static str {
        self.label.split_once('/').map_or("", |(service, _)| service)
    }

    /// The method that a request's path names; none for anything that is not ours.
    pub(super) fn of_path(path: &str) -> Option<&'static Self> {
        let label = path.strip_prefix(PACKAGE)?;
        Self::ALL.iter().find(|rpc| rpc.label == label)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::proto::DESCRIPTOR_SET;

    #[test]
    fn knows_every_method_and_how_it_streams() {
        let set = FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
        let mut count = 0;
        for service in set.file.iter().flat_map(|f| &f.service) {
            for method in &service.method {
                let path = format!("/earmark.v1.{}/{}", service.name(), method.name());
                let rpc = Rpc::of_path(&path).unwrap_or_else(|| panic!("{path} is not in the list"));
                let streams = (method.client_streaming(), method.server_streaming());
                let expected = match rpc.kind {
                    Kind::Lookup | Kind::Batch => (false, false),
                    Kind::Upload => (true, false),
                    Kind::Live => (true, true),
                    Kind::Watch => (false, true),
                };
                assert_eq!(streams, expected, "{path}");
                assert_eq!(rpc.path(), path);
                count += 1;
            }
        }
        assert_eq!(count, Rpc::ALL.len());
    }

    #[test]
    fn anything_else_is_not_ours() {
        for path in ["/grpc.health.v1.Health/Check", "/earmark.v1.ScreeningService/Nothing", "/", ""] {
            assert_eq!(Rpc::of_path(path), None, "{path}");
        }
    }
}

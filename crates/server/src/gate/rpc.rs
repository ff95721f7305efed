use crate::access::Permission;
use crate::options::{Limits, MAX_CHUNK_BYTES};

/// Room in a message for its fields beside audio, and for messages without any.
const FIELDS_BYTES: usize = 64 << 10;

/// One method of the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rpc {
    /// The protobuf package.
    package: &'static str,
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

const OWN: &str = "earmark.v1";
const RINGCX: &str = "ringcentral.ringcx.streaming.v1beta2";
const WEBEX: &str = "com.cisco.wcc.ccai.media.v1";

impl Rpc {
    /// All methods; a test holds it against the descriptors.
    pub(crate) const ALL: [Self; 24] = [
        Self { package: OWN, label: "CustomersService/Enroll", kind: Kind::Upload },
        Self { package: OWN, label: "CustomersService/EnrollRecordings", kind: Kind::Batch },
        Self { package: OWN, label: "CustomersService/GetCustomer", kind: Kind::Lookup },
        Self { package: OWN, label: "CustomersService/ListCustomers", kind: Kind::Lookup },
        Self { package: OWN, label: "CustomersService/DeleteCustomer", kind: Kind::Lookup },
        Self { package: OWN, label: "CustomersService/OptOut", kind: Kind::Lookup },
        Self { package: OWN, label: "CustomersService/OptIn", kind: Kind::Lookup },
        Self { package: OWN, label: "DeskService/CreateDeskToken", kind: Kind::Lookup },
        Self { package: OWN, label: "ProxyLibraryService/AddProxy", kind: Kind::Batch },
        Self { package: OWN, label: "ProxyLibraryService/GetProxy", kind: Kind::Lookup },
        Self { package: OWN, label: "ProxyLibraryService/ListProxies", kind: Kind::Lookup },
        Self { package: OWN, label: "ProxyLibraryService/RemoveProxy", kind: Kind::Lookup },
        Self { package: OWN, label: "ScreeningService/ScreenCall", kind: Kind::Live },
        Self { package: OWN, label: "ScreeningService/ScreenRecording", kind: Kind::Batch },
        Self { package: OWN, label: "ScreeningService/WatchCalls", kind: Kind::Watch },
        Self { package: OWN, label: "ScreeningService/GetCall", kind: Kind::Lookup },
        Self { package: OWN, label: "ScreeningService/RegisterCall", kind: Kind::Lookup },
        Self { package: OWN, label: "ScreeningService/SignalCall", kind: Kind::Lookup },
        Self { package: OWN, label: "ScreeningService/ReportOutcome", kind: Kind::Lookup },
        Self { package: OWN, label: "VoiceprintsService/Extract", kind: Kind::Batch },
        Self { package: OWN, label: "VoiceprintsService/Compare", kind: Kind::Batch },
        Self { package: OWN, label: "VoiceprintsService/Merge", kind: Kind::Batch },
        Self { package: RINGCX, label: "Streaming/Stream", kind: Kind::Upload },
        Self { package: WEBEX, label: "ConversationAudio/StreamConversationAudio", kind: Kind::Live },
    ];

    /// Where requests for it go.
    pub(crate) fn path(&self) -> String {
        format!("/{}.{}", self.package, self.label)
    }

    /// Whether Webex calls it, with a token of its own.
    pub(super) fn is_webex(&self) -> bool {
        self.package == WEBEX
    }

    /// Whether it is a vendor's, whose client chooses how its credential comes.
    pub(super) fn is_vendors(&self) -> bool {
        self.package != OWN
    }

    /// What a token must be allowed, any of these.
    pub(super) fn needed(&self) -> &'static [Permission] {
        use Permission::{Customers, Desk, Library, Media, Screening, Voiceprints};
        match (self.service(), self.label) {
            // Whoever brings calls says of them what the audio can't.
            (_, "ScreeningService/RegisterCall" | "ScreeningService/SignalCall") => &[Media, Screening],
            ("ScreeningService", _) => &[Screening],
            ("VoiceprintsService", _) => &[Voiceprints],
            ("ProxyLibraryService", _) => &[Library],
            ("CustomersService", _) => &[Customers],
            ("DeskService", _) => &[Desk],
            _ => &[Media],
        }
    }

    /// The service's name without its package.
    pub(crate) fn service(&self) -> &'static str {
        self.label.split_once('/').map_or("", |(service, _)| service)
    }

    /// The method that a request's path names; none for anything that is not ours.
    pub(super) fn of_path(path: &str) -> Option<&'static Self> {
        let of = |rpc: &&Self| {
            let rest = path.strip_prefix('/').and_then(|p| p.strip_prefix(rpc.package));
            rest.and_then(|r| r.strip_prefix('.')) == Some(rpc.label)
        };
        Self::ALL.iter().find(of)
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
        let services = set.file.iter().flat_map(|f| f.service.iter().map(|s| (f.package(), s)));
        for (package, service) in services {
            for method in &service.method {
                let path = format!("/{package}.{}/{}", service.name(), method.name());
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
    fn a_media_token_brings_calls_and_opens_nothing_else() {
        let media = Rpc::ALL.iter().filter(|rpc| rpc.needed().contains(&Permission::Media));
        let labels: Vec<&str> = media.map(|rpc| rpc.label).collect();
        let expected = [
            "ScreeningService/RegisterCall",
            "ScreeningService/SignalCall",
            "Streaming/Stream",
            "ConversationAudio/StreamConversationAudio",
        ];
        assert_eq!(labels, expected);
        for rpc in Rpc::ALL.iter().filter(|rpc| !labels.contains(&rpc.label)) {
            let service = rpc.service().trim_end_matches("Service").to_ascii_lowercase();
            let own = if service == "proxylibrary" { "library" } else { &service };
            assert_eq!(rpc.needed(), [Permission::from_name(own).unwrap()], "{}", rpc.label);
        }
    }

    #[test]
    fn anything_else_is_not_ours() {
        for path in ["/grpc.health.v1.Health/Check", "/earmark.v1.ScreeningService/Nothing", "/", ""] {
            assert_eq!(Rpc::of_path(path), None, "{path}");
        }
    }
}

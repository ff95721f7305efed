use proptest::prelude::*;
use tonic::Code;

use super::*;

fn format() -> v1::StreamFormat {
    v1::StreamFormat { encoding: v1::Encoding::Alaw.into(), ..v1::StreamFormat::default() }
}

fn reason(outcome: Result<impl std::fmt::Debug, Refusal>) -> &'static str {
    outcome.unwrap_err().reason()
}

#[test]
fn the_defaults_are_a_telephone_line() {
    let (got, role) = stream_format(Some(format()), "config.format").unwrap();
    assert_eq!((got, role), (StreamFormat::mono(Encoding::ALaw, 8000), ChannelRole::Customer));
    let mixed = v1::StreamFormat { role: v1::ChannelRole::Mixed.into(), ..format() };
    assert_eq!(stream_format(Some(mixed), "config.format").unwrap().1, ChannelRole::Mixed);
    let unknown = v1::StreamFormat { role: 9, ..format() };
    assert_eq!(reason(stream_format(Some(unknown), "config.format")), "UNKNOWN_ROLE");
}

#[test]
fn what_is_not_declared_is_not_guessed() {
    let of = |format| stream_format(format, "config.format");
    assert_eq!(reason(of(None)), "FORMAT_MISSING");
    assert_eq!(reason(of(Some(v1::StreamFormat::default()))), "ENCODING_MISSING");
    assert_eq!(reason(of(Some(v1::StreamFormat { encoding: 77, ..format() }))), "UNKNOWN_ENCODING");
    let stereo = v1::StreamFormat { channels: 2, ..format() };
    assert_eq!(reason(of(Some(stereo))), "CHANNEL_NOT_CHOSEN");
    assert_eq!(reason(of(Some(v1::StreamFormat { channel: Some(2), ..stereo }))), "NO_SUCH_CHANNEL");
    let (right, _) = of(Some(v1::StreamFormat { channel: Some(1), ..stereo })).unwrap();
    assert_eq!((right.channels, right.channel), (2, ChannelChoice::Index(1)));
    for (rate, channels) in [(3999, 1), (192_001, 1), (8000, 9), (8000, 1 << 20)] {
        let format = v1::StreamFormat { sample_rate_hz: rate, channels, channel: Some(0), ..format() };
        assert_eq!(of(Some(format)).unwrap_err().code(), Code::InvalidArgument, "{rate} Hz {channels}");
    }
}

#[test]
fn every_encoding_has_its_own() {
    let mut seen = std::collections::HashSet::new();
    for number in 1..=9 {
        seen.insert(encoding(number, "f").unwrap());
    }
    assert_eq!(seen.len(), 9);
}

#[test]
fn recordings_keep_their_channel_and_name() {
    let sent = v1::Recording {
        content: vec![1, 2],
        name: "a.wav".into(),
        channel: Some(1),
        role: v1::ChannelRole::Mixed.into(),
        ..v1::Recording::default()
    };
    let got = recording(Some(sent.clone()), "recording").unwrap();
    assert_eq!(got.name.as_deref(), Some("a.wav"));
    assert_eq!((got.channel, got.role), (ChannelChoice::Index(1), ChannelRole::Mixed));
    assert_eq!(got.source, RecordingSource::Bytes(vec![1, 2]));
    let both = v1::Recording { mix: true, ..sent.clone() };
    assert_eq!(reason(recording(Some(both), "recording")), "CHANNEL_AND_MIX");
    let mix = v1::Recording { mix: true, channel: None, ..sent.clone() };
    assert_eq!(recording(Some(mix), "recording").unwrap().channel, ChannelChoice::Mix);
    let named = v1::Recording { name: "a\nb".into(), ..sent };
    assert_eq!(reason(recording(Some(named), "recording")), "BAD_NAME");
    assert_eq!(reason(recording(None, "recording")), "RECORDING_MISSING");
}

#[test]
fn headerless_content_takes_the_channel_from_either_place() {
    let stereo = v1::StreamFormat { channels: 2, ..format() };
    let sent = v1::Recording { format: Some(stereo), channel: Some(1), ..v1::Recording::default() };
    let got = recording(Some(sent.clone()), "recording").unwrap();
    assert_eq!(got.format.unwrap().channel, ChannelChoice::Index(1));
    let mix = v1::Recording { channel: None, mix: true, ..sent };
    assert_eq!(recording(Some(mix), "recording").unwrap().format.unwrap().channel, ChannelChoice::Mix);
}

#[test]
fn the_second_of_several_is_named() {
    let bad = v1::Recording { role: 9, ..v1::Recording::default() };
    let refusal = recordings(vec![v1::Recording::default(), bad]).unwrap_err();
    assert_eq!(refusal, role(9, "recordings[1].role").unwrap_err());
}

#[test]
fn moments_survive_both_ways() {
    for millis in [0, 1, -1, -1500, 1_790_000_000_123] {
        let at = Timestamp::from_unix_millis(millis);
        assert_eq!(moment(timestamp(at), "t").unwrap(), at);
    }
    for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
        assert_eq!(reason(moment(prost_types::Timestamp { seconds, nanos }, "t")), "BAD_TIME");
    }
}

prop_compose! {
    pub(crate) fn any_format()(
        encoding in -1..12, sample_rate_hz: u32, channels in prop_oneof![0u32..10, any::<u32>()],
        channel in prop::option::of(prop_oneof![0u32..10, any::<u32>()]), role in -1..5,
    ) -> v1::StreamFormat {
        v1::StreamFormat { encoding, sample_rate_hz, channels, channel, role }
    }
}

prop_compose! {
    pub(crate) fn any_recording()(
        content in prop::collection::vec(any::<u8>(), 0..32), name in ".{0,40}", mix: bool,
        channel in prop::option::of(any::<u32>()), role in -1..5, format in prop::option::of(any_format()),
    ) -> v1::Recording {
        v1::Recording { content, name, channel, mix, role, format }
    }
}

proptest! {
    #[test]
    fn no_format_panics_and_all_that_pass_can_be(format in any_format()) {
        if let Ok((format, _)) = stream_format(Some(format), "f") {
            prop_assert!(format.check().is_ok());
            if let ChannelChoice::Index(index) = format.channel {
                prop_assert!(index < format.channels);
            }
        }
    }

    #[test]
    fn no_recording_panics(sent in any_recording()) {
        let content = sent.content.clone();
        if let Ok(got) = recording(Some(sent), "r") {
            prop_assert_eq!(got.source, RecordingSource::Bytes(content));
        }
    }

    #[test]
    fn no_moment_panics(seconds: i64, nanos: i32) {
        let _ = moment(prost_types::Timestamp { seconds, nanos }, "t");
    }
}

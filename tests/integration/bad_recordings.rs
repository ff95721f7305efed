//! Recordings that are wrong on purpose, at every door that takes recordings. Each is refused with
//! the same reason everywhere and leaves nothing behind; the odd but sound ones are taken.

use earmark_server::proto::v1::{CallUpdate, ExtractRequest, Recording, Verdict};
use tonic::Code;

use crate::harness::calls::{info, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::refused::{nothing_left_of, refused};
use crate::harness::voices;
use crate::harness::world::{client, populated};

fn hostile(file: &str) -> Recording {
    voices::recording(file, voices::hostile(file))
}

/// Refused with this reason as an enrollment, a listing, a call and an extraction.
async fn refused_everywhere(recording: Recording, reason: &str) -> String {
    let mut clients = client().await;
    let id = unique("bad");
    let code = Code::InvalidArgument;
    let status = refused(clients.enroll(&id, vec![recording.clone()]).await, code, reason);
    refused(clients.list(&id, vec![recording.clone()]).await, code, reason);
    refused(clients.screen_recording(info(&id, ""), recording.clone()).await, code, reason);
    let extract = ExtractRequest { recording: Some(recording) };
    refused(clients.voiceprints.extract(extract).await, code, reason);
    nothing_left_of(&mut clients, &id).await;
    status.message().to_owned()
}

macro_rules! refused_recordings {
    ($($name:ident: $file:literal, $reason:literal, $words:literal;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let message = refused_everywhere(hostile($file), $reason).await;
            assert!(message.contains($words), "{message}");
        }
    )* };
}

refused_recordings! {
    a_text_file_is_not_audio: "not-audio.wav", "NOT_AUDIO", "not an audio file";
    no_bytes_at_all_are_empty: "zero-length.wav", "EMPTY_AUDIO", "empty";
    a_header_without_audio_is_empty: "header-only.wav", "EMPTY_AUDIO", "empty";
    a_cut_header_is_truncated: "truncated-header.wav", "TRUNCATED_AUDIO", "fetch it again";
    a_cut_wav_is_truncated: "truncated.wav", "TRUNCATED_AUDIO", "fetch it again";
    a_header_that_claims_gigabytes_is_truncated: "lying-data-size.wav", "TRUNCATED_AUDIO", "fetch it again";
    channels_that_cannot_be_are_malformed: "lying-channels.wav", "MALFORMED_AUDIO", "65535 channels";
    zero_channels_are_malformed: "zero-channels.wav", "MALFORMED_AUDIO", "malformed";
    a_rate_of_zero_is_malformed: "zero-rate.wav", "MALFORMED_AUDIO", "malformed";
    a_nan_is_named_by_its_sample: "nan-float.wav", "NOT_FINITE", "sample 1000";
    three_hours_are_over_the_named_limit: "silence-3h.flac", "LIMIT_REACHED", "max_duration";
    six_channels_are_refused_until_one_is_chosen: "six-channels.flac", "CHANNEL_NOT_CHOSEN", "6 channels";
    raw_bytes_without_a_declared_format_are_not_audio: "odd-bytes.pcm", "NOT_AUDIO", "encoding declared";
}

#[tokio::test]
async fn a_cut_flac_is_refused() {
    let mut clients = client().await;
    let id = unique("bad");
    let status = clients.enroll(&id, vec![hostile("truncated.flac")]).await.unwrap_err();
    let reason = crate::harness::refused::reason_of(&status);
    assert!(["TRUNCATED_AUDIO", "MALFORMED_AUDIO"].contains(&reason.as_str()), "{status:?}");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn thirty_hours_claimed_by_a_header_are_refused_at_once() {
    let mut clients = client().await;
    let id = unique("bad");
    let status = clients.enroll(&id, vec![hostile("thirty-hours-claimed.wav")]).await.unwrap_err();
    let reason = crate::harness::refused::reason_of(&status);
    assert!(["TRUNCATED_AUDIO", "LIMIT_REACHED"].contains(&reason.as_str()), "{status:?}");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn an_odd_byte_at_the_end_of_declared_samples_is_refused() {
    let recording = Recording { format: Some(voices::pcm_format()), ..hostile("odd-bytes.pcm") };
    let message = refused_everywhere(recording, "STREAM_ENDS_INSIDE_SAMPLE").await;
    assert!(message.contains("1 bytes into a unit of 2"), "{message}");
}

#[tokio::test]
async fn a_recording_larger_than_the_limit_is_refused_before_it_is_heard() {
    let mut clients = client().await;
    let id = unique("bad");
    let recording = voices::recording("huge.wav", vec![0; 65 << 20]);
    refused(clients.enroll(&id, vec![recording]).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    nothing_left_of(&mut clients, &id).await;
}

/// What a call over this recording comes to.
async fn screened(clients: &mut Clients, recording: Recording) -> CallUpdate {
    clients.screen_recording(info(&unique("call"), ""), recording).await.expect("the recording reads")
}

#[tokio::test]
async fn digital_silence_is_too_little_speech_and_says_so() {
    let mut clients = populated().await;
    let id = unique("bad");
    let update = screened(&mut clients, hostile("silence-10s.wav")).await;
    assert_eq!(verdict(&update), Verdict::InsufficientSpeech);
    let speech = update.speech.unwrap();
    assert_eq!((speech.audio_s, speech.net_speech_s), (10.0, 0.0));
    assert!(speech.warnings.contains(&"DIGITAL_SILENCE".to_owned()), "{:?}", speech.warnings);
    let outcome = clients.enroll(&id, vec![hostile("silence-10s.wav")]).await;
    refused(outcome, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    let extract = ExtractRequest { recording: Some(hostile("silence-10s.wav")) };
    refused(clients.voiceprints.extract(extract).await, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn a_dc_offset_is_reported() {
    let mut clients = client().await;
    let speech = screened(&mut clients, hostile("dc-offset.flac")).await.speech.unwrap();
    assert!(speech.warnings.contains(&"DC_OFFSET".to_owned()), "{:?}", speech.warnings);
    assert!(speech.net_speech_s > 1.0, "the voice on it is heard");
}

#[tokio::test]
async fn clipping_is_reported_and_refused_at_enrollment() {
    let mut clients = client().await;
    let id = unique("bad");
    let speech = screened(&mut clients, hostile("clipped.flac")).await.speech.unwrap();
    assert!(speech.warnings.contains(&"CLIPPING".to_owned()), "{:?}", speech.warnings);
    let clipped = speech.quality.unwrap().clipped_fraction;
    assert!((0.2..0.6).contains(&clipped), "{clipped}");
    let outcome = clients.enroll(&id, vec![hostile("clipped.flac")]).await;
    let status = refused(outcome, Code::FailedPrecondition, "LOW_QUALITY");
    assert!(status.message().contains("clipped"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn two_voices_by_turns_are_refused_at_enrollment() {
    let mut clients = client().await;
    let id = unique("bad");
    let outcome = clients.enroll(&id, vec![hostile("two-voices.flac")]).await;
    let status = refused(outcome, Code::FailedPrecondition, "SEVERAL_VOICES");
    assert!(status.message().contains("two-voices.flac"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn music_is_refused_at_enrollment() {
    let mut clients = client().await;
    let id = unique("bad");
    let music = std::fs::read(voices::path("music/morning-coffee.flac")).unwrap();
    let outcome = clients.enroll(&id, vec![voices::recording("music", music)]).await;
    refused(outcome, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn recordings_of_44_and_192_khz_are_resampled() {
    let mut clients = client().await;
    for (file, audio_s) in [("44k1.flac", 3.0), ("192k.flac", 1.0)] {
        let speech = screened(&mut clients, hostile(file)).await.speech.unwrap();
        assert!((speech.audio_s - audio_s).abs() < 0.05, "{file}: {speech:?}");
        assert!(speech.net_speech_s > 0.4 * audio_s as f32, "{file}: {speech:?}");
    }
}

/// The voice survives the resampling: it is still the speaker's.
#[tokio::test]
async fn a_voice_at_44_khz_is_the_same_voice() {
    let mut clients = client().await;
    let extract = ExtractRequest { recording: Some(hostile("44k1.flac")) };
    let print = clients.voiceprints.extract(extract).await.unwrap().into_inner().voiceprint.unwrap();
    let cosine = |other: &[f32]| print.values.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
    let own = cosine(&clients.print("carlo/04").await.values);
    let other = cosine(&clients.print("june/05").await.values);
    assert!(own > 0.5 && own > other + 0.2, "{own} and {other}");
}

#[tokio::test]
async fn one_channel_of_six_is_heard_when_it_is_chosen() {
    let mut clients = client().await;
    for (channel, speaks) in [(0, true), (1, true), (5, false)] {
        let recording = Recording { channel: Some(channel), ..hostile("six-channels.flac") };
        let heard = screened(&mut clients, recording).await.speech.unwrap().net_speech_s;
        assert_eq!(heard > 0.3, speaks, "channel {channel}: {heard} s");
    }
    let none = Recording { channel: Some(6), ..hostile("six-channels.flac") };
    let outcome = clients.screen_recording(info(&unique("call"), ""), none).await;
    refused(outcome, Code::InvalidArgument, "NO_SUCH_CHANNEL");
}

#[tokio::test]
async fn the_mean_of_all_channels_is_heard_with_a_warning_when_asked_for() {
    let mut clients = client().await;
    let recording = Recording { mix: true, ..hostile("six-channels.flac") };
    let speech = screened(&mut clients, recording).await.speech.unwrap();
    assert!(speech.warnings.contains(&"MIXED_CHANNELS".to_owned()), "{:?}", speech.warnings);
    let both = Recording { mix: true, channel: Some(0), ..hostile("six-channels.flac") };
    let outcome = clients.screen_recording(info(&unique("call"), ""), both).await;
    refused(outcome, Code::InvalidArgument, "CHANNEL_AND_MIX");
}

#[tokio::test]
async fn a_wav_with_a_short_format_chunk_reads() {
    let mut clients = client().await;
    let update = screened(&mut clients, hostile("short-format.wav")).await;
    assert_eq!(update.speech.unwrap().audio_s, 0.25);
}

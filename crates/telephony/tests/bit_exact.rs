//! What a dialect hands on decodes to the very samples that the same source has as a recording.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use earmark_audio::{
    ChannelChoice, ChannelPicker, ChannelRole, Encoding, Limits, RecordingReader, StreamDecoder,
};
use earmark_engine::CallInfo;
use earmark_telephony::rtp::PayloadMap;
use earmark_telephony::siprec::{Description, LegDescription, RecordedCall};
use earmark_telephony::{
    AsteriskWebSocket, AudioHook, CallEvent, Dialect, Frame, FreeSwitch, Metadata, Twilio,
};
use earmark_voiceprint::CallId;

const SAMPLES: usize = 20_000;

/// A RIFF/WAVE file: `tag` 1 is linear PCM, 6 A-law, 7 mu-law.
fn wav(tag: u16, bits: u16, rate: u32, channels: u16, data: &[u8]) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// The samples of one channel by way of the file.
fn by_file(file: Vec<u8>, channel: ChannelChoice) -> Vec<f32> {
    let mut reader = RecordingReader::new(Box::new(Cursor::new(file)), &Limits::default()).unwrap();
    let picker = ChannelPicker::new(channel, reader.info().channels).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        picker.pick_planar(block.channels(), &mut samples);
    }
    samples
}

/// The samples by way of the dialect.
fn by_stream(mut dialect: impl Dialect, frames: Vec<Frame>) -> Vec<f32> {
    let mut decoder = None;
    let mut samples = Vec::new();
    for frame in frames {
        for event in dialect.receive(frame).unwrap().events {
            match event {
                CallEvent::Begun(begun) => decoder = Some(StreamDecoder::new(begun.format.stream).unwrap()),
                CallEvent::Audio(bytes) => {
                    decoder.as_mut().unwrap().accept(&bytes, &mut samples).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    }
    decoder.unwrap().finish().unwrap();
    samples
}

/// Every byte value in no order: all codes of G.711, and linear PCM of the full scale.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..count).map(|_| next()).collect()
}

fn binary(data: &[u8], size: usize) -> impl Iterator<Item = Frame> {
    data.chunks(size).map(|chunk| Frame::Binary(chunk.to_vec().into()))
}

fn same(file: &[f32], stream: &[f32]) {
    assert_eq!(file.len(), SAMPLES);
    let differ = file.iter().zip(stream).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert_eq!((file.len(), differ), (stream.len(), 0));
}

#[test]
fn freeswitch_at_both_rates_in_one_channel_and_two() {
    for (rate, mix, channels, channel) in [
        (8000, "mono", 1, ChannelChoice::Mono),
        (16_000, "mono", 1, ChannelChoice::Mono),
        (8000, "stereo", 2, ChannelChoice::Index(0)),
        (16_000, "stereo", 2, ChannelChoice::Index(0)),
    ] {
        let data = bytes(SAMPLES * 2 * channels);
        let metadata = format!(r#"{{"call_id":"c","sampleRate":{rate},"mixType":"{mix}"}}"#);
        // 641 bytes cut samples in two.
        let frames = [Frame::Text(metadata)].into_iter().chain(binary(&data, 641)).collect();
        let stream = by_stream(FreeSwitch::new(Metadata::default()), frames);
        same(&by_file(wav(1, 16, rate, channels as u16, &data), channel), &stream);
    }
}

#[test]
fn asterisk_in_every_codec_that_a_file_has_too() {
    for (name, tag, bits, rate) in
        [("ulaw", 7, 8, 8000), ("alaw", 6, 8, 8000), ("slin", 1, 16, 8000), ("slin16", 1, 16, 16_000)]
    {
        let data = bytes(SAMPLES * usize::from(bits) / 8);
        let start = Frame::Text(format!("MEDIA_START channel_id:1.1 format:{name}"));
        let frames = [start].into_iter().chain(binary(&data, 160)).collect();
        let stream = by_stream(AsteriskWebSocket::new(Metadata::default()), frames);
        same(&by_file(wav(tag, bits, rate, 1, &data), ChannelChoice::Mono), &stream);
    }
}

#[test]
fn twilio_in_mu_law() {
    let data = bytes(SAMPLES);
    let mut frames = vec![
        Frame::Text(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned()),
        Frame::Text(r#"{"event":"start","sequenceNumber":"1","start":{"callSid":"CA1","tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#.to_owned()),
    ];
    for (index, chunk) in data.chunks(160).enumerate() {
        let (number, payload) = (index + 1, STANDARD.encode(chunk));
        for (add, track) in [(0, "inbound"), (1, "outbound")] {
            let (seq, time) = (2 * number + add, 20 * number);
            frames.push(Frame::Text(format!(r#"{{"event":"media","sequenceNumber":"{seq}","media":{{"track":"{track}","chunk":"{number}","timestamp":"{time}","payload":"{payload}"}}}}"#)));
        }
    }
    same(
        &by_file(wav(7, 8, 8000, 1, &data), ChannelChoice::Mono),
        &by_stream(Twilio::new(Metadata::default()), frames),
    );
}

#[test]
fn audiohook_in_mu_law_and_linear_of_one_channel_and_two() {
    let id = "e160e428-53e2-487c-977d-96989bf5c99d";
    for (format, tag, bits, channels, count, channel) in [
        ("PCMU", 7, 8, r#"["external"]"#, 1, ChannelChoice::Mono),
        ("PCMU", 7, 8, r#"["external","internal"]"#, 2, ChannelChoice::Index(0)),
        ("PCMU", 7, 8, r#"["internal","external"]"#, 2, ChannelChoice::Index(1)),
        ("L16", 1, 16, r#"["external","internal"]"#, 2, ChannelChoice::Index(0)),
    ] {
        let data = bytes(SAMPLES * usize::from(bits) / 8 * count);
        let open = format!(
            r#"{{"version":"2","id":"{id}","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{{"organizationId":"{id}","conversationId":"{id}","participant":{{"id":"{id}","ani":"1","aniName":"","dnis":""}},"media":[{{"type":"audio","format":"{format}","channels":{channels},"rate":8000}}]}}}}"#
        );
        let frames = [Frame::Text(open)].into_iter().chain(binary(&data, 1600)).collect();
        let stream = by_stream(AudioHook::new(None, None), frames);
        same(&by_file(wav(tag, bits, 8000, count as u16, &data), channel), &stream);
    }
}

/// A recorded call of one stream in this encoding, which comes to port 4000.
fn description(encoding: Encoding) -> Description {
    let leg = LegDescription {
        port: 4000,
        payloads: PayloadMap::default(),
        encoding,
        is_sent: true,
        sources: Vec::new(),
    };
    Description {
        call: CallInfo::unknown(CallId::new("c").unwrap()),
        legs: vec![leg],
        customer: Some(0),
        role: ChannelRole::Customer,
        speaker: String::new(),
    }
}

/// The samples by way of RTP packets of 20 ms that come in this order, from numbers that wrap.
fn by_rtp(encoding: Encoding, data: &[u8], order: impl IntoIterator<Item = usize>) -> Vec<f32> {
    let (mut call, mut events) = RecordedCall::begin(description(encoding), Duration::ZERO);
    let kind = if encoding == Encoding::ALaw { 8 } else { 0 };
    for number in order {
        let payload = &data[160 * number..data.len().min(160 * number + 160)];
        let mut packet = vec![0x80, kind];
        packet.extend((number as u16).wrapping_sub(40).to_be_bytes());
        packet.extend((160 * number as u32).wrapping_sub(5_000).to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        let now = Duration::from_millis(20 * number as u64);
        events.extend(call.receive(4000, "192.0.2.7:9".parse().unwrap(), &packet.into(), now));
    }
    let mut samples = Vec::new();
    let mut decoder = None;
    for event in events {
        match event {
            CallEvent::Begun(begun) => decoder = Some(StreamDecoder::new(begun.format.stream).unwrap()),
            CallEvent::Audio(bytes) => decoder.as_mut().unwrap().accept(&bytes, &mut samples).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    decoder.unwrap().finish().unwrap();
    samples
}

#[test]
fn siprec_in_both_laws_whatever_the_order_of_packets() {
    let count = SAMPLES / 160;
    // Each packet at most eight places from its own, the first in its own; and each twice, the second time
    // after others.
    let shuffled = || {
        let mut order: Vec<usize> = (1..count).collect();
        order.chunks_mut(8).enumerate().for_each(|(turn, chunk)| match turn % 3 {
            0 => chunk.reverse(),
            1 => chunk.rotate_left(3),
            _ => chunk.swap(0, 5.min(chunk.len() - 1)),
        });
        std::iter::once(0).chain(order)
    };
    let doubled = || (0..count).flat_map(|number| [number, number.saturating_sub(5)]);
    for (encoding, tag) in [(Encoding::MuLaw, 7), (Encoding::ALaw, 6)] {
        let data = bytes(SAMPLES);
        let file = by_file(wav(tag, 8, 8000, 1, &data), ChannelChoice::Mono);
        same(&file, &by_rtp(encoding, &data, 0..count));
        same(&file, &by_rtp(encoding, &data, shuffled()));
        same(&file, &by_rtp(encoding, &data, doubled()));
        same(&file, &by_rtp(encoding, &data, shuffled().flat_map(|number| [number, number])));
    }
}

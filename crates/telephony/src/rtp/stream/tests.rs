use proptest::prelude::*;

use super::super::order::DEPTH;
use super::*;

const FRAME: u32 = 160;
const PCMU: u8 = 0;
const PCMA: u8 = 8;
const CN: u8 = 13;
const EVENT: u8 = 101;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn datagram(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Bytes {
    let mut bytes = vec![0x80, payload_type];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes.into()
}

/// The frame of this number in a call that begins at `sequence` and `timestamp`; its samples say which.
fn frame(number: u32, sequence: u16, timestamp: u32) -> Bytes {
    let payload = vec![number as u8; FRAME as usize];
    datagram(PCMU, sequence.wrapping_add(number as u16), timestamp.wrapping_add(number * FRAME), 7, &payload)
}

fn stream() -> RtpStream {
    let mut payloads = PayloadMap::default();
    payloads.map(EVENT, "telephone-event", 8_000);
    RtpStream::new(payloads, Encoding::MuLaw, ChannelRole::Customer)
}

fn receive(stream: &mut RtpStream, datagram: &Bytes, now: Duration) -> Vec<CallEvent> {
    stream.receive(datagram, now).unwrap()
}

/// All samples, and the gaps in samples.
fn totals(events: &[CallEvent]) -> (Vec<u8>, u64) {
    let (mut samples, mut missing) = (Vec::new(), 0);
    for event in events {
        match event {
            CallEvent::Audio(bytes) => samples.extend_from_slice(bytes),
            CallEvent::Gap(gap) => missing += u64::try_from(gap.as_micros() / 125).unwrap(),
            _ => {}
        }
    }
    (samples, missing)
}

fn of_frames(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(|n| vec![n as u8; FRAME as usize]).collect()
}

#[test]
fn a_lost_packet_becomes_a_gap_when_it_was_waited_for() {
    let mut stream = stream();
    let mut events = Vec::new();
    for number in [0, 1, 3, 4] {
        events.extend(receive(
            &mut stream,
            &frame(number, 65_534, u32::MAX - 200),
            ms(20 * u64::from(number)),
        ));
    }
    assert_eq!(totals(&events), (of_frames([0, 1]), 0));
    events.extend(stream.wait(ms(259)));
    assert_eq!(totals(&events).1, 0);
    events.extend(stream.wait(ms(260)));
    assert_eq!(totals(&events), (of_frames([0, 1, 3, 4]), u64::from(FRAME)));
    events.extend(receive(&mut stream, &frame(2, 65_534, u32::MAX - 200), ms(300)));
    assert_eq!(totals(&events).0, of_frames([0, 1, 3, 4]));
    let counts = stream.counts();
    assert_eq!((counts.received, counts.lost, counts.late, counts.duplicated), (5, 1, 1, 0));
}

#[test]
fn suppressed_silence_is_told_while_it_lasts_and_counted_once() {
    let mut stream = stream();
    let mut events = receive(&mut stream, &frame(0, 0, 0), ms(0));
    events.extend(receive(&mut stream, &datagram(CN, 1, FRAME, 7, &[40]), ms(20)));
    events.extend(stream.tell_silence(ms(999)));
    assert_eq!(totals(&events).1, 0);
    events.extend(stream.tell_silence(ms(3_500)));
    assert_eq!(totals(&events).1, 3 * 8_000);
    // 3.6 s later by the sender's clock, of which 3 s are told.
    let back = datagram(PCMU, 2, FRAME + 28_800, 7, &[9; 160]);
    events.extend(receive(&mut stream, &back, ms(3_620)));
    assert_eq!(totals(&events).1, 28_800);
    assert!(stream.tell_silence(ms(4_000)).is_empty());
}

#[test]
fn keys_and_noise_are_no_audio() {
    let mut stream = stream();
    let mut events = receive(&mut stream, &frame(0, 0, 0), ms(0));
    for sequence in 1..4 {
        events.extend(receive(&mut stream, &datagram(EVENT, sequence, FRAME, 7, &[5, 0, 0, 160]), ms(20)));
    }
    events.extend(receive(&mut stream, &datagram(PCMU, 4, 4 * FRAME, 7, &[4; 160]), ms(80)));
    assert_eq!(totals(&events), (of_frames([0, 4]), u64::from(3 * FRAME)));
    events.extend(receive(&mut stream, &datagram(99, 5, 5 * FRAME, 7, &[1; 160]), ms(100)));
    assert_eq!((totals(&events).0.len(), stream.counts().unknown), (320, 1));
}

#[test]
fn a_change_of_codec_is_told_before_its_audio() {
    let mut stream = stream();
    let mut events = receive(&mut stream, &frame(0, 0, 0), ms(0));
    events.extend(receive(&mut stream, &datagram(PCMA, 1, FRAME, 7, &[1; 160]), ms(20)));
    events.extend(receive(&mut stream, &datagram(PCMA, 2, 2 * FRAME, 7, &[2; 160]), ms(40)));
    let a_law = CallEvent::Format(MediaFormat::customer_leg(Encoding::ALaw, 8_000));
    assert_eq!(events.iter().position(|event| *event == a_law), Some(1));
    assert_eq!((events.len(), totals(&events)), (4, (of_frames([0, 1, 2]), 0)));
}

#[test]
fn a_new_sender_is_believed_after_two_packets() {
    let mut stream = stream();
    let mut events = receive(&mut stream, &frame(0, 0, 0), ms(0));
    let other = |sequence: u16| datagram(PCMU, sequence, 50_000 + u32::from(sequence) * FRAME, 8, &[8; 160]);
    events.extend(receive(&mut stream, &other(900), ms(10)));
    events.extend(receive(&mut stream, &frame(1, 0, 0), ms(20)));
    assert_eq!(totals(&events).0, of_frames([0, 1]));
    events.extend(receive(&mut stream, &other(905), ms(30)));
    events.extend(receive(&mut stream, &other(906), ms(40)));
    assert_eq!(totals(&events), (of_frames([0, 1, 8, 8]), 0));
    // The old one is now the stranger.
    events.extend(receive(&mut stream, &frame(2, 0, 0), ms(50)));
    assert_eq!(totals(&events).0.len(), 640);
}

#[test]
fn a_clock_that_jumps_or_numbers_that_begin_anew_are_no_silence() {
    let mut stream = stream();
    let mut events = receive(&mut stream, &frame(0, 0, 0), ms(0));
    events.extend(receive(&mut stream, &datagram(PCMU, 1, 900_000_000, 7, &[1; 160]), ms(20)));
    events.extend(receive(&mut stream, &datagram(PCMU, 2, 5, 7, &[2; 160]), ms(40)));
    assert_eq!(totals(&events), (of_frames([0, 1, 2]), 0));
    events.extend(receive(&mut stream, &datagram(PCMU, 30_000, 0, 7, &[3; 160]), ms(60)));
    events.extend(receive(&mut stream, &datagram(PCMU, 30_001, FRAME, 7, &[4; 160]), ms(80)));
    assert_eq!((totals(&events), stream.counts().stray), ((of_frames(0..5), 0), 0));
    // Anew at a number that is near, by another clock and by the same.
    events.extend(receive(&mut stream, &datagram(PCMU, 29_950, 77, 7, &[5; 160]), ms(100)));
    events.extend(receive(&mut stream, &datagram(PCMU, 29_951, 77 + FRAME, 7, &[6; 160]), ms(120)));
    assert_eq!(totals(&events), (of_frames(0..5), 0), "the time is that of late packets");
    for (number, sequence) in [(7, 29_960), (8, 29_961), (9, 29_962)] {
        let time = 5_000_000 + u32::from(sequence) * FRAME;
        events.extend(receive(&mut stream, &datagram(PCMU, sequence, time, 7, &[number; 160]), ms(140)));
    }
    assert_eq!(totals(&events), (of_frames((0..5).chain(7..10)), 0));
}

#[test]
fn one_lost_packet_delays_no_other_for_long() {
    let mut stream = stream();
    let mut delays = std::collections::BTreeMap::new();
    for tick in 0..100 {
        let now = ms(20 * u64::from(tick));
        let mut events = Vec::new();
        if tick != 30 {
            events.extend(receive(&mut stream, &frame(tick, 0, 0), now));
        }
        events.extend(stream.wait(now));
        for number in totals(&events).0.iter().step_by(FRAME as usize) {
            delays.insert(u32::from(*number), now - ms(20 * u64::from(*number)));
        }
    }
    assert_eq!(delays.len(), 99);
    assert_eq!(delays.values().max(), Some(&ms(200)));
    // Those after it wait for it too, and none after the wait is over.
    assert!(delays.iter().all(|(number, delay)| (31..41).contains(number) || delay.is_zero()), "{delays:?}");
}

#[test]
fn a_pause_of_the_sender_is_a_gap_of_its_length() {
    for (start, pause) in [(0, 1), (u32::MAX - 100, 8_000), (77, 5 * 8_000 + 3), (0, 59 * 8_000)] {
        let mut stream = stream();
        let mut events = receive(&mut stream, &frame(0, 9, start), ms(0));
        let time = start.wrapping_add(FRAME + pause);
        events.extend(receive(&mut stream, &datagram(PCMU, 10, time, 7, &[1; 160]), ms(5_000)));
        assert_eq!(totals(&events), (of_frames([0, 1]), u64::from(pause)));
        // With a packet lost besides, the time says all.
        let time = time.wrapping_add(2 * FRAME + pause);
        events.extend(receive(&mut stream, &datagram(PCMU, 12, time, 7, &[2; 160]), ms(9_000)));
        events.extend(stream.wait(ms(9_200)));
        assert_eq!(totals(&events), (of_frames(0..3), u64::from(2 * pause + FRAME)));
    }
}

#[test]
fn rtcp_is_passed_over_and_a_broken_datagram_ends_nothing() {
    let mut stream = stream();
    assert!(receive(&mut stream, &Bytes::from_static(&[0x80, 200, 0, 6]), ms(0)).is_empty());
    assert!(stream.receive(&Bytes::from_static(b"hello"), ms(0)).is_err());
    assert_eq!(receive(&mut stream, &frame(0, 0, 0), ms(0)).len(), 1);
}

/// An order in which packets reach us: each is at most `DEPTH` places from its own.
fn shuffled(count: u32) -> impl Strategy<Value = Vec<u32>> {
    let swaps = prop::collection::vec((0..count, 1..DEPTH as u32), 0..40);
    swaps.prop_map(move |swaps| {
        let mut moved: Vec<(u32, u32)> = (0..count).map(|n| (2 * n, n)).collect();
        for (number, by) in swaps {
            // Behind the packet `by` places later, but not further.
            moved[number as usize].0 = 2 * (number + by) - 1;
        }
        moved.sort_unstable();
        moved.into_iter().map(|(_, number)| number).collect()
    })
}

proptest! {
    #[test]
    fn reordered_and_duplicated_packets_give_the_same_audio(
        order in shuffled(60), twice in prop::collection::vec(0u32..60, 0..10),
        sequence in any::<u16>(), timestamp in any::<u32>(),
    ) {
        let mut stream = stream();
        let mut events = Vec::new();
        // The first packet says where the stream begins.
        let first = std::iter::once(0).chain(order.into_iter().filter(|n| *n != 0));
        for number in first {
            for _ in 0..=usize::from(twice.contains(&number)) {
                events.extend(receive(&mut stream, &frame(number, sequence, timestamp), ms(0)));
            }
        }
        events.extend(stream.wait(ms(1_000)));
        prop_assert_eq!(totals(&events), (of_frames(0..60), 0));
        prop_assert_eq!(stream.counts().lost, 0);
    }

    #[test]
    fn what_is_lost_is_silence_of_the_same_length(
        lost in prop::collection::btree_set(1u32..99, 0..60), sequence in any::<u16>(), timestamp in any::<u32>(),
    ) {
        let mut stream = stream();
        let mut events = Vec::new();
        for number in (0..100).filter(|n| !lost.contains(n)) {
            let now = ms(20 * u64::from(number));
            events.extend(receive(&mut stream, &frame(number, sequence, timestamp), now));
        }
        events.extend(stream.wait(ms(10_000)));
        let kept = of_frames((0..100).filter(|n| !lost.contains(n)));
        prop_assert_eq!(totals(&events), (kept, lost.len() as u64 * u64::from(FRAME)));
        prop_assert_eq!(stream.counts().lost, lost.len() as u64);
    }

    #[test]
    fn any_packets_at_any_time_cost_bounded_memory(
        packets in prop::collection::vec(
            (0u8..128, any::<u16>(), any::<u32>(), 0u32..3, 0usize..400, 0u64..100_000), 0..300),
    ) {
        let mut stream = stream();
        let mut told = 0;
        for (payload_type, sequence, timestamp, ssrc, length, now) in packets {
            let datagram = datagram(payload_type, sequence, timestamp, ssrc, &vec![0; length]);
            let mut events = receive(&mut stream, &datagram, ms(now));
            events.extend(stream.wait(ms(now)));
            events.extend(stream.tell_silence(ms(now)));
            let gaps = events.iter().map(|e| if let CallEvent::Gap(gap) = e { gap.as_secs() } else { 0 });
            told += gaps.sum::<u64>();
            prop_assert!(stream.held() <= DEPTH + 1);
        }
        prop_assert!(told <= 300 * 101);
    }
}

//! What lost packets do to a voiceprint, and whether it is better to fill them with silence, to close up
//! around them, or to conceal them (G.711 Appendix I) as the engine does.
//!
//!     cargo bench --bench lost_packets [-- FOLDER]
//!
//! Calls of G.711 in packets of 20 ms, of the people of tests/data and, where FOLDER (else EARMARK_SPEECH,
//! else ../shared/speech) has a manifest.csv of recordings, of the adults there. Packets are lost in bursts (Gilbert's
//! two-state chain, 1.5 packets in the mean). A voiceprint is compared with that of the same call without
//! loss, in the back end's space, and with the caller's other half: how far the score falls.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints its table"
)]

#[path = "shared/server.rs"]
mod server;
#[path = "shared/speech.rs"]
mod speech;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use earmark_audio::{Encoding, Extractor, Limits, Outcome, RecordingReader, Resampler, StreamFormat};
use earmark_scoring::{BackEnd, BackEndBundle};
use earmark_voiceprint::Voiceprint;

/// 20 ms.
const PACKET: usize = 160;
const CALL_S: usize = 10;
const BURST: f64 = 1.5;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Silence,
    ClosedUp,
    Concealed,
}

/// A pseudorandom sequence, the same at every run (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn losses(&mut self, packets: usize, rate: f64) -> Vec<bool> {
        let (leave, mut lost) = (1.0 / BURST, false);
        let enter = leave * rate / (1.0 - rate);
        let step = |_| {
            lost = if lost { self.next() >= leave } else { self.next() < enter };
            lost
        };
        (0..packets).map(step).collect()
    }
}

fn main() {
    let extractor = speech::extractor();
    let bundle =
        BackEndBundle::open(&server::models().join("campplus-phone-192/backend")).expect("a back end");
    let calls = calls();
    println!("{} calls of {CALL_S} s, mu-law, packets of 20 ms, bursts of {BURST} in the mean", calls.len());
    println!(
        "| lost | filled with | cosine to the call without loss, mean | 5th percentile | cosine to the caller's other call, mean change | speech found |"
    );
    println!("|---|---|---|---|---|---|");
    let whole: Vec<_> = calls
        .iter()
        .map(|(call, _)| print(&extractor, bundle.back_end(), call, None).expect("speech"))
        .collect();
    let other: Vec<_> = calls
        .iter()
        .map(|(_, other)| print(&extractor, bundle.back_end(), other, None).expect("speech"))
        .collect();
    for rate in [0.01, 0.03, 0.05, 0.1, 0.2] {
        for (way, name) in [
            (Way::Silence, "silence"),
            (Way::ClosedUp, "nothing: closed up"),
            (Way::Concealed, "the last pitch period, fading"),
        ] {
            let (mut same, mut change, mut found) = (Vec::new(), 0.0, 0.0);
            for (n, (call, _)) in calls.iter().enumerate() {
                let losses =
                    Draw(n as u64 * 1000 + (rate * 1000.0) as u64).losses(call.len().div_ceil(PACKET), rate);
                let Some((print, seconds)) = print(&extractor, bundle.back_end(), call, Some((&losses, way)))
                else {
                    continue;
                };
                same.push(cosine(&print, &whole[n].0));
                change += cosine(&print, &other[n].0) - cosine(&whole[n].0, &other[n].0);
                found += seconds / whole[n].1;
            }
            same.sort_by(f64::total_cmp);
            let count = same.len() as f64;
            println!(
                "| {:.0} % | {name} | {:.4} | {:.4} | {:+.4} | {:.1} % |",
                rate * 100.0,
                same.iter().sum::<f64>() / count,
                same[same.len() / 20],
                change / count,
                100.0 * found / count
            );
        }
    }
}

fn cosine(a: &Voiceprint, b: &Voiceprint) -> f64 {
    f64::from(a.cosine(b).expect("one space").value())
}

/// The call's voiceprint in the back end's space, and its seconds of speech.
fn print(
    extractor: &Extractor,
    back_end: &BackEnd,
    call: &[u8],
    losses: Option<(&[bool], Way)>,
) -> Option<(Voiceprint, f64)> {
    let mut stream = extractor.stream(StreamFormat::mono(Encoding::MuLaw, 8_000)).expect("a stream");
    for (n, packet) in call.chunks(PACKET).enumerate() {
        match losses {
            Some((losses, way)) if losses[n] => match way {
                Way::Silence => stream.accept(&[0xff; PACKET][..packet.len()]).expect("audio"),
                Way::ClosedUp => {}
                Way::Concealed => stream.accept_gap(packet.len() as f64 / 8_000.0).expect("audio"),
            },
            _ => stream.accept(packet).expect("audio"),
        }
    }
    let extraction = stream.finish().expect("audio");
    match extraction.outcome {
        Outcome::Voiceprint(print) => {
            Some((back_end.apply(&print).expect("its model"), f64::from(extraction.net_speech.seconds())))
        }
        _ => None,
    }
}

/// Two halves of what each person says.
fn calls() -> Vec<(Vec<u8>, Vec<u8>)> {
    let own = speech::people(2 * CALL_S).into_iter();
    let more = folder().map(|folder| adults(&folder)).unwrap_or_default();
    let code = |half: &[i16]| half.iter().map(|&s| earmark_simulation::ulaw(s)).collect();
    own.chain(more)
        .filter(|samples| samples.len() >= 2 * CALL_S * speech::RATE_HZ)
        .map(|samples| {
            let (one, two) = samples.split_at(CALL_S * speech::RATE_HZ);
            (code(one), code(&two[..CALL_S * speech::RATE_HZ]))
        })
        .collect()
}

fn folder() -> Option<PathBuf> {
    let given = std::env::args().skip(1).find(|a| !a.starts_with("--")).map(PathBuf::from);
    let named = || std::env::var_os("EARMARK_SPEECH").map(PathBuf::from);
    let folder = given.or_else(named).unwrap_or_else(|| server::root().join("../shared/speech"));
    let there = folder.join("manifest.csv").exists();
    if !there {
        println!("no recordings in {}: the people of tests/data only", folder.display());
    }
    there.then_some(folder)
}

/// What each adult says, one recording after the other, at 8 kHz.
fn adults(folder: &Path) -> Vec<Vec<i16>> {
    let mut manifest = csv::Reader::from_path(folder.join("manifest.csv")).expect("a manifest");
    let rows = manifest.deserialize().map(|row: Result<BTreeMap<String, String>, _>| row.expect("a row"));
    let mut people: BTreeMap<String, Vec<i16>> = BTreeMap::new();
    for row in rows.filter(|row| row["set"] != "speechocean_minor" && row["use"] == "dev") {
        let said = people.entry(row["speaker"].clone()).or_default();
        if said.len() < 2 * CALL_S * speech::RATE_HZ {
            said.extend(telephone(&folder.join(&row["path"])));
        }
    }
    people.into_values().collect()
}

fn telephone(file: &Path) -> Vec<i16> {
    let mut reader = RecordingReader::open(file, &Limits::default()).expect("a recording");
    let mut to_8k = Resampler::new(16_000, 8_000).expect("a rate");
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().expect("audio") {
        to_8k.accept(&block.channels()[0], &mut samples);
    }
    to_8k.finish(&mut samples);
    samples.iter().map(|s| (s * 32_767.0) as i16).collect()
}

//! Calls from telephones to the page on the agent's desk, over software nobody here wrote: sipp places
//! them with real RTP, Asterisk forks the caller's leg to AudioSocket, Chromium shows the page.
//!
//! The project's scripts bring the three; where they can't, the tests say why and are skipped.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use earmark_audio::{Limits, RecordingReader};

use crate::harness::telephone::{Caller, Extension, Network};
use crate::harness::voices;

/// The samples of a frame that Asterisk sends: 20 ms.
const FRAME: usize = 160;

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether there is a telephone network; a missing one is said, and skips the test.
fn network_is_there(project: &Path) -> bool {
    Network::set_up(project).inspect_err(|e| eprintln!("skipped: {e:#}")).is_ok()
}

fn ulaw(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&s| earmark_simulation::ulaw(s)).collect()
}

/// What the program reads from a mu-law file with this audio.
fn as_a_file(audio: &[u8]) -> Vec<i16> {
    let mut reader = RecordingReader::from_bytes(mu_law_wav(audio), &Limits::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        samples.extend(block.channels()[0].iter().map(|s| (s * 32768.0) as i16));
    }
    samples
}

/// A WAV file (RIFF, WAVE_FORMAT_MULAW is 7) at 8 kHz.
fn mu_law_wav(audio: &[u8]) -> Vec<u8> {
    let length = u32::try_from(audio.len()).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x07\0\x01\0");
    file.extend(8000u32.to_le_bytes());
    file.extend(8000u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0data");
    file.extend(length.to_le_bytes());
    file.extend(audio);
    file
}

/// What came over one AudioSocket connection.
struct Recorded {
    uuid: Vec<u8>,
    samples: Vec<i16>,
}

/// Takes so many AudioSocket connections to their ends.
fn recorder(connections: usize) -> (SocketAddr, JoinHandle<Vec<Recorded>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let record = move || {
        let running: Vec<_> = (0..connections)
            .map(|_| listener.accept().unwrap().0)
            .map(|stream| std::thread::spawn(move || record(stream)))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    };
    (address, std::thread::spawn(record))
}

/// A message is its type (01 is the UUID, 10 is 16-bit audio), its length in two bytes, and its payload.
fn record(mut stream: TcpStream) -> Recorded {
    let mut recorded = Recorded { uuid: Vec::new(), samples: Vec::new() };
    let mut head = [0; 3];
    while stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        stream.read_exact(&mut payload).unwrap();
        match head[0] {
            0x00 => break,
            0x01 => recorded.uuid = payload,
            0x10 => recorded.samples.extend(
                payload.as_chunks().0.iter().map(|&sample| i16::from_le_bytes(sample)),
            ),
            other => panic!("an unknown message of type {other:#x}"),
        }
    }
    recorded
}

fn bytes(uuid: &str) -> Vec<u8> {
    let digits = uuid.replace('-', "");
    (0..16).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap()).collect()
}

/// The first sample of the file from which both are the same to the end of either; at most two seconds
/// of it, in which the call is set up.
fn begins_at(samples: &[i16], file: &[i16]) -> Option<usize> {
    let mut starts = (0..file.len().min(2 * voices::RATE_HZ as usize)).step_by(FRAME);
    starts.find(|&at| file[at..].starts_with(&samples[..samples.len().min(file.len() - at)]))
}

#[test]
fn what_asterisk_sends_is_the_callers_leg_to_the_sample() {
    const IVR: &str = "7d9f1c52-0d5f-4c38-9a53-0e6b1f0a0001";
    const AGENT: &str = "7d9f1c52-0d5f-4c38-9a53-0e6b1f0a0002";
    let project = project();
    if !network_is_there(&project) {
        return;
    }
    let (address, recorded) = recorder(2);
    let network = Network::start(&project, address, &ulaw(&voices::samples("carlo/01"))).unwrap();
    let audio = ulaw(&voices::samples("june/01"));
    let place = |uuid, extension| {
        network.call(&Caller { uuid, number: "13800138000", extension, audio: &audio }).unwrap()
    };
    for placed in [place(IVR, Extension::Ivr), place(AGENT, Extension::Agent)] {
        placed.ended().unwrap_or_else(|e| panic!("{e:#}\nAsterisk says:\n{}", network.log()));
    }
    let file = as_a_file(&audio);
    let mut seen = Vec::new();
    for Recorded { uuid, samples } in recorded.join().unwrap() {
        let at = begins_at(&samples, &file).expect("the file's samples and no others");
        seen.push(uuid);
        // The last packet may be on its way when the caller hangs up.
        assert!(at + samples.len() + FRAME >= file.len(), "{at} + {} of {}", samples.len(), file.len());
    }
    seen.sort();
    assert_eq!(seen, [bytes(IVR), bytes(AGENT)]);
}

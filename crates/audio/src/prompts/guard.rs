use std::collections::VecDeque;
use std::sync::Arc;

use super::PromptLibrary;
use super::fingerprint::{FRAME, Fingerprinter, HOP};
use crate::VAD_CHUNK;

/// Sub-fingerprints that are compared as one: 1.5 s.
const BLOCK: usize = 96;
/// Prompts shorter than a block are compared whole; this is what [`PromptLibrary::MIN_SECONDS`] leaves.
const SHORTEST: usize = 47;
/// Of so many bits in a block may differ. Bits of unrelated audio differ by half, and since they go
/// together in time by three times the spread of independent ones (Haitsma & Kalker 2002, equation 3):
/// 0.32 is seven such spreads away from chance for a block and takes GSM, AMR and noise of 10 dB.
const MOST_DIFFERENT: f64 = 0.32;
/// Spreads from chance that a short prompt must be, too.
const SPREADS: f64 = 7.0;

const HOPS_A_CHUNK: usize = VAD_CHUNK / HOP;

/// Holds decisions about speech back, for a block and a frame (1.8 s), until it is known that what was
/// heard is no prompt.
pub(crate) struct PromptGuard {
    matcher: Matcher,
    fingerprinter: Fingerprinter,
    /// Sub-fingerprints so far.
    hops: usize,
    /// Decisions not let go yet, oldest first; the first is of chunk `released`.
    held: VecDeque<bool>,
    released: usize,
    /// Chunks before this one are known to be of a prompt, from `prompt.0` on.
    prompt: Option<(usize, usize)>,
}

impl PromptGuard {
    pub(crate) fn new(library: Arc<PromptLibrary>) -> Self {
        Self {
            matcher: Matcher::new(library),
            fingerprinter: Fingerprinter::new(),
            hops: 0,
            held: VecDeque::new(),
            released: 0,
            prompt: None,
        }
    }

    /// Takes samples at 8 kHz and the decisions made since; leaves in `decisions` those that are
    /// final, prompts being no speech.
    pub(crate) fn accept(&mut self, samples: &[f32], decisions: &mut Vec<bool>) {
        self.held.extend(decisions.drain(..));
        let (matcher, hops, prompt) = (&mut self.matcher, &mut self.hops, &mut self.prompt);
        let (held, released) = (&mut self.held, self.released);
        self.fingerprinter.accept(samples, |print| {
            *hops += 1;
            let Some(length) = matcher.accept(print) else { return };
            // A call that begins within a prompt is known before a whole block of it was heard.
            let first = hops.saturating_sub(length) / HOPS_A_CHUNK;
            // The last frame reaches on for 256 ms, but only its middle is sure.
            let end = (*hops + FRAME / HOP / 2).div_ceil(HOPS_A_CHUNK);
            for chunk in first.max(released)..end.min(released + held.len()) {
                held[chunk - released] = false;
            }
            *prompt = Some((first, end));
        });
        // No block that ends later begins before this one.
        self.release(self.hops.saturating_sub(BLOCK) / HOPS_A_CHUNK, decisions);
    }

    /// Lets all go.
    pub(crate) fn finish(&mut self, decisions: &mut Vec<bool>) {
        self.held.extend(decisions.drain(..));
        self.release(usize::MAX, decisions);
    }

    fn release(&mut self, end: usize, decisions: &mut Vec<bool>) {
        while self.released < end
            && let Some(speech) = self.held.pop_front()
        {
            let prompt = self.prompt.is_some_and(|(first, end)| (first..end).contains(&self.released));
            decisions.push(speech && !prompt);
            self.released += 1;
        }
    }
}

/// Compares the latest block with every place of every prompt, each new sub-fingerprint costing one
/// comparison a place: the sums of differing bits move along the diagonals.
struct Matcher {
    library: Arc<PromptLibrary>,
    prompts: Vec<Prompt>,
    recent: VecDeque<u32>,
}

struct Prompt {
    start: usize,
    block: usize,
    most: u32,
    /// For each place, the differing bits of the block that ends there.
    different: Vec<u16>,
}

impl Matcher {
    fn new(library: Arc<PromptLibrary>) -> Self {
        let prompts = library.prompts().filter(|place| place.len() >= SHORTEST).map(|place| {
            let block = place.len().min(BLOCK);
            let bits = (block * 32) as f64;
            let chance = 0.5 - SPREADS * 3.0 * 0.5 / bits.sqrt();
            Prompt {
                start: place.start,
                block,
                most: (bits * chance.min(MOST_DIFFERENT)) as u32,
                // Before the first block is whole, everything differs.
                different: vec![(block * 32) as u16; place.len()],
            }
        });
        let prompts = prompts.collect();
        Self { library, prompts, recent: VecDeque::with_capacity(BLOCK + 1) }
    }

    /// The length of the longest block ending here that is one of a prompt, in sub-fingerprints.
    fn accept(&mut self, print: u32) -> Option<usize> {
        self.recent.push_back(print);
        let all = self.library.prints();
        let mut longest = None;
        for prompt in &mut self.prompts {
            // What leaves the block: a sub-fingerprint before the call began differs in all bits.
            let left = self.recent.len().checked_sub(prompt.block + 1).map(|at| self.recent[at]);
            let prints = &all[prompt.start..prompt.start + prompt.different.len()];
            let fewest = advance(&mut prompt.different, prints, prompt.block, print, left);
            if u32::from(fewest) <= prompt.most {
                longest = longest.max(Some(prompt.block));
            }
        }
        if self.recent.len() > BLOCK {
            self.recent.pop_front();
        }
        longest
    }
}

/// Moves every sum one place on and gives the smallest among whole blocks.
fn advance(different: &mut [u16], prints: &[u32], block: usize, print: u32, left: Option<u32>) -> u16 {
    let mut fewest = u16::MAX;
    for place in (0..prints.len()).rev() {
        let before = if place == 0 { (block * 32) as u16 } else { different[place - 1] };
        let added = (print ^ prints[place]).count_ones() as u16;
        // Outside of the prompt or before the call, all bits count as different.
        let dropped = match (place.checked_sub(block), left) {
            (Some(at), Some(left)) => (left ^ prints[at]).count_ones() as u16,
            _ => 32,
        };
        different[place] = before + added - dropped;
        fewest = fewest.min(different[place]);
    }
    fewest
}

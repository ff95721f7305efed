use crate::{AudioError, Warning};

/// Which channel of a recording or stream to listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// The audio must have one channel; several are refused, because a guess would score the wrong
    /// party.
    #[default]
    Mono,
    /// The channel with this number, from 0.
    Index(u16),
    /// The mean of all channels. Voices overlap in it: comes with [`Warning::MixedChannels`].
    Mix,
}

impl ChannelChoice {
    /// The left channel of a stereo recording.
    pub const LEFT: Self = Self::Index(0);
    /// The right channel of a stereo recording.
    pub const RIGHT: Self = Self::Index(1);
}

/// Whose voice the chosen channel carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelRole {
    /// The party to verify.
    #[default]
    Customer,
    /// The institution's own agent.
    Agent,
    /// Both parties in one signal.
    Mixed,
}

/// A [`ChannelChoice`] checked against the number of channels there are; picks the samples out.
#[derive(Debug, Clone)]
pub struct ChannelPicker {
    choice: ChannelChoice,
    channels: u16,
}

impl ChannelPicker {
    /// Checks the choice.
    ///
    /// # Errors
    /// [`AudioError::ChannelNotChosen`] for several channels without a choice,
    /// [`AudioError::NoSuchChannel`] for a number past the end.
    pub fn new(choice: ChannelChoice, channels: u16) -> Result<Self, AudioError> {
        match choice {
            ChannelChoice::Mono if channels != 1 => {
                Err(AudioError::ChannelNotChosen { channels, names: names(channels) })
            }
            ChannelChoice::Index(index) if index >= channels => {
                Err(AudioError::NoSuchChannel { index, channels })
            }
            _ => Ok(Self { choice, channels }),
        }
    }

    /// What the choice costs in certainty.
    #[must_use]
    pub fn warning(&self) -> Option<Warning> {
        (self.choice == ChannelChoice::Mix && self.channels > 1)
            .then_some(Warning::MixedChannels { channels: self.channels })
    }

    /// Appends the chosen channel of `planar` (one slice a channel, equally long) to `out`.
    pub fn pick_planar(&self, planar: &[Vec<f32>], out: &mut Vec<f32>) {
        match self.choice {
            ChannelChoice::Mono => out.extend_from_slice(planar.first().map_or(&[], Vec::as_slice)),
            ChannelChoice::Index(index) => {
                out.extend_from_slice(planar.get(usize::from(index)).map_or(&[], Vec::as_slice));
            }
            ChannelChoice::Mix => {
                let frames = planar.iter().map(Vec::len).min().unwrap_or(0);
                out.extend((0..frames).map(|i| mean(planar.iter().map(|channel| channel[i]))));
            }
        }
    }

    /// Appends the chosen channel of whole interleaved frames to `out`.
    pub fn pick_interleaved(&self, interleaved: &[f32], out: &mut Vec<f32>) {
        let frames = interleaved.chunks_exact(usize::from(self.channels.max(1)));
        match self.choice {
            ChannelChoice::Mono => out.extend_from_slice(interleaved),
            ChannelChoice::Index(index) => out.extend(frames.map(|frame| frame[usize::from(index)])),
            ChannelChoice::Mix => out.extend(frames.map(|frame| mean(frame.iter().copied()))),
        }
    }
}

/// Summed in channel order, so that the mix of a stream and of a file are the same to the bit.
fn mean(frame: impl ExactSizeIterator<Item = f32>) -> f32 {
    let channels = frame.len().max(1) as f32;
    frame.sum::<f32>() / channels
}

fn names(channels: u16) -> String {
    match channels {
        2 => "0 = left, 1 = right".into(),
        n => format!("0 to {}", n.saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(choice: ChannelChoice, interleaved: &[f32], channels: u16) -> Vec<f32> {
        let mut out = Vec::new();
        ChannelPicker::new(choice, channels).unwrap().pick_interleaved(interleaved, &mut out);
        let planar: Vec<Vec<f32>> = (0..usize::from(channels))
            .map(|c| interleaved.iter().skip(c).step_by(usize::from(channels)).copied().collect())
            .collect();
        let mut other = Vec::new();
        ChannelPicker::new(choice, channels).unwrap().pick_planar(&planar, &mut other);
        assert_eq!(out, other, "planar and interleaved differ");
        out
    }

    #[test]
    fn picks_the_channel_asked_for() {
        let stereo = [0.1, -0.5, 0.3, 0.5];
        assert_eq!(picked(ChannelChoice::LEFT, &stereo, 2), [0.1, 0.3]);
        assert_eq!(picked(ChannelChoice::RIGHT, &stereo, 2), [-0.5, 0.5]);
        assert_eq!(picked(ChannelChoice::Mix, &stereo, 2), [(0.1 - 0.5) / 2.0, (0.3 + 0.5) / 2.0]);
        assert_eq!(picked(ChannelChoice::Mono, &stereo, 1), stereo);
        assert_eq!(picked(ChannelChoice::Index(2), &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [3.0, 6.0]);
    }

    #[test]
    fn stereo_without_a_choice_says_how_to_choose() {
        let refused = ChannelPicker::new(ChannelChoice::Mono, 2).unwrap_err();
        assert!(matches!(refused, AudioError::ChannelNotChosen { channels: 2, .. }));
        assert_eq!(
            refused.to_string(),
            "the recording has 2 channels (0 = left, 1 = right); choose one by its number, or ask for the mix"
        );
        let six = ChannelPicker::new(ChannelChoice::Mono, 6).unwrap_err().to_string();
        assert!(six.contains("6 channels (0 to 5)"), "{six}");
    }

    #[test]
    fn refuses_a_channel_that_is_not_there() {
        let refused = ChannelPicker::new(ChannelChoice::RIGHT, 1).unwrap_err();
        assert!(matches!(refused, AudioError::NoSuchChannel { index: 1, channels: 1 }));
    }

    #[test]
    fn only_a_mix_of_several_warns() {
        let warning = |choice, n| ChannelPicker::new(choice, n).unwrap().warning();
        assert_eq!(warning(ChannelChoice::Mix, 2), Some(Warning::MixedChannels { channels: 2 }));
        assert_eq!(warning(ChannelChoice::Mix, 1), None);
        assert_eq!(warning(ChannelChoice::LEFT, 2), None);
    }
}

//! Which packets are lost: a two-state Markov chain (Gilbert 1960, "Capacity of a burst-noise
//! channel", Bell System Technical Journal 39).

use crate::draw::Draw;

/// A chain whose lost state loses every packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gilbert {
    /// The part of the packets that is lost, 0 to 0.5.
    pub(crate) rate: f64,
    /// The mean number of packets lost in a row, 1 or more.
    pub(crate) mean_burst: f64,
}

impl Gilbert {
    /// Which of so many packets are lost.
    pub(crate) fn losses(self, packets: usize, draw: &mut Draw) -> Vec<bool> {
        let leave = 1.0 / self.mean_burst.max(1.0);
        // In the long run rate = enter / (enter + leave).
        let enter = (leave * self.rate / (1.0 - self.rate)).min(1.0);
        let mut lost = draw.chance(self.rate);
        let mut losses = Vec::with_capacity(packets);
        for _ in 0..packets {
            losses.push(lost);
            lost = if lost { !draw.chance(leave) } else { draw.chance(enter) };
        }
        losses
    }
}

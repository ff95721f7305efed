//! Whose voice is scored: the customer's leg, or nothing that was not declared.

use earmark_audio::{ChannelChoice, ChannelRole};

use super::details::{CallDetails, Channel, Role};
use super::refused::Refused;

/// What becomes of recordings with both parties in one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MixedPolicy {
    /// They are set aside.
    Refuse,
    /// They are screened; the result carries the warning MIXED_CHANNELS.
    Mark,
}

/// Whose voice recordings of one channel carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MonoRole {
    /// The customer's alone.
    Customer,
    /// Both parties'.
    Mixed,
}

/// How the recorder lays out its channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles {
    /// The customer's channel where there are several.
    pub(crate) channel: Option<ChannelChoice>,
    /// Whose voice it is where there is one; the sidecar may say so too.
    pub(crate) mono: Option<MonoRole>,
    /// What becomes of both parties in one.
    pub(crate) mixed: MixedPolicy,
}

impl Roles {
    /// Which channel to listen to, and whose voice it is, in a recording with so many channels. What is
    /// said of the one recording comes before what is said of all.
    pub(super) fn choose(
        &self,
        details: &CallDetails,
        channels: u16,
    ) -> Result<(ChannelChoice, ChannelRole), Refused> {
        let (channel, role) = match channels {
            1 => (ChannelChoice::Mono, self.mono_role(details)?),
            _ => self.several(details, channels)?,
        };
        match role {
            Role::Customer => Ok((channel, ChannelRole::Customer)),
            Role::Mixed if self.mixed == MixedPolicy::Mark => Ok((channel, ChannelRole::Mixed)),
            Role::Mixed => Err(Refused::BothParties),
            Role::Agent => Err(Refused::AgentsLeg),
        }
    }

    fn mono_role(&self, details: &CallDetails) -> Result<Role, Refused> {
        let of_all = self.mono.map(|mono| match mono {
            MonoRole::Customer => Role::Customer,
            MonoRole::Mixed => Role::Mixed,
        });
        details.role.or(of_all).ok_or(Refused::MonoNotDeclared)
    }

    fn several(&self, details: &CallDetails, channels: u16) -> Result<(ChannelChoice, Role), Refused> {
        let own = details.channel.map(|channel| match channel {
            Channel::Number(number) => ChannelChoice::Index(number),
            Channel::Mix => ChannelChoice::Mix,
        });
        let channel = own.or(self.channel).ok_or(Refused::ChannelNotChosen { channels })?;
        let of_channel = if channel == ChannelChoice::Mix { Role::Mixed } else { Role::Customer };
        // A mix holds both parties whatever is said of it.
        let role = if of_channel == Role::Mixed { Role::Mixed } else { details.role.unwrap_or(of_channel) };
        Ok((channel, role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING_SAID: Roles = Roles { channel: None, mono: None, mixed: MixedPolicy::Refuse };

    fn said(channel: Option<Channel>, role: Option<Role>) -> CallDetails {
        CallDetails { channel, role, ..CallDetails::default() }
    }

    #[test]
    fn nothing_is_guessed() {
        let choose = |channels| NOTHING_SAID.choose(&said(None, None), channels).unwrap_err().code();
        assert_eq!((choose(1), choose(2)), ("MONO_NOT_DECLARED", "CHANNEL_NOT_CHOSEN"));
        let agents = NOTHING_SAID.choose(&said(Some(Channel::Number(1)), Some(Role::Agent)), 2);
        assert_eq!(agents.unwrap_err().code(), "AGENTS_LEG");
    }

    #[test]
    fn the_recordings_own_word_comes_first() {
        let all = Roles { channel: Some(ChannelChoice::LEFT), mono: Some(MonoRole::Mixed), ..NOTHING_SAID };
        let customer = |details, channels| all.choose(&details, channels).unwrap();
        assert_eq!(customer(said(None, None), 2), (ChannelChoice::LEFT, ChannelRole::Customer));
        let right = said(Some(Channel::Number(1)), None);
        assert_eq!(customer(right, 2), (ChannelChoice::RIGHT, ChannelRole::Customer));
        assert_eq!(
            customer(said(None, Some(Role::Customer)), 1),
            (ChannelChoice::Mono, ChannelRole::Customer)
        );
        assert_eq!(all.choose(&said(None, None), 1).unwrap_err().code(), "MIXED_REFUSED");
    }

    #[test]
    fn both_parties_in_one_are_refused_or_marked() {
        let mark = Roles { mixed: MixedPolicy::Mark, mono: Some(MonoRole::Mixed), ..NOTHING_SAID };
        assert_eq!(mark.choose(&said(None, None), 1).unwrap(), (ChannelChoice::Mono, ChannelRole::Mixed));
        let mix = said(Some(Channel::Mix), Some(Role::Customer));
        assert_eq!(mark.choose(&mix, 2).unwrap(), (ChannelChoice::Mix, ChannelRole::Mixed));
        assert_eq!(NOTHING_SAID.choose(&mix, 2).unwrap_err().code(), "MIXED_REFUSED");
    }
}

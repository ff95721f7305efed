use super::dialog::{Body, Dialog};
use super::options::SiprecOptions;
use super::outside::Surroundings;
use super::refused::{NO_AUDIO, Refused, not_acceptable};
use super::roles::{self, Unchosen};

/// Takes over a new description; nothing of it where it can't be taken.
pub(super) fn change(
    dialog: &mut Dialog,
    body: Body,
    options: &SiprecOptions,
    around: &mut dyn Surroundings,
) -> Result<(), Refused> {
    let mut metadata = dialog.metadata.clone();
    if let Some(later) = body.metadata {
        metadata.update(later);
    }
    let offer = body.offer.unwrap_or_else(|| dialog.offer.clone());
    let choice = match roles::choose(&options.roles, &offer.lines, &metadata) {
        Ok(choice) => Some(choice),
        // Who is who is known from before, or told later.
        Err(Unchosen::Undecided) => dialog.choice.clone(),
        // A hold may decline every stream.
        Err(Unchosen::NoAudio) if offer.lines.iter().all(|line| line.is_declined) => dialog.choice.clone(),
        Err(Unchosen::NoAudio) => return Err(not_acceptable(NO_AUDIO)),
    };
    let before = std::mem::replace(&mut dialog.offer, offer);
    if let Err(refused) = open_ports(dialog, around) {
        dialog.offer = before;
        return Err(refused);
    }
    dialog.metadata = metadata;
    dialog.choice = choice;
    Ok(())
}

/// Gives a port to every stream that can be heard and has none.
pub(super) fn open_ports(dialog: &mut Dialog, around: &mut dyn Surroundings) -> Result<(), Refused> {
    let mut ports = dialog.ports.clone();
    // Lines are never taken away (RFC 3264, section 8). Where they are, their ports stay, or a far end that
    // takes lines away and brings them back would have us open ports without end.
    ports.resize(ports.len().max(dialog.offer.lines.len()), None);
    for (line, port) in dialog.offer.lines.iter().zip(&mut ports) {
        if line.encoding.is_some() && port.is_none() {
            let full = || Refused::new(503, "Service Unavailable").with("Retry-After", "5");
            *port = Some(around.open_port().ok_or_else(full)?);
        }
    }
    dialog.ports = ports;
    Ok(())
}

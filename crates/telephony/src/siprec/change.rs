use super::dialog::{Body, Dialog};
use super::options::SiprecOptions;
use super::outside::Surroundings;
use super::refused::{Refused, no_dialog, not_acceptable};

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
    let told = Body { offer: Some(offer), metadata: Some(metadata) };
    let choice = match told.choice(options) {
        Ok(choice) => choice,
        Err(problem) => {
            let lines = told.offer.iter().flat_map(|offer| &offer.lines);
            let stays = lines.clone().nth(dialog.choice.line).is_some_and(|line| line.encoding.is_some());
            // A hold may decline every stream; who is who is known from before.
            let all_declined = lines.clone().all(|line| line.encoding.is_none());
            if !stays && !all_declined {
                return Err(not_acceptable(problem));
            }
            dialog.choice.clone()
        }
    };
    let (Some(offer), Some(metadata)) = (told.offer, told.metadata) else { return Err(no_dialog()) };
    let before = std::mem::replace(&mut dialog.offer, offer);
    if let Err(refused) = open_ports(dialog, around) {
        dialog.offer = before;
        return Err(refused);
    }
    dialog.metadata = metadata;
    dialog.choice = choice;
    dialog.version += 1;
    Ok(())
}

/// Gives a port to every stream that can be heard and has none.
pub(super) fn open_ports(dialog: &mut Dialog, around: &mut dyn Surroundings) -> Result<(), Refused> {
    let mut ports = dialog.ports.clone();
    ports.resize(dialog.offer.lines.len(), None);
    for (line, port) in dialog.offer.lines.iter().zip(&mut ports) {
        if line.encoding.is_some() && port.is_none() {
            let full = || Refused::new(503, "Service Unavailable").with("Retry-After", "5");
            *port = Some(around.open_port().ok_or_else(full)?);
        }
    }
    dialog.ports = ports;
    Ok(())
}

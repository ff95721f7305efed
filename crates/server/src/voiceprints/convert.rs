use earmark_engine::{Extracted, Llr, PrintWithQuality};
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};

use crate::audio_convert::{quality, speech};
use crate::proto::v1;
use crate::refusal::Refusal;

/// The most voiceprints in one list, as the proto file promises.
const MAX_VOICEPRINTS: usize = 1000;
/// A model's name and fingerprints; nothing longer is one.
const MAX_MODEL_BYTES: usize = 256;

/// A list of voiceprints from outside. Errors name the place and never the numbers.
pub(super) fn prints(prints: Vec<v1::Voiceprint>, path: &str) -> Result<Vec<PrintWithQuality>, Refusal> {
    if !(1..=MAX_VOICEPRINTS).contains(&prints.len()) {
        let problem = format!("holds {} voiceprints; send 1 to {MAX_VOICEPRINTS}", prints.len());
        return Err(Refusal::field(path, "VOICEPRINT_COUNT", problem));
    }
    prints.iter().enumerate().map(|(n, print)| from_outside(print, &format!("{path}[{n}]"))).collect()
}

fn from_outside(sent: &v1::Voiceprint, path: &str) -> Result<PrintWithQuality, Refusal> {
    let refuse = |field: &str, reason, problem: String| {
        Err(Refusal::field(format!("{path}.{field}"), reason, problem))
    };
    if !(1..=MAX_MODEL_BYTES).contains(&sent.model.len()) {
        return refuse(
            "model",
            "MODEL_MISSING",
            "send the model that Extract gave with the voiceprint".into(),
        );
    }
    if !(sent.net_speech_s.is_finite() && sent.net_speech_s >= 0.0) {
        return refuse("net_speech_s", "BAD_NET_SPEECH", "must be finite and not negative".into());
    }
    let speech = NetSpeech::from_seconds(sent.net_speech_s);
    let voiceprint = Voiceprint::from_unit(ModelId::from_stored(&sent.model), &sent.values, speech);
    let voiceprint = match voiceprint {
        Ok(voiceprint) => voiceprint,
        Err(error) => return refuse("values", "BAD_VOICEPRINT", error.to_string()),
    };
    let quality = sent.quality.as_ref().map(|q| quality_from_outside(q, path)).transpose()?;
    Ok(PrintWithQuality { voiceprint, quality })
}

fn quality_from_outside(sent: &v1::Quality, path: &str) -> Result<Quality, Refusal> {
    let numbers = [sent.snr_db, sent.clipped_fraction, sent.level_dbfs, sent.bandwidth_hz];
    if numbers.iter().any(|n| !n.is_finite()) || !(0.0..=1.0).contains(&sent.clipped_fraction) {
        let problem = "must hold finite numbers, the clipped fraction 0 to 1; or leave quality out";
        return Err(Refusal::field(format!("{path}.quality"), "BAD_QUALITY", problem));
    }
    Ok(Quality {
        snr_db: sent.snr_db,
        clipped_fraction: sent.clipped_fraction,
        level_dbfs: sent.level_dbfs,
        bandwidth_hz: sent.bandwidth_hz,
    })
}

pub(super) fn extracted(extracted: &Extracted) -> v1::ExtractResponse {
    let heard = &extracted.speech;
    v1::ExtractResponse {
        voiceprint: Some(print(&extracted.voiceprint, heard.quality.as_ref())),
        speech: Some(speech(heard)),
    }
}

pub(super) fn merged(merged: &PrintWithQuality) -> v1::MergeResponse {
    v1::MergeResponse { voiceprint: Some(print(&merged.voiceprint, merged.quality.as_ref())) }
}

fn print(print: &Voiceprint, of: Option<&Quality>) -> v1::Voiceprint {
    v1::Voiceprint {
        model: print.model().as_str().to_owned(),
        values: print.values().to_vec(),
        net_speech_s: print.net_speech().seconds(),
        quality: of.map(quality),
    }
}

pub(super) fn compared(rows: &[Vec<Llr>], calibration: &str) -> v1::CompareResponse {
    let row = |row: &Vec<Llr>| v1::LlrRow { llrs: row.iter().map(|llr| llr.nats()).collect() };
    v1::CompareResponse { rows: rows.iter().map(row).collect(), calibration: calibration.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent() -> v1::Voiceprint {
        v1::Voiceprint { model: "m/1".into(), values: vec![0.6, 0.8], net_speech_s: 5.0, quality: None }
    }

    fn reason(sent: v1::Voiceprint) -> &'static str {
        prints(vec![sent], "probes").unwrap_err().reason()
    }

    #[test]
    fn a_voiceprint_comes_back_bit_for_bit() {
        let got = prints(vec![sent()], "probes").unwrap();
        assert_eq!(print(&got[0].voiceprint, None), sent());
    }

    #[test]
    fn what_is_no_voiceprint_is_refused_by_place() {
        assert_eq!(reason(v1::Voiceprint { model: String::new(), ..sent() }), "MODEL_MISSING");
        assert_eq!(reason(v1::Voiceprint { net_speech_s: f32::NAN, ..sent() }), "BAD_NET_SPEECH");
        assert_eq!(reason(v1::Voiceprint { net_speech_s: -1.0, ..sent() }), "BAD_NET_SPEECH");
        for values in [vec![], vec![1.0, 1.0], vec![f32::NAN, 1.0], vec![0.0; 4000]] {
            assert_eq!(reason(v1::Voiceprint { values, ..sent() }), "BAD_VOICEPRINT");
        }
        let quality = Some(v1::Quality { snr_db: f32::INFINITY, ..v1::Quality::default() });
        assert_eq!(reason(v1::Voiceprint { quality, ..sent() }), "BAD_QUALITY");
        assert_eq!(prints(vec![], "probes").unwrap_err().reason(), "VOICEPRINT_COUNT");
        assert_eq!(prints(vec![sent(); 1001], "probes").unwrap_err().reason(), "VOICEPRINT_COUNT");
        let second = prints(vec![sent(), v1::Voiceprint::default()], "probes").unwrap_err();
        let status = tonic::Status::from(second);
        let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
        assert_eq!(details.field_violations[0].field, "probes[1].model");
    }

    proptest! {
        #[test]
        fn no_voiceprint_panics_or_leaks(
            model in ".{0,12}", values in prop::collection::vec(any::<f32>(), 0..6), net_speech_s: f32,
            quality in prop::option::of(any::<[f32; 4]>()),
        ) {
            let quality = quality.map(|[snr_db, clipped_fraction, level_dbfs, bandwidth_hz]| {
                v1::Quality { snr_db, clipped_fraction, level_dbfs, bandwidth_hz }
            });
            let sent = v1::Voiceprint { model, values: values.clone(), net_speech_s, quality };
            if let Err(refusal) = prints(vec![sent], "probes") {
                let told = format!("{refusal:?}");
                for value in values.iter().filter(|v| v.is_finite() && v.fract() != 0.0) {
                    prop_assert!(!told.contains(&value.to_string()));
                }
            }
        }
    }
}

use earmark_engine::{
    ChannelRole, Customer, CustomerStatus, Enrollment, EnrollmentReport, Page, StreamFormat, VoiceprintInfo,
};
use earmark_voiceprint::CustomerId;

use crate::access::Caller;
use crate::audio_convert::{name, optional, quality, speech, stream_format, timestamp};
use crate::audio_stream::{Part, StreamMessage};
use crate::paging_convert::next_page_token;
use crate::proto::v1;
use crate::refusal::Refusal;

impl StreamMessage for v1::EnrollRequest {
    type Config = v1::EnrollConfig;

    fn into_part(self) -> Option<Part<v1::EnrollConfig>> {
        Some(match self.request? {
            v1::enroll_request::Request::Config(config) => Part::Config(config),
            v1::enroll_request::Request::Audio(audio) => Part::Audio(audio),
        })
    }
}

pub(super) fn customer_id(id: &str) -> Result<CustomerId, Refusal> {
    customer_id_at(id, "customer_id")
}

fn customer_id_at(id: &str, path: &str) -> Result<CustomerId, Refusal> {
    CustomerId::new(id).map_err(|error| Refusal::field(path, "BAD_CUSTOMER_ID", error.to_string()))
}

/// Whom a stream enrolls, what it is called, its format, and whose voice it carries.
pub(super) struct StreamEnrollment {
    pub(super) enrollment: Enrollment,
    pub(super) recording: Option<String>,
    pub(super) format: StreamFormat,
    pub(super) role: ChannelRole,
}

pub(super) fn stream_enrollment(
    config: v1::EnrollConfig,
    caller: &Caller,
) -> Result<StreamEnrollment, Refusal> {
    let enrollment = Enrollment {
        customer: customer_id_at(&config.customer_id, "config.customer_id")?,
        request_id: optional(config.request_id),
        force: config.force,
        actor: caller.actor.clone(),
    };
    let recording = name(config.recording, "config.recording")?;
    let (format, role) = stream_format(config.format, "config.format")?;
    Ok(StreamEnrollment { enrollment, recording, format, role })
}

/// Whom a request with recordings enrolls.
pub(super) fn enrollment(
    id: &str,
    request_id: String,
    force: bool,
    caller: &Caller,
) -> Result<Enrollment, Refusal> {
    let customer = customer_id(id)?;
    Ok(Enrollment { customer, request_id: optional(request_id), force, actor: caller.actor.clone() })
}

pub(super) fn enrolled_stream(report: &EnrollmentReport) -> v1::EnrollResponse {
    v1::EnrollResponse {
        customer: Some(customer(&report.customer)),
        speech: report.speech.first().map(speech),
        warnings: warnings(report),
    }
}

pub(super) fn enrolled(report: &EnrollmentReport) -> v1::EnrollRecordingsResponse {
    v1::EnrollRecordingsResponse {
        customer: Some(customer(&report.customer)),
        speech: report.speech.iter().map(speech).collect(),
        warnings: warnings(report),
    }
}

fn warnings(report: &EnrollmentReport) -> Vec<String> {
    report.overridden.iter().map(|warning| warning.code().to_owned()).collect()
}

pub(super) fn customer(customer: &Customer) -> v1::Customer {
    v1::Customer {
        customer_id: customer.customer.as_str().to_owned(),
        status: status(customer.status).into(),
        enrollments: customer.voiceprints.iter().map(enrollment_of).collect(),
        net_speech_s: customer.voiceprints.iter().map(|v| v.net_speech.seconds()).sum(),
        create_time: Some(timestamp(customer.created_at)),
        update_time: Some(timestamp(customer.updated_at)),
    }
}

fn status(status: CustomerStatus) -> v1::CustomerStatus {
    match status {
        CustomerStatus::OptedOut => v1::CustomerStatus::OptedOut,
        _ => v1::CustomerStatus::Enrolled,
    }
}

fn enrollment_of(voiceprint: &VoiceprintInfo) -> v1::Enrollment {
    v1::Enrollment {
        enrollment_id: voiceprint.id.get(),
        model: voiceprint.model.as_str().to_owned(),
        recording: voiceprint.source.clone().unwrap_or_default(),
        net_speech_s: voiceprint.net_speech.seconds(),
        quality: Some(quality(&voiceprint.quality)),
        create_time: Some(timestamp(voiceprint.created_at)),
    }
}

pub(super) fn customers(page: Page<Customer>) -> v1::ListCustomersResponse {
    v1::ListCustomersResponse {
        customers: page.items.iter().map(customer).collect(),
        next_page_token: next_page_token(page.next),
    }
}

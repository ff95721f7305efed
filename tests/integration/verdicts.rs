//! What a call comes to, on human voices that were never enrolled from the same prompts.

use earmark_server::proto::v1::{
    CallUpdate, CustomerState, EnrollRecordingsRequest, OptOutRequest, Posterior, RiskTier, Verdict,
};

use crate::harness::calls::{customer_llr, info, net_speech_s, state, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES, populated};

/// The last update of a call in 20 ms packets.
async fn final_of(clients: &mut Clients, claimed: &str, samples: &[i16]) -> CallUpdate {
    let updates =
        clients.screen(info(&unique("call"), claimed), samples).await.expect("the call is screened");
    let last = updates.last().expect("a final update").clone();
    assert!(last.r#final);
    last
}

fn sum(posterior: &Posterior) -> f64 {
    posterior.customer + posterior.listed_proxy + posterior.somebody_else
}

#[tokio::test]
async fn a_genuine_customer_matches() {
    let mut clients = populated().await;
    for person in CUSTOMERS {
        let last = final_of(&mut clients, person, &voices::call(person)).await;
        assert_eq!(
            (verdict(&last), state(&last)),
            (Verdict::Match, CustomerState::Scored),
            "{person}: {last:?}"
        );
        assert!(customer_llr(&last).expect("an LLR") > 0.0);
        let decision = last.decision.as_ref().unwrap();
        assert_eq!((decision.risk(), decision.label_zh.as_str()), (RiskTier::Low, "一致"));
        assert!(last.posterior.unwrap().customer > 0.9);
    }
}

#[tokio::test]
async fn a_listed_proxy_posing_as_a_customer_is_tagged_and_named_first() {
    let mut clients = populated().await;
    for (person, customer) in PROXIES.into_iter().zip(CUSTOMERS) {
        let last = final_of(&mut clients, customer, &voices::call(person)).await;
        assert_eq!(verdict(&last), Verdict::SuspectedProxy, "{person}: {last:?}");
        assert_eq!(last.proxies[0].proxy_id, person);
        assert!(last.proxies[0].llr > last.proxies[1].llr, "best first");
        assert!(last.posterior.unwrap().listed_proxy > 0.5);
        let decision = last.decision.unwrap();
        assert_eq!((decision.risk(), decision.label_zh.as_str()), (RiskTier::High, "疑似代理"));
        assert_eq!(decision.reasons[0].code, "LISTED_PROXY_MATCH");
        assert!(!decision.action_zh.is_empty() && !decision.action_en.is_empty());
    }
}

#[tokio::test]
async fn a_stranger_neither_matches_nor_is_tagged() {
    let mut clients = populated().await;
    for person in ["ivrvoice", "paola"] {
        let last = final_of(&mut clients, CUSTOMERS[0], &voices::call(person)).await;
        assert_eq!(state(&last), CustomerState::Scored);
        assert!(!matches!(verdict(&last), Verdict::Match | Verdict::SuspectedProxy), "{person}: {last:?}");
    }
}

#[tokio::test]
async fn one_customer_is_no_match_for_another() {
    let mut clients = populated().await;
    let last = final_of(&mut clients, CUSTOMERS[1], &voices::call(CUSTOMERS[0])).await;
    assert!(!matches!(verdict(&last), Verdict::Match | Verdict::SuspectedProxy), "{last:?}");
}

#[tokio::test]
async fn two_seconds_of_speech_are_too_little_to_say_anything() {
    let mut clients = populated().await;
    let last = final_of(&mut clients, CUSTOMERS[0], &voices::short_call(CUSTOMERS[0])).await;
    assert_eq!(verdict(&last), Verdict::InsufficientSpeech);
    assert!(net_speech_s(&last) < 3.0);
    assert_eq!(last.decision.unwrap().label_zh, "语音不足");
}

#[tokio::test]
async fn two_seconds_of_a_listed_proxy_raise_no_tag() {
    let mut clients = populated().await;
    let last = final_of(&mut clients, CUSTOMERS[0], &voices::short_call(PROXIES[0])).await;
    assert_eq!(verdict(&last), Verdict::InsufficientSpeech);
}

#[tokio::test]
async fn music_and_noise_are_no_speech() {
    let mut clients = populated().await;
    let mut calls = vec![("noise", voices::noise())];
    for piece in ["cold-day", "morning-coffee", "system"] {
        calls.push((piece, voices::decode(&voices::path("music").join(piece).with_extension("flac"))));
    }
    for (what, samples) in calls {
        let last = final_of(&mut clients, CUSTOMERS[0], &samples).await;
        assert_eq!(verdict(&last), Verdict::InsufficientSpeech, "{what}: {last:?}");
        assert_eq!(last.speech.unwrap().audio_s, samples.len() as f64 / 8000.0, "{what} was taken in whole");
    }
}

#[tokio::test]
async fn a_call_that_names_no_customer_is_compared_with_the_library_alone() {
    let mut clients = populated().await;
    let last = final_of(&mut clients, "", &voices::call("paola")).await;
    assert_eq!((verdict(&last), state(&last)), (Verdict::NoCustomerClaimed, CustomerState::NotClaimed));
    assert_eq!((customer_llr(&last), last.proxies.len()), (None, PROXIES.len()));
    let last = final_of(&mut clients, "", &voices::call(PROXIES[1])).await;
    assert_eq!((verdict(&last), state(&last)), (Verdict::SuspectedProxy, CustomerState::NotClaimed));
}

#[tokio::test]
async fn an_unknown_customer_is_not_enrolled_and_a_proxy_is_found_all_the_same() {
    let mut clients = populated().await;
    let last = final_of(&mut clients, "nobody-of-this-name", &voices::call("paola")).await;
    assert_eq!((verdict(&last), state(&last)), (Verdict::NotEnrolled, CustomerState::NotEnrolled));
    assert!(last.decision.unwrap().label_zh.contains("未登记"));
    let last = final_of(&mut clients, "nobody-of-this-name", &voices::call(PROXIES[0])).await;
    assert_eq!((verdict(&last), state(&last)), (Verdict::SuspectedProxy, CustomerState::NotEnrolled));
}

#[tokio::test]
async fn the_voice_of_whoever_claims_an_opted_out_customer_is_compared_with_nobody() {
    let mut clients = populated().await;
    let customer = unique("refuser");
    clients.customers.opt_out(OptOutRequest { customer_id: customer.clone() }).await.unwrap();
    let last = final_of(&mut clients, &customer, &voices::call(PROXIES[0])).await;
    assert_eq!((verdict(&last), state(&last)), (Verdict::OptedOut, CustomerState::OptedOut));
    assert!(last.proxies.is_empty() && last.posterior.is_none() && customer_llr(&last).is_none(), "{last:?}");
    assert_eq!(net_speech_s(&last), 0.0, "not even the speech is looked for");
}

#[tokio::test]
async fn a_customer_whose_history_a_proxy_made_is_tagged_with_both_findings() {
    let mut clients = populated().await;
    let customer = unique("poisoned");
    let recordings = voices::enrollment(PROXIES[0]);
    let request = EnrollRecordingsRequest {
        customer_id: customer.clone(),
        recordings,
        force: true,
        ..Default::default()
    };
    clients.customers.enroll_recordings(request).await.unwrap();
    let last = final_of(&mut clients, &customer, &voices::call(PROXIES[0])).await;
    assert_eq!(verdict(&last), Verdict::SuspectedProxy, "{last:?}");
    let codes: Vec<_> = last.decision.unwrap().reasons.into_iter().map(|r| r.code).collect();
    assert!(codes.iter().any(|code| code == "CUSTOMER_AND_PROXY_MATCH"), "{codes:?}");
}

#[tokio::test]
async fn the_three_hypotheses_sum_to_one_at_every_update() {
    let mut clients = populated().await;
    for (claimed, speaker) in [(CUSTOMERS[0], CUSTOMERS[0]), (CUSTOMERS[1], PROXIES[1]), ("", "paola")] {
        let updates = clients.screen(info(&unique("call"), claimed), &voices::call(speaker)).await.unwrap();
        assert!(updates.len() > 5);
        for update in &updates {
            let posterior = update.posterior.as_ref().expect("there is speech enough");
            assert!((sum(posterior) - 1.0).abs() < 1e-9, "{posterior:?}");
        }
    }
}

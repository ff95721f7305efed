//! When a live call's updates come, and that they don't depend on how the audio was cut.

use earmark_server::proto::v1::{CallInfo, CallUpdate, WatchCallsRequest};
use tonic::Code;

use crate::harness::calls::{PACKET, audio, config, info, net_speech_s, timeless, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::refused::refused;
use crate::harness::server::{Launch, folder};
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES, populate, populated};
use earmark_server::proto::v1::Verdict;

#[tokio::test]
async fn the_first_update_comes_at_three_seconds_of_speech_and_then_one_each_second() {
    let mut clients = populated().await;
    let updates =
        clients.screen(info(&unique("call"), CUSTOMERS[0]), &voices::call(CUSTOMERS[0])).await.unwrap();
    let (last, live) = updates.split_last().unwrap();
    assert!(live.len() > 20, "{} updates", live.len());
    for (n, update) in live.iter().enumerate() {
        let due = 3.0 + n as f32;
        let heard = net_speech_s(update);
        assert!((due..due + 0.05).contains(&heard), "update {n} came at {heard} s, was due at {due} s");
        assert!(!update.r#final);
    }
    assert!(last.r#final && net_speech_s(last) >= net_speech_s(&live[live.len() - 1]));
    let sequence: Vec<u32> = updates.iter().map(|u| u.sequence).collect();
    assert_eq!(sequence, (1..=updates.len() as u32).collect::<Vec<_>>());
    assert!(updates.iter().all(|u| !u.model.is_empty() && !u.calibration.is_empty() && u.compute_ms > 0.0));
}

#[tokio::test]
async fn an_update_comes_as_soon_as_the_speech_is_there_and_not_at_the_end() {
    let mut clients = populated().await;
    let mut call = clients.begin_call(info(&unique("call"), CUSTOMERS[0])).await.unwrap();
    // Only half of the call is sent before updates are awaited; the stream stays open.
    let samples = voices::call(CUSTOMERS[0]);
    call.say(&samples[..samples.len() / 2]).await;
    for sequence in 1..=5 {
        assert_eq!(call.next().await.unwrap().expect("an update").sequence, sequence);
    }
    call.say(&samples[samples.len() / 2..]).await;
    assert!(call.hang_up().await.unwrap().last().unwrap().r#final);
}

#[tokio::test]
async fn chunks_of_a_byte_a_packet_and_four_megabytes_give_the_same_updates() {
    let mut clients = populated().await;
    let samples = &voices::call(CUSTOMERS[0])[..8 * 8000];
    let pcm = voices::pcm(samples);
    let call =
        CallInfo { agent_id: "desk 4".into(), caller_number: "+8613800000000".into(), ..Default::default() };
    let mut all: Vec<Vec<CallUpdate>> = Vec::new();
    for chunk in [1, PACKET, 777, 4 << 20] {
        let call =
            CallInfo { call_id: unique("call"), claimed_customer_id: CUSTOMERS[0].into(), ..call.clone() };
        let updates = clients.screen_in_chunks(call, &pcm, chunk).await.unwrap();
        let nameless = |u: &CallUpdate| CallUpdate { call: None, ..timeless(u) };
        all.push(updates.iter().map(nameless).collect());
    }
    assert!(all[0].len() > 3);
    for other in &all[1..] {
        assert_eq!(other, &all[0]);
    }
}

#[tokio::test]
async fn four_megabytes_in_one_message_are_taken_and_one_byte_more_is_refused() {
    let mut clients = populated().await;
    let silence = vec![0; 4 << 20];
    let id = unique("call");
    let updates = clients.screen_in_chunks(info(&id, ""), &silence, 4 << 20).await.unwrap();
    assert_eq!(updates.last().unwrap().speech.as_ref().unwrap().audio_s, 262.144);
    let more = vec![0; (4 << 20) + 1];
    let outcome = clients.screen_in_chunks(info(&unique("call"), ""), &more, more.len()).await;
    refused(outcome, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn a_recording_gets_the_same_figures_as_the_same_samples_spoken_live() {
    let mut clients = populated().await;
    for person in [CUSTOMERS[0], PROXIES[0]] {
        let samples = voices::call(person);
        let live = clients.screen(info(&unique("call"), CUSTOMERS[0]), &samples).await.unwrap();
        let live = live.last().unwrap();
        let recording = voices::recording("call.wav", voices::wav(&[&samples]));
        let whole = clients.screen_recording(info(&unique("call"), CUSTOMERS[0]), recording).await.unwrap();
        assert!(whole.r#final);
        assert_eq!(whole.customer, live.customer, "bit for bit");
        let llrs = |u: &CallUpdate| u.proxies.iter().map(|p| (p.proxy_id.clone(), p.llr)).collect::<Vec<_>>();
        assert_eq!(llrs(&whole), llrs(live), "bit for bit");
        assert_eq!(whole.speech, live.speech);
        assert_eq!(verdict(&whole), verdict(live));
    }
}

#[tokio::test]
async fn watchers_see_what_the_calls_own_stream_gets() {
    let mut clients = populated().await;
    let agent_id = unique("agent");
    let watch = WatchCallsRequest { agent_id: agent_id.clone() };
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    let call = CallInfo { agent_id, ..info(&unique("call"), CUSTOMERS[1]) };
    let updates = clients.screen(call, &voices::call(CUSTOMERS[1])).await.unwrap();
    for update in updates {
        let seen = watched.message().await.unwrap().expect("the watch goes on").update.unwrap();
        assert_eq!(seen, update);
    }
}

#[tokio::test]
async fn a_watcher_of_one_agent_does_not_see_anothers_calls() {
    let mut clients = populated().await;
    let (own, other) = (unique("agent"), unique("agent"));
    let watch = WatchCallsRequest { agent_id: own.clone() };
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    for agent_id in [other, own.clone()] {
        let call = CallInfo { agent_id, ..info(&unique("call"), "") };
        clients.screen(call, &voices::noise()).await.unwrap();
    }
    let seen = watched.message().await.unwrap().unwrap().update.unwrap();
    assert_eq!(seen.call.unwrap().agent_id, own);
}

/// A call ends for its watchers also when its line breaks.
#[tokio::test]
async fn a_cancelled_call_keeps_its_updates_and_is_ended() {
    let mut clients = populated().await;
    let agent_id = unique("agent");
    let watch = WatchCallsRequest { agent_id: agent_id.clone() };
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    let id = unique("call");
    let mut call = clients.begin_call(CallInfo { agent_id, ..info(&id, CUSTOMERS[0]) }).await.unwrap();
    call.say(&voices::call(CUSTOMERS[0])[..10 * 8000]).await;
    call.next().await.unwrap().expect("an update");
    drop(call);
    let mut kept = 0;
    loop {
        let update = watched.message().await.unwrap().unwrap().update.unwrap();
        kept += 1;
        if update.r#final {
            break;
        }
    }
    assert!(kept > 1);
    let record = clients.call(&id).await.unwrap();
    assert_eq!((record.updates.len(), record.end_time.is_some()), (kept, true));
}

#[tokio::test]
async fn a_listing_and_an_enrollment_count_from_the_next_update_of_a_live_call() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    let samples = voices::call("paola");
    let mut call = clients.begin_call(info("call", "late-customer")).await.unwrap();
    call.say(&samples[..samples.len() / 2]).await;
    let before = call.next().await.unwrap().expect("an update");
    assert_eq!(verdict(&before), Verdict::NotEnrolled);
    clients.enroll("late-customer", voices::enrollment("ivrvoice")).await.unwrap();
    clients.list("late-proxy", voices::enrollment("paola")).await.unwrap();
    call.say(&samples[samples.len() / 2..]).await;
    let last = call.hang_up().await.unwrap().pop().expect("a final update");
    assert_eq!((verdict(&last), last.proxies[0].proxy_id.as_str()), (Verdict::SuspectedProxy, "late-proxy"));
    assert!(last.customer.unwrap().llr.is_some_and(|llr| llr < 0.0));
}

#[tokio::test]
async fn twenty_calls_at_once_each_get_what_they_get_alone() {
    let mut clients = populated().await;
    let samples = voices::call(CUSTOMERS[0])[..6 * 8000].to_vec();
    let alone = clients.screen(info(&unique("call"), CUSTOMERS[0]), &samples).await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (mut clients, samples, id) = (clients.clone(), samples.clone(), unique("call"));
            tokio::spawn(async move { clients.screen(info(&id, CUSTOMERS[0]), &samples).await })
        })
        .collect();
    for call in calls {
        let updates = call.await.unwrap().unwrap();
        assert_eq!(updates.len(), alone.len());
        let nameless = |u: &CallUpdate| CallUpdate { call: None, ..timeless(u) };
        assert_eq!(nameless(updates.last().unwrap()), nameless(alone.last().unwrap()));
    }
}

#[tokio::test]
async fn a_call_without_any_audio_gets_a_final_update() {
    let mut clients = populated().await;
    for messages in [vec![], vec![audio(&[])]] {
        let begin = config(info(&unique("call"), CUSTOMERS[0]));
        let updates = clients.screen_messages([vec![begin], messages].concat()).await.unwrap();
        assert_eq!(updates.len(), 1);
        assert_eq!((verdict(&updates[0]), updates[0].r#final), (Verdict::InsufficientSpeech, true));
    }
}

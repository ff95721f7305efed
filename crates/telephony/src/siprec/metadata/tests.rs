use proptest::prelude::*;

use super::*;

/// Laid out as RFC 7865, section 9.1, has it.
const TWO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
  <datamode>complete</datamode>
  <session session_id="hVpd7YQgRW2nD22h7q60JQ=="><sipSessionID>ab30317f1a784dc48ff824d0d3715d86;</sipSessionID></session>
  <participant participant_id="srfBElmCRp2QB23b7Mpk0w==">
    <nameID aor="sip:bob@biloxi.example"><name xml:lang="it">Bob &amp; B</name></nameID>
  </participant>
  <participant participant_id="zSfPoSvdSDCmU3A3TRDxAw==">
    <nameID aor="sip:paul@biloxi.example"><name xml:lang="it">Paul</name></nameID>
  </participant>
  <stream stream_id="UAAMm5GRQKSCMVvLyl4rFw==" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>96</label></stream>
  <stream stream_id="i1Pz3to5hGk8fuXl+PbwCw==" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>97</label></stream>
  <participantstreamassoc participant_id="srfBElmCRp2QB23b7Mpk0w==">
    <send>i1Pz3to5hGk8fuXl+PbwCw==</send><recv>UAAMm5GRQKSCMVvLyl4rFw==</recv>
  </participantstreamassoc>
  <participantstreamassoc participant_id="zSfPoSvdSDCmU3A3TRDxAw==">
    <send>UAAMm5GRQKSCMVvLyl4rFw==</send><recv>i1Pz3to5hGk8fuXl+PbwCw==</recv>
  </participantstreamassoc>
</recording>"#;

fn heard(metadata: &Metadata, label: &str) -> Vec<String> {
    metadata.senders(label).into_iter().map(|participant| participant.aor.clone()).collect()
}

fn parse(text: &str) -> Metadata {
    Metadata::parse(text.as_bytes()).unwrap()
}

#[test]
fn who_is_heard_in_which_stream() {
    let metadata = parse(TWO);
    assert_eq!(heard(&metadata, "96"), ["sip:paul@biloxi.example"]);
    assert_eq!(heard(&metadata, "97"), ["sip:bob@biloxi.example"]);
    assert!(heard(&metadata, "98").is_empty());
}

#[test]
fn drafts_of_the_format_are_read_too() {
    let metadata = parse(
        r#"<rec:recording xmlns:rec='urn:ietf:params:xml:ns:recording'><rec:dataMode>complete</rec:dataMode>
        <rec:participant id="p1" session="s"><rec:aor>sip:a@x</rec:aor><rec:send>m1</rec:send></rec:participant>
        <rec:participant id="p2" session="s"><rec:aor>tel:+86138</rec:aor><rec:send>m2</rec:send></rec:participant>
        <rec:stream id="m1" session="s"><rec:label>1</rec:label></rec:stream>
        <rec:stream id="m2" session="s"><rec:label>2</rec:label></rec:stream></rec:recording>"#,
    );
    assert_eq!(
        (heard(&metadata, "1"), heard(&metadata, "2")),
        (vec!["sip:a@x".into()], vec!["tel:+86138".into()])
    );
}

#[test]
fn a_change_tells_only_what_changed() {
    let mut metadata = parse(TWO);
    // Paul leaves and Carol comes, on the stream that Paul was heard in.
    metadata.update(parse(
        r#"<recording><datamode>partial</datamode>
        <participant participant_id="carol"><nameID aor="sip:carol@biloxi.example"/></participant>
        <participantstreamassoc participant_id="carol"><send>UAAMm5GRQKSCMVvLyl4rFw==</send></participantstreamassoc>
        <participantstreamassoc participant_id="zSfPoSvdSDCmU3A3TRDxAw==">
          <send>UAAMm5GRQKSCMVvLyl4rFw==</send><disassociate-time>2026-11-23T00:00:00Z</disassociate-time>
        </participantstreamassoc></recording>"#,
    ));
    assert_eq!(heard(&metadata, "96"), ["sip:carol@biloxi.example"]);
    assert_eq!(heard(&metadata, "97"), ["sip:bob@biloxi.example"]);
    metadata.update(parse("<recording><datamode>complete</datamode></recording>"));
    assert_eq!(metadata, Metadata::default());
}

/// Paul leaves as `how` says, and Carol comes on the stream that he was heard in.
fn after_a_departure(how: &str, mode: &str) -> Vec<String> {
    let mut metadata = parse(TWO);
    metadata.update(parse(&format!(
        r#"<recording><datamode>{mode}</datamode>{how}
        <stream stream_id="UAAMm5GRQKSCMVvLyl4rFw=="><label>96</label></stream>
        <participant participant_id="carol"><nameID aor="sip:carol@biloxi.example"/></participant>
        <participantstreamassoc participant_id="carol"><send>UAAMm5GRQKSCMVvLyl4rFw==</send></participantstreamassoc>
        </recording>"#
    )));
    heard(&metadata, "96")
}

const PAUL: &str = "zSfPoSvdSDCmU3A3TRDxAw==";
const ENDED: &str = "<disassociate-time>2026-11-23T00:00:00Z</disassociate-time>";
const PAULS_SEND: &str = "<send>UAAMm5GRQKSCMVvLyl4rFw==</send>";

#[test]
fn a_departure_is_read_wherever_it_stands() {
    let aor = "<nameID aor='sip:paul@biloxi.example'/>";
    let sends =
        format!("<participantstreamassoc participant_id='{PAUL}'>{PAULS_SEND}</participantstreamassoc>");
    let departures = [
        // Of the drafts, with all of the participant in it or with only their end.
        format!(
            "<participant id='{PAUL}'><aor>sip:paul@biloxi.example</aor>{PAULS_SEND}{ENDED}</participant>"
        ),
        format!("<participant id='{PAUL}'>{ENDED}</participant>"),
        format!(
            "<participantsessionassoc participant_id='{PAUL}' session_id='s'>{ENDED}</participantsessionassoc>"
        ),
        // Told before and after what they sent.
        format!(
            "<participant participant_id='{PAUL}'>{aor}</participant>\
            <participantsessionassoc participant_id='{PAUL}' session_id='s'>{ENDED}</participantsessionassoc>{sends}"
        ),
        format!(
            "<participant participant_id='{PAUL}'>{aor}</participant>{sends}\
            <participantsessionassoc participant_id='{PAUL}' session_id='s'>{ENDED}</participantsessionassoc>"
        ),
    ];
    for how in &departures {
        for mode in ["partial", "complete"] {
            assert_eq!(after_a_departure(how, mode), ["sip:carol@biloxi.example"], "{mode} {how}");
        }
    }
}

#[test]
fn who_stays_is_still_heard() {
    let aor = "<nameID aor='sip:paul@biloxi.example'/>";
    let sends =
        format!("<participantstreamassoc participant_id='{PAUL}'>{PAULS_SEND}</participantstreamassoc>");
    // A transfer: out of one session and in another. An element without a time is no end.
    let moved = format!(
        "<participant participant_id='{PAUL}'>{aor}</participant>\
         <participantsessionassoc participant_id='{PAUL}' session_id='s1'>{ENDED}</participantsessionassoc>\
         <participantsessionassoc participant_id='{PAUL}' session_id='s2'/>{sends}"
    );
    let open = format!("<participant participant_id='{PAUL}'>{aor}<disassociate-time/></participant>{sends}");
    for how in [&moved, &open] {
        for mode in ["partial", "complete"] {
            assert_eq!(after_a_departure(how, mode).len(), 2, "{mode} {how}");
        }
    }
}

#[test]
fn who_changes_streams_is_heard_in_the_new_one() {
    for order in [[0, 1], [1, 0]] {
        let parts = [
            format!(
                "<participantstreamassoc participant_id='{PAUL}'>{PAULS_SEND}{ENDED}</participantstreamassoc>"
            ),
            format!(
                "<participantstreamassoc participant_id='{PAUL}'><send>i1Pz3to5hGk8fuXl+PbwCw==</send></participantstreamassoc>"
            ),
        ];
        let mut metadata = parse(TWO);
        let parts = order.map(|at| parts[at].clone()).concat();
        metadata.update(parse(&format!("<recording><datamode>partial</datamode>{parts}</recording>")));
        assert!(heard(&metadata, "96").is_empty());
        assert_eq!(heard(&metadata, "97"), ["sip:bob@biloxi.example", "sip:paul@biloxi.example"]);
    }
}

#[test]
fn a_stream_that_ended_leaves_its_label_to_another() {
    let mut metadata = parse(TWO);
    metadata.update(parse(&format!(
        "<recording><datamode>partial</datamode>\
         <stream stream_id='UAAMm5GRQKSCMVvLyl4rFw=='><label>96</label>{ENDED}</stream>\
         <stream stream_id='new'><label>96</label></stream><participant participant_id='c'><aor>tel:1</aor></participant>\
         <participantstreamassoc participant_id='c'><send>new</send></participantstreamassoc></recording>"
    )));
    assert_eq!(heard(&metadata, "96"), ["tel:1"]);
}

#[test]
fn two_in_one_stream_are_both_told() {
    let mixed = TWO.replace("<send>i1Pz3to5hGk8fuXl+PbwCw==</send>", "<send>UAAMm5GRQKSCMVvLyl4rFw==</send>");
    assert_eq!(heard(&parse(&mixed), "96").len(), 2);
}

#[test]
fn what_can_not_be_is_refused() {
    let refused = |text: &str| Metadata::parse(text.as_bytes()).is_err();
    assert!(
        refused("") && refused("<html/>") && refused("no xml") && refused("<recording>&broken</recording>")
    );
    assert!(refused("<recording><a></b></recording>"));
    assert!(refused("<!DOCTYPE a [<!ENTITY b \"bbbb\">]><recording>&b;</recording>"));
    assert!(refused(&format!("<recording>{}</recording>", "<a>".repeat(40))));
    assert!(refused(&format!(
        "<recording>{}</recording>",
        "<participant id=\"x\"/>".repeat(5) + &"<stream id=\"s\"><label>1</label></stream>".repeat(65)
    )));
    assert!(Metadata::parse(&[0xff, 0xfe]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Metadata::parse(&bytes);
    }

    #[test]
    fn any_damage_ends_in_an_answer(at in 0..TWO.len(), length in 0usize..60, by in "[<>/&;a\"= ]{0,8}") {
        let mut bytes = TWO.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, by.bytes());
        if let Ok(mut metadata) = Metadata::parse(&bytes) {
            metadata.update(parse(TWO));
            let _ = metadata.senders("96");
        }
    }
}

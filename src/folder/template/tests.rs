use proptest::prelude::*;

use super::*;

fn template(text: &str) -> NameTemplate {
    text.parse().unwrap()
}

fn read(text: &str, name: &str) -> CallDetails {
    template(text).read(name).unwrap()
}

#[test]
fn a_recorders_name_says_all() {
    let all = "{call_id}_{customer_id}_{caller_number}_{agent_id}.wav";
    let details = read(all, "c-17_62170001_+8613800138000_王芳.wav");
    assert_eq!(details.call_id.as_deref(), Some("c-17"));
    assert_eq!(details.customer_id.as_deref(), Some("62170001"));
    assert_eq!(details.caller_number.as_deref(), Some("+8613800138000"));
    assert_eq!((details.agent_id.as_deref(), details.scene), (Some("王芳"), None));
}

#[test]
fn an_empty_field_is_not_known() {
    let details = read("{call_id}_{customer_id}_{agent_id}.wav", "c1__7.wav");
    assert_eq!((details.customer_id, details.agent_id.as_deref()), (None, Some("7")));
}

#[test]
fn without_a_dot_the_extension_does_not_count() {
    assert_eq!(read("REC-{call_id}", "REC-7.a.mp3").call_id.as_deref(), Some("7.a"));
    assert_eq!(read("{*}-{call_id}-{*}", "20261123-7-x.wav").call_id.as_deref(), Some("7"));
}

#[test]
fn what_does_not_fit_or_fits_twice_is_refused() {
    let of = template("{call_id}_{customer_id}.wav");
    for name in ["c1.wav", "c1_2.flac", "", "_", ".wav"] {
        assert!(matches!(of.read(name), Err(Refused::NameDoesNotFit { .. })), "{name}");
    }
    assert!(matches!(of.read("c_1_2.wav"), Err(Refused::NameAmbiguous { .. })));
    // Two separators of different kinds tell where the second underscore belongs.
    let of = template("{call_id}-{customer_id}_{agent_id}.wav");
    let details = of.read("a_b-c_d.wav").unwrap();
    assert_eq!((details.call_id.as_deref(), details.agent_id.as_deref()), (Some("a_b"), Some("d")));
}

#[test]
fn a_template_that_can_not_work_says_why() {
    let error = |text: &str| text.parse::<NameTemplate>().unwrap_err();
    assert_eq!(error("{call_id}{agent_id}"), TemplateError::SideBySide);
    assert_eq!(error("{call}.wav"), TemplateError::UnknownField("call".into()));
    assert!(error("{call}.wav").to_string().contains("{customer_id}"));
    assert_eq!(error("{call_id"), TemplateError::Braces);
    assert_eq!(error("{call_id}}"), TemplateError::Braces);
    assert_eq!(error("{call_id}_{call_id}"), TemplateError::Twice("call_id"));
    assert_eq!(error("call_id.wav"), TemplateError::NoCallId);
    assert_eq!(error("../{call_id}.wav"), TemplateError::Slash);
    assert_eq!(error(&"{*}_".repeat(17)), TemplateError::TooManyFields);
}

/// All ways to cut a text at separators, one by one.
fn all_readings<'a>(text: &'a str, separators: &[&str]) -> Vec<Vec<&'a str>> {
    let Some((first, rest)) = separators.split_first() else { return vec![vec![text]] };
    let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at) && text[*at..].starts_with(first));
    cuts.flat_map(|at| {
        let tails = all_readings(&text[at + first.len()..], rest);
        tails.into_iter().map(move |tail| [vec![&text[..at]], tail].concat())
    })
    .collect()
}

proptest! {
    #[test]
    fn exactly_the_names_with_one_reading_are_taken(name in "[ab_-]{0,9}", second in "[_-]") {
        let of = template(&format!("{{call_id}}_{{customer_id}}{second}{{agent_id}}"));
        let readings = all_readings(&name, &["_", &second]);
        match of.read(&name) {
            Ok(details) => {
                prop_assert_eq!(readings.len(), 1);
                let values = [details.call_id, details.customer_id, details.agent_id];
                let expected: Vec<_> = readings[0].iter().map(|v| (!v.is_empty()).then(|| (*v).to_owned())).collect();
                prop_assert_eq!(values.to_vec(), expected);
            }
            Err(Refused::NameAmbiguous { .. }) => prop_assert!(readings.len() > 1),
            Err(_) => prop_assert!(readings.is_empty()),
        }
    }

    #[test]
    fn any_template_and_any_name_end_in_an_answer(text in "[{}a_*.]{0,24}|.{0,24}", name in ".{0,260}") {
        if let Ok(template) = text.parse::<NameTemplate>() {
            let _ = template.read(&name);
        }
    }

    #[test]
    fn values_written_by_the_template_are_read_back(call in "[a-z0-9]{1,20}", customer in "[0-9]{0,12}") {
        let details = read("x-{call_id}_{customer_id}.wav", &format!("x-{call}_{customer}.wav"));
        prop_assert_eq!(details.call_id, Some(call));
        prop_assert_eq!(details.customer_id, (!customer.is_empty()).then_some(customer));
    }
}

use crate::ScoringError;

/// How likely each hypothesis is before anyone has spoken. The three sum to 1.
///
/// The default is for calls that complain: banks report that a fifth to a quarter of them come
/// from hired proxies who pose as the customer (accuracy notes in docs/evaluation.md), so the
/// customer has 75 %. Of the rest, 10 % go to voices that are on the list already, since a list
/// starts young and agencies hire new callers, and 15 % to everybody else: proxies not listed yet,
/// and the spouse, child or colleague who calls for the customer. An operator who knows the shares
/// of his own calls sets them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors {
    customer: f64,
    listed: f64,
    other: f64,
}

/// How far from 1 the sum may be: room for decimals in a configuration file.
const SUM_TOLERANCE: f64 = 1e-6;

impl Priors {
    /// The shares of calls made by the customer, by a listed proxy, and by somebody else.
    ///
    /// # Errors
    /// [`ScoringError::BadSetting`] unless all three are above 0 and sum to 1. A share of 0 would
    /// make a hypothesis impossible whatever was heard.
    pub fn new(customer: f64, listed: f64, other: f64) -> Result<Self, ScoringError> {
        let sum = customer + listed + other;
        let positive = [customer, listed, other].iter().all(|p| *p > 0.0);
        if positive && (sum - 1.0).abs() <= SUM_TOLERANCE {
            return Ok(Self { customer: customer / sum, listed: listed / sum, other: other / sum });
        }
        let detail =
            format!("priors must each be above 0 and sum to 1, not {customer}, {listed} and {other}");
        Err(ScoringError::BadSetting(detail))
    }

    /// The share of calls made by the customer.
    #[must_use]
    pub fn customer(&self) -> f64 {
        self.customer
    }

    /// The share of calls made by somebody on the list, whoever of them.
    #[must_use]
    pub fn listed(&self) -> f64 {
        self.listed
    }

    /// The share of calls made by anybody else.
    #[must_use]
    pub fn other(&self) -> f64 {
        self.other
    }
}

impl Default for Priors {
    fn default() -> Self {
        Self { customer: 0.75, listed: 0.10, other: 0.15 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_distribution() {
        let d = Priors::default();
        assert_eq!(Priors::new(d.customer(), d.listed(), d.other()).unwrap(), d);
    }

    #[test]
    fn refuses_what_is_none() {
        for (c, l, o) in [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1), (f64::NAN, 0.5, 0.5)] {
            assert!(matches!(Priors::new(c, l, o), Err(ScoringError::BadSetting(_))), "{c} {l} {o}");
        }
    }
}

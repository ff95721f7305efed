use crate::metrics::{Bootstrap, IdentificationOptions, OperatingPoint, VerificationOptions};

/// How results are counted; the default is what every report states.
#[derive(Clone, Debug)]
pub struct EvaluationOptions {
    /// Where detection costs are stated.
    pub points: Vec<OperatingPoint>,
    /// False positive identification rates at which the found share is stated, from 0 to 1.
    pub fpirs: Vec<f64>,
    /// How confidence intervals are made.
    pub bootstrap: Bootstrap,
    /// Shares of proxies' calls among all calls, from 0 to 1, for the what-if table.
    pub proxy_shares: Vec<f64>,
    /// Shifts of the tag threshold in nats, for the what-if table.
    pub threshold_shifts: Vec<f64>,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            points: OperatingPoint::SHIPPED.to_vec(),
            fpirs: IdentificationOptions::default().fpirs,
            bootstrap: Bootstrap::default(),
            proxy_shares: vec![0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
            threshold_shifts: vec![-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0],
        }
    }
}

impl EvaluationOptions {
    pub(crate) fn verification(&self) -> VerificationOptions {
        VerificationOptions { points: self.points.clone(), bootstrap: self.bootstrap }
    }

    pub(crate) fn identification(&self) -> IdentificationOptions {
        IdentificationOptions { fpirs: self.fpirs.clone(), bootstrap: self.bootstrap }
    }
}

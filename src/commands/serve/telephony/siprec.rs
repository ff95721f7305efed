//! The table `[siprec]`.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use earmark_server::{RoleRules, SiprecAnswers, SiprecOptions};
use earmark_voiceprint::TenantId;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSiprec {
    /// Where to listen, over UDP and TCP.
    pub(super) listen: SocketAddr,
    public_address: Option<IpAddr>,
    rtp_ports: Option<[u16; 2]>,
    tenant: Option<String>,
    #[serde(default)]
    peers: Vec<IpAddr>,
    max_recordings: Option<usize>,
    max_connections: Option<usize>,
    #[serde(default)]
    customer_labels: Vec<String>,
    #[serde(default)]
    agent_aors: Vec<String>,
    customer_line: Option<usize>,
    call_id_header: Option<String>,
    customer_id_header: Option<String>,
    agent_id_header: Option<String>,
    scene_header: Option<String>,
    #[serde(default)]
    any_rtp_source: bool,
}

impl RawSiprec {
    /// What it says, ready to use.
    pub(super) fn resolve(self) -> Result<SiprecOptions> {
        let mut options = SiprecOptions::default();
        if let Some(tenant) = &self.tenant {
            options.tenant = TenantId::new(tenant).context("siprec.tenant")?;
        }
        if let Some([first, last]) = self.rtp_ports {
            if first == 0 || last <= first {
                bail!("siprec.rtp_ports needs two ports, the first below the last");
            }
            options.rtp_ports = first..=last;
        }
        options.rtp_address = self.listen.ip();
        options.max_connections = self.max_connections.unwrap_or(options.max_connections);
        options.answers = self.answers()?;
        if options.max_connections == 0 || options.answers.max_recordings == 0 {
            bail!("siprec.max_connections and siprec.max_recordings must be more than 0");
        }
        Ok(options)
    }

    fn answers(self) -> Result<SiprecAnswers> {
        let roles = self.roles()?;
        let public_address = self.public_address.unwrap_or(self.listen.ip());
        if public_address.is_unspecified() {
            bail!("siprec.public_address is needed: an address of this machine that the far end can reach");
        }
        let shipped = SiprecAnswers::default();
        Ok(SiprecAnswers {
            public_address,
            sip_port: self.listen.port(),
            peers: self.peers,
            max_recordings: self.max_recordings.unwrap_or(shipped.max_recordings),
            roles,
            call_id_header: self.call_id_header,
            customer_id_header: self.customer_id_header,
            agent_id_header: self.agent_id_header,
            scene_header: self.scene_header,
            any_rtp_source: self.any_rtp_source,
        })
    }

    fn roles(&self) -> Result<RoleRules> {
        let agent_aors = self.agent_aors.iter().map(|text| Ok(text.parse()?)).collect::<Result<Vec<_>>>();
        let roles = RoleRules {
            customer_labels: self.customer_labels.clone(),
            agent_aors: agent_aors.context("siprec.agent_aors")?,
            customer_line: self.customer_line,
        };
        if roles.customer_line == Some(0) {
            bail!("siprec.customer_line counts from 1");
        }
        if roles.customer_labels.is_empty() && roles.agent_aors.is_empty() && roles.customer_line.is_none() {
            bail!(
                "siprec needs a rule that tells the customer's stream: agent_aors, customer_labels or \
                 customer_line"
            );
        }
        Ok(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<SiprecOptions> {
        toml::from_str::<RawSiprec>(text)?.resolve()
    }

    #[test]
    fn what_is_said_counts() {
        let text = "listen = \"10.0.0.5:5070\"\nrtp_ports = [20000, 20099]\ntenant = \"north\"\n\
            peers = [\"10.0.0.9\"]\nagent_aors = [\"sip:7*@*\"]\ncall_id_header = \"X-UCID\"\nmax_recordings = 7";
        let options = resolved(text).unwrap();
        assert_eq!((options.rtp_ports, options.tenant.as_str()), (20_000..=20_099, "north"));
        let answers = options.answers;
        assert_eq!((answers.public_address.to_string(), answers.sip_port), ("10.0.0.5".into(), 5070));
        assert_eq!((answers.max_recordings, answers.peers.len()), (7, 1));
        assert!(answers.roles.agent_aors[0].fits("sip:7001@pbx"));
        assert_eq!(answers.call_id_header.as_deref(), Some("X-UCID"));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let listen = "listen = \"127.0.0.1:5060\"\n";
        assert!(resolved(&format!("{listen}customer_line = 1")).is_ok());
        assert!(resolved("listen = \"0.0.0.0:5060\"\ncustomer_line = 1").is_err());
        for rest in [
            "",
            "customer_line = 0",
            "agent_aors = [\"\"]",
            "customer_line = 1\nrtp_ports = [2, 2]",
            "customer_line = 1\nmax_recordings = 0",
            "customer_line = 1\ntenant = \"\"",
            "customer_line = 1\npeers = [\"pbx\"]",
            "customer_line = 1\ncolour = 1",
        ] {
            assert!(resolved(&format!("{listen}{rest}")).is_err(), "{rest}");
        }
    }
}
